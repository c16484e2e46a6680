/** The panel of photographs: pictures come in by choosing, dropping, pasting or an example; one is large, all are tiles. */
import { FaceList } from "../faces/rows.js";
import { hide, make, write } from "../shared/dom.js";
import { element } from "../shared/page.js";
import { toast } from "../shared/toast.js";
import { AT_MOST, comparison } from "./compare.js";
import { heatMaps, heatPicture } from "./heat.js";
import { Intake } from "./intake.js";
import { Picture } from "./picture.js";
import { Queue } from "./queue.js";
import { sentence } from "./sentence.js";
import { Shot } from "./shot.js";
import { Strip } from "./strip.js";

export class PhotoPanel {
  #page;
  #shots = [];
  #shown = null;
  #listed = null;
  #isExample = false;
  #compares = false;
  #onlyProblems = false;
  #queue;
  #strip;
  #list;
  #picture;
  #intake;

  /**
   * @param {import("../shared/page.js").Page} page with the parts "photo" and "found" of the catalogue
   * @param {{toVideo: (file: Blob) => void}} tools `toVideo` opens a video in its panel
   */
  constructor(page, { toVideo }) {
    this.#page = page;
    this.#queue = new Queue((shot) => shot.read(page));
    this.#strip = new Strip(element("photo-strip"), page, {
      onOpen: (shot) => this.#open(shot),
      onRemove: (shot) => this.#remove(shot),
      onTick: (shot, isTicked) => this.#tick(shot, isTicked),
    });
    this.#picture = new Picture(page, (id) => this.#list.select(id));
    this.#list = new FaceList(element("photo-faces"), page, {
      onSelect: () => this.#picture.show(this.#shown, this.#list.selected),
      onRename: (id, name) => this.#shown.rename(id, name),
      extra: (id) => this.#whyButton(id),
    });
    this.#intake = new Intake(page, {
      onFiles: (files) => this.#add(files),
      onExample: (blob, name) => this.#addExample(blob, name),
      onDrag: (isOver) => this.#render(isOver),
    });
    element("photo-retry").addEventListener("click", () => this.#retry());
    element("photo-hand").addEventListener("click", () => toVideo(this.#shown.file));
    element("photo-compare").addEventListener("click", () => this.#compare(!this.#compares));
    element("photo-save").addEventListener("click", () => this.#save([this.#shown]));
    element("photo-save-all").addEventListener("click", () => this.#save(this.#shots));
    element("photo-problems").addEventListener("click", () => {
      this.#onlyProblems = !this.#onlyProblems;
      this.#render();
    });
  }

  enter() {
    this.#intake.start();
    if (!this.#shots.length) this.#intake.showExample(() => !this.#shots.length);
    this.#render();
  }

  /** Opens a file that another panel has received. @param {File} file */
  take(file) {
    this.#add([file]);
  }

  leave() {
    this.#intake.stop();
  }

  #add(files) {
    if (!files.length) return;
    if (this.#isExample) this.#clear();
    this.#isExample = false;
    const added = files.map((file) => this.#take(new Shot(file, file.name || this.#page.t("photo.title"))));
    this.#compares = false;
    this.#shown = added[0];
    this.#render();
    // The person waits for the photograph that was just added.
    element("photo-stage").scrollIntoView({ block: "nearest" });
  }

  #addExample(blob, name) {
    this.#clear();
    this.#isExample = true;
    this.#shown = this.#take(new Shot(blob, name));
    this.#render();
  }

  #take(shot) {
    shot.watch(() => this.#render());
    this.#shots.push(shot);
    this.#queue.add(shot);
    return shot;
  }

  #whyButton(id) {
    const button = make("button", "link", this.#page.t("photo.why"));
    button.type = "button";
    button.setAttribute("aria-pressed", "false");
    button.addEventListener("click", () => this.#explain(id, button));
    return button;
  }

  /** Shows or removes the heat map of a face. */
  async #explain(id, button) {
    const isOn = button.getAttribute("aria-pressed") === "true";
    button.setAttribute("aria-pressed", String(!isOn));
    if (isOn) return this.#picture.explain(null);
    const shot = this.#shown;
    const { t, language } = this.#page;
    write(button, t("photo.reading"));
    shot.heats ??= await heatMaps(shot.picture);
    write(button, t("photo.why"));
    if (shot !== this.#shown) return;
    const index = shot.faces.findIndex((face) => face.id === id);
    const heat = shot.heats?.[index];
    if (!heat) {
      button.setAttribute("aria-pressed", "false");
      return toast(t(shot.heats ? "photo.why_none" : "photo.offline"));
    }
    this.#picture.explain({ id, image: heatPicture(heat) });
    const word = t(`emotion.${shot.reading.faces[index].dominant_emotion}`).toLocaleLowerCase(language);
    toast(t("photo.why_legend", { word }));
  }

  #retry() {
    this.#shown.again();
    this.#queue.add(this.#shown);
  }

  #open(shot) {
    this.#shown = shot;
    this.#compares = false;
    this.#render();
  }

  #remove(shot) {
    const index = this.#shots.indexOf(shot);
    this.#shots.splice(index, 1);
    this.#queue.remove(shot);
    shot.stop();
    const next = this.#shots[Math.min(index, this.#shots.length - 1)] ?? null;
    if (shot === this.#shown) this.#shown = next;
    this.#compares = false;
    this.#render();
    if (next) this.#strip.focus(next);
    else element("file").focus();
  }

  #clear() {
    for (const shot of this.#shots.splice(0)) {
      this.#queue.remove(shot);
      shot.stop();
    }
    this.#shown = null;
  }

  #tick(shot, isTicked) {
    shot.isTicked = isTicked;
    if (this.#compares) this.#compare(this.#ticked.length >= 2);
    this.#render();
  }

  get #ticked() {
    return this.#shots.filter((shot) => shot.isTicked);
  }

  #compare(compares) {
    if (compares && this.#ticked.length < 2) return toast(this.#page.t("photo.tick_two"));
    this.#compares = compares;
    if (compares) element("photo-table").replaceChildren(comparison(this.#ticked, this.#page));
    this.#render();
  }

  async #save(shots) {
    const { save, takeSnapshot } = await import("../faces/snapshot.js");
    const read = shots.filter(({ state }) => state === "done");
    for (const { file, faces, name } of read) {
      const picture = await createImageBitmap(file);
      save(await takeSnapshot(picture, faces, this.#page), `${name.replace(/\.\w+$/, "")}_emotions`, "png");
      picture.close();
    }
    toast(this.#page.t(read.length === 1 ? "photo.saved_one" : "photo.saved_other", { n: read.length }));
  }

  #render(isOver = false) {
    const { t } = this.#page;
    const shown = this.#shown;
    element("photo").dataset.state = isOver ? "over" : this.#shots.length ? "filled" : "empty";
    element("photo").dataset.view = this.#compares ? "compare" : "picture";
    element("photo-stage").dataset.shot = shown?.state ?? "";
    const ticked = this.#ticked.length;
    this.#strip.update(this.#shots, { shown, onlyProblems: this.#onlyProblems, canTick: ticked < AT_MOST });
    if (shown !== this.#listed) this.#list.update([]); // another photograph gets new rows
    this.#listed = shown;
    this.#list.update(shown?.faces ?? []);
    this.#picture.show(shown, this.#list.selected);
    element("photo-table").hidden = !this.#compares;
    element("photo-picture").hidden = this.#compares || !shown;
    hide(element("photo-drop"), this.#shots.length > 0, element("photo-stage"));
    element("photo-faces-none").hidden = Boolean(shown?.faces.length);
    write(element("photo-name"), shown ? shown.name : "");
    for (const id of ["photo-status", "photo-void-text"]) write(element(id), shown ? sentence(shown, this.#page) : "");
    element("photo-status").classList.toggle("problem", Boolean(shown?.isProblem));
    element("photo-retry").hidden = !shown?.canRetry;
    element("photo-hand").hidden = !shown?.isVideo;
    this.#renderTools(ticked);
    this.#renderProgress(t);
  }

  #renderTools(ticked) {
    const done = this.#shots.filter(({ state }) => state === "done").length;
    const problems = this.#shots.filter(({ isProblem }) => isProblem).length;
    if (!problems) this.#onlyProblems = false;
    element("photo-compare").disabled = done < 2;
    element("photo-compare").setAttribute("aria-pressed", String(this.#compares));
    badge("photo-compare", ticked);
    element("photo-save").disabled = this.#shown?.state !== "done";
    element("photo-save-all").hidden = done < 2;
    element("photo-problems").hidden = !problems;
    element("photo-problems").setAttribute("aria-pressed", String(this.#onlyProblems));
    badge("photo-problems", problems);
  }

  #renderProgress(t) {
    const read = this.#shots.filter(({ isFinal }) => isFinal).length;
    const isBusy = read < this.#shots.length;
    element("photo-progress").hidden = !isBusy;
    if (!isBusy) return;
    write(element("photo-progress-text"), t("photo.progress", { n: read, all: this.#shots.length }));
    Object.assign(element("photo-progress-bar"), { max: this.#shots.length, value: read });
  }
}

/** Writes a count beside the word of a button. */
function badge(id, count) {
  const target = element(id).querySelector(".badge");
  target.hidden = !count;
  write(target, String(count));
}
