/** One photo on the photo page: its picture with marks, its faces, and what went wrong if something did. */
import { Card } from "../faces/cards.js";
import { toVector } from "../faces/emotions.js";
import { percent, short } from "../shared/format.js";
import { contain, hit, project, toFractions } from "../faces/geometry.js";
import { drawMarks, plateText, prepare } from "../faces/overlay.js";
import { analyse, looksLikePicture, photoState } from "./upload.js";
import { ShownWord } from "../faces/words.js";
import { icon, make, write } from "../shared/dom.js";

/** Reads one photo and shows what came of it. One failure never hides the others. */
export class Shot {
  #page;
  #file;
  #name;
  #url;
  #sending = null;
  #faces = [];
  #selected = null;
  #image = make("img", "");
  #canvas = make("canvas", "");
  #picture = make("div", "shot__picture");
  #status = make("p", "shot__status");
  #progress = make("progress", "shot__progress");
  #save = make("button", "tool tool--small");
  #retry;
  #cards = make("div", "shot__cards");
  #resized = new ResizeObserver(() => this.#draw());

  /**
   * @param {{t: Function, language: string, limits: {max_upload_bytes: number}}} page
   * @param {Blob} file
   * @param {string} name
   * @param {(shot: Shot) => void} onRemove
   */
  constructor(page, file, name, onRemove) {
    this.#page = page;
    this.#file = file;
    this.#name = name;
    this.element = make("article", "shot");
    this.element.setAttribute("aria-label", page.t("photo.picture", { name }));
    const head = make("div", "shot__head");
    const remove = make("button", "tool tool--small");
    remove.type = "button";
    remove.setAttribute("aria-label", page.t("photo.remove", { name }));
    remove.append(icon("close"));
    remove.addEventListener("click", () => onRemove(this));
    this.#save.type = "button";
    this.#save.setAttribute("aria-label", page.t("photo.save", { name }));
    this.#save.append(icon("snapshot"));
    this.#save.addEventListener("click", () => this.#savePicture());
    head.append(make("h2", "shot__name", name), this.#save, remove);
    this.#status.setAttribute("role", "status");
    this.#canvas.setAttribute("aria-hidden", "true");
    this.#canvas.addEventListener("click", (event) => this.#clicked(event));
    this.#image.alt = name;
    this.#picture.append(this.#image, this.#canvas);
    this.#retry = make("button", "button", page.t("photo.retry"));
    this.#retry.type = "button";
    this.#retry.addEventListener("click", () => this.start());
    this.#progress.setAttribute("aria-label", page.t("photo.reading"));
    this.element.append(head, this.#picture, this.#status, this.#progress, this.#retry, this.#cards);
    this.#resized.observe(this.#picture);
  }

  /** Sends the photo and shows the answer. */
  async start() {
    this.#showPicture();
    if (!this.#file.size) return this.#show("empty");
    if (!looksLikePicture(this.#file)) return this.#show("not-a-picture");
    if (this.#file.size > this.#page.limits.max_upload_bytes) return this.#show("too-large");
    this.#show("sending", 0);
    this.#sending = analyse(this.#file, (part) => this.#show(part < 1 ? "sending" : "reading", part));
    const answer = await this.#sending.answer;
    this.#sending = null;
    if (answer.code === "cancelled") return;
    if (answer.ok) this.#take(answer);
    this.#show(photoState(answer), 1, answer);
  }

  /** Cancels what is under way and lets go of the picture. */
  stop() {
    this.#sending?.cancel();
    this.#resized.disconnect();
    if (this.#url) URL.revokeObjectURL(this.#url);
    this.element.remove();
  }

  #showPicture() {
    if (this.#url) return;
    this.#url = URL.createObjectURL(this.#file);
    this.#image.addEventListener("error", () => (this.#picture.hidden = true));
    this.#image.addEventListener("load", () => this.#draw());
    this.#image.src = this.#url;
  }

  #show(state, part = 0, answer = {}) {
    const { t, language, limits } = this.#page;
    const problem = !["sending", "reading", "done", "nobody"].includes(state);
    this.element.dataset.state = state;
    this.element.dataset.kind = problem ? "problem" : "fine";
    const count = this.#faces.length;
    const megabytes = (bytes) => short(language, bytes / 1e6);
    const sentences = {
      sending: () => t("photo.sending", { percent: percent(language, part) }),
      done: () => (count === 1 ? t("photo.done_one") : t("photo.done_other", { n: count })),
      empty: () => t("photo.empty", { name: this.#name }),
      "not-a-picture": () => t("photo.not-a-picture", { name: this.#name }),
      "too-large": () => t("photo.too-large", { mb: megabytes(this.#file.size), max: Math.floor(limits.max_upload_bytes / 1e6) }),
      "too-many-pixels": () => t("photo.too-many-pixels", { name: this.#name, max: limits.max_megapixels }),
      damaged: () => t("photo.damaged", { name: this.#name }),
      error: () => t("photo.error", { id: answer.code }),
    };
    write(this.#status, (sentences[state] ?? (() => t(`photo.${state}`)))());
    this.#progress.hidden = !["sending", "reading"].includes(state);
    if (state === "reading") this.#progress.removeAttribute("value");
    else this.#progress.value = part;
    this.#save.hidden = state !== "done";
    this.#retry.hidden = !["busy", "offline", "error"].includes(state);
  }

  #take(answer) {
    const { t } = this.#page;
    this.#faces = answer.faces.map((face, i) => {
      const vector = toVector(face.emotions);
      const word = new ShownWord().update(vector, face.uncertain, 0);
      return { id: i + 1, box: toFractions(face.box, answer.image), vector, word, read: { vector, word } };
    });
    const many = this.#faces.length > 1;
    this.#cards.replaceChildren(...this.#faces.map((face) => {
      const card = new Card(this.#page, {
        title: t("face.label", { id: face.id }), level: "h3", onSelect: many ? () => this.#select(face.id) : undefined,
      });
      card.element.dataset.id = face.id;
      card.update(face);
      return card.element;
    }));
    this.#draw();
  }

  async #savePicture() {
    const { save, takeSnapshot } = await import("../faces/snapshot.js");
    save(await takeSnapshot(this.#file, this.#faces, this.#page), `${this.#name.replace(/\.\w+$/, "")}_emotions`, "png");
  }

  #clicked({ offsetX, offsetY }) {
    const boxes = this.#boxes();
    const index = hit(boxes, offsetX, offsetY);
    if (index >= 0) this.#select(this.#faces[index].id);
  }

  #select(id) {
    if (this.#faces.length < 2) return;
    this.#selected = id;
    for (const card of this.#cards.children) {
      const isSelected = Number(card.dataset.id) === id;
      card.classList.toggle("card--selected", isSelected);
      card.querySelector(".card__select").setAttribute("aria-pressed", String(isSelected));
      if (isSelected) card.scrollIntoView({ block: "nearest" });
    }
    this.#draw();
  }

  get #view() {
    const { clientWidth, clientHeight } = this.#canvas;
    const { clientWidth: w, clientHeight: h, naturalWidth, naturalHeight } = this.#image;
    const fit = contain(naturalWidth, naturalHeight, w, h);
    return { ...fit, x: (clientWidth - w) / 2 + fit.x, y: (clientHeight - h) / 2 + fit.y };
  }

  #boxes() {
    return this.#faces.map((face) => project(face.box, this.#view, false));
  }

  #draw() {
    if (!this.#canvas.isConnected || !this.#canvas.clientWidth) return;
    const context = prepare(this.#canvas);
    if (!this.#faces.length || !this.#image.naturalWidth) return;
    const { t, language } = this.#page;
    const count = this.#faces.length;
    const boxes = this.#boxes();
    const marks = this.#faces.map((face, i) => ({
      face, box: boxes[i], alpha: 1, text: plateText(face, count, t, language), selected: count > 1 && face.id === this.#selected,
    }));
    const { clientWidth, clientHeight } = this.#canvas;
    drawMarks(context, marks, { x: 4, y: 4, w: clientWidth - 8, h: clientHeight - 8 });
  }
}
