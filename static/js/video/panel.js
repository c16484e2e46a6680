/**
 * The panel of recorded videos: a file comes in, its pictures are read in order, and the player, the marks, the faces and
 * the time axis show each moment of what was read. The file stays in the browser.
 */
import { FaceList } from "../faces/rows.js";
import { clock, percent, whole } from "../shared/format.js";
import { write } from "../shared/dom.js";
import { Encoder } from "../shared/encoder.js";
import { element } from "../shared/page.js";
import { Analysis } from "./analysis.js";
import { openExactly } from "./decoder.js";
import { Lane } from "./lane.js";
import { Player } from "./player.js";
import { openBySeeking } from "./seeker.js";

/** The times of a file and of its player differ by rounding only. */
const TEN_PER_S = 10;
/** The time left is said once it can be told. */
const LEFT_FROM_MS = 2000;

const PROBLEMS = { empty: "video.empty", "no-video": "video.no-video", "no-frames": "video.no-frames", codec: "video.codec" };

/**
 * @typedef {object} Tools what the panel needs of the other parts
 * @property {new (options: object) => object} Link the live socket, see live/socket.js
 * @property {(options: object) => Promise<object>} openFilm what has a past, see session/film.js
 */

export class VideoPanel {
  #page;
  #tools;
  #player;
  #list;
  #reading = null;
  #listening = null;
  #dragDepth = 0;

  /**
   * @param {import("../shared/page.js").Page} page with the parts "video" and "session" of the catalogue
   * @param {Tools} tools
   */
  constructor(page, tools) {
    this.#page = page;
    this.#tools = tools;
    this.#player = new Player(element("video-player"), element("video-marks"), page, {
      onMoment: (timeS) => this.#reading?.film?.look(timeS),
      onSelect: (id) => this.#list.select(id),
    });
    this.#list = new FaceList(element("video-faces"), page, {
      onSelect: (id) => {
        this.#player.select(id);
        this.#reading?.film?.select(id);
      },
      onRename: (id, name) => {
        this.#reading?.film?.rename(id, name);
        this.#player.draw();
      },
    });
    for (const input of document.querySelectorAll("[data-video]")) {
      input.addEventListener("change", () => this.#chosen(input));
      this.#chosen(input); // a file may have been chosen before this was loaded
    }
    element("video-cancel").addEventListener("click", () => this.#reading?.stop());
  }

  enter() {
    this.#listening = new AbortController();
    const { signal } = this.#listening;
    addEventListener("dragenter", (event) => this.#drag(event, 1), { signal });
    addEventListener("dragleave", (event) => this.#drag(event, -1), { signal });
    addEventListener("dragover", (event) => event.preventDefault(), { signal });
    addEventListener("drop", (event) => this.#dropped(event), { signal });
    this.#player.draw();
  }

  /** Another panel is shown. What is being read goes on, and nothing is lost. */
  leave() {
    this.#listening?.abort();
    this.#dragDepth = 0;
    this.#player.pause();
  }

  #chosen(input) {
    const [file] = input.files;
    input.value = ""; // choosing the same file again counts too
    if (file) this.#open(file);
  }

  #drag(event, by) {
    event.preventDefault();
    this.#dragDepth = Math.max(0, this.#dragDepth + by);
    this.#show(this.#dragDepth ? "over" : undefined);
  }

  #dropped(event) {
    event.preventDefault();
    this.#dragDepth = 0;
    this.#show();
    const [file] = event.dataTransfer.files;
    if (file) this.#open(file);
  }

  async #open(file) {
    this.#reading?.close();
    const framesPerS = document.querySelector("[name=video-rate]:checked").value === "ten" ? TEN_PER_S : Infinity;
    const reading = new Reading(this.#page, file, framesPerS, this.#tools, {
      onChange: () => reading === this.#reading && this.#show(),
      onFaces: (faces) => this.#showFaces(faces),
    });
    this.#reading = reading;
    write(element("video-name"), file.name);
    this.#showFaces([]);
    this.#show();
    await reading.open(this.#player);
    if (reading === this.#reading) await reading.run();
  }

  #show(state = this.#reading?.state ?? "empty") {
    const reading = this.#reading;
    const isBusy = ["opening", "reading", "lost"].includes(state);
    element("video-view").dataset.state = state;
    element("video-drop").hidden = Boolean(reading) && state !== "problem" && state !== "over";
    element("video-player").hidden = !reading || state === "problem" || !this.#player.canPlay;
    element("video-cancel").hidden = !isBusy;
    const progress = element("video-progress");
    progress.hidden = !isBusy;
    if (reading && Number.isFinite(reading.part)) progress.value = reading.part;
    else progress.removeAttribute("value");
    const status = element("video-status");
    status.classList.toggle("problem", state === "problem");
    status.setAttribute("aria-live", state === "reading" ? "off" : "polite"); // a count that changes is not announced
    write(status, reading?.sentence ?? "");
  }

  #showFaces(faces) {
    this.#list.update(faces);
    element("video-faces-none").hidden = faces.length > 0;
  }
}

/** One file on its way from opening to the end. */
class Reading {
  #page;
  #file;
  #framesPerS;
  #tools;
  #handlers;
  #decoder = null;
  #analysis = null;
  #link = null;
  #outcome = null;
  #problem = null;
  #startedMs = 0;
  #readS = 0;
  #isStopped = false;

  /** @type {"opening" | "reading" | "lost" | "done" | "problem"} */
  state = "opening";
  film = null;

  constructor(page, file, framesPerS, tools, handlers) {
    this.#page = page;
    this.#file = file;
    this.#framesPerS = framesPerS;
    this.#tools = tools;
    this.#handlers = handlers;
  }

  /** How much of the file was read, 0 to 1; NaN where its length is unknown. */
  get part() {
    return Math.min(1, this.#readS / (this.#decoder?.durationS || NaN));
  }

  async open(player) {
    try {
      this.#decoder = (await openExactly(this.#file)) ?? (await openBySeeking(this.#file));
    } catch (error) {
      return this.#fail(error);
    }
    await player.load(this.#file, this.#decoder);
    this.film = await this.#tools.openFilm({
      page: this.#page, source: this.#file.name, file: this.#file, root: element("video-timeline"), tools: element("video-tools"),
      onLook: (timeS) => player.seek(timeS), onSelect: (id) => player.select(id),
    });
    player.follow((timeS) => {
      const faces = this.film.facesAt(timeS);
      this.#handlers.onFaces(faces);
      return faces;
    });
  }

  /** Reads every picture. What was read stays, whatever happens. */
  async run() {
    if (this.state === "problem") return;
    const { limits } = this.#page;
    const encoder = new Encoder();
    this.#analysis = new Analysis(
      {
        decoder: this.#decoder, encoder,
        makeLane: (onAnswer) => new Lane({ send: (...message) => this.#link.send(...message), window: limits.max_recording_in_flight, onAnswer }),
      },
      {
        source: this.#file.name, framesPerS: this.#framesPerS, maxFrameBytes: limits.max_frame_bytes,
        onReading: (reading) => this.#read(reading), onFailure: (code, message) => console.warn(code, message),
      },
    );
    this.#link = new this.#tools.Link({
      pageVersion: this.#page.pageVersion,
      onState: (state) => this.#linked(state),
      onWelcome: ({ model }) => this.#page.useModel(model),
    });
    this.#startedMs = performance.now();
    this.#enter("reading");
    this.#link.start();
    this.#outcome = await this.#analysis.run();
    this.#link.stop();
    encoder.close();
    this.#decoder.close();
    this.film.finish();
    this.#enter("done");
  }

  stop() {
    this.#isStopped = true;
    this.#analysis?.stop();
  }

  /** Another file comes in its place. */
  close() {
    this.stop();
    this.#link?.stop();
    this.film?.close();
  }

  get sentence() {
    const { t, language } = this.#page;
    if (this.state === "opening") return t("video.opening");
    if (this.state === "lost") return t("video.lost");
    if (this.state === "problem") return this.#problemText();
    if (this.state === "done") return this.#doneText();
    const elapsedMs = performance.now() - this.#startedMs;
    const leftS = (elapsedMs / 1000) * (1 / this.part - 1);
    const share = { percent: percent(language, this.part) };
    if (!Number.isFinite(this.part)) return t("video.reading", { percent: clock(this.#readS) });
    return elapsedMs < LEFT_FROM_MS || !Number.isFinite(leftS) ? t("video.reading", share) : t("video.reading_left", { ...share, time: clock(leftS) });
  }

  #problemText() {
    const { t } = this.#page;
    return t(PROBLEMS[this.#problem.name] ?? "video.unreadable", { detail: this.#problem.detail ?? this.#problem.message });
  }

  #doneText() {
    const { t } = this.#page;
    const { frames, failed, isShort, readS, announcedS } = this.#outcome;
    const faces = this.film.faceCount;
    const count = faces ? this.#count("video.faces_one", "video.faces_other", faces) : t("video.faces_zero");
    const sentences = [this.#count("video.done_one", "video.done_other", frames, { faces: count })];
    if (failed) sentences.push(this.#count("video.failed_one", "video.failed_other", failed));
    if (!this.#decoder.isExact) sentences.push(t("video.coarse"));
    const done = sentences.join(" ");
    if (this.#isStopped) return t("video.cancelled", { done });
    return isShort ? t("video.short", { read: clock(readS), announced: clock(announcedS), done }) : done;
  }

  #count(one, other, n, values = {}) {
    const { t, language } = this.#page;
    return t(new Intl.PluralRules(language).select(n) === "one" ? one : other, { n: whole(language, n), ...values });
  }

  #read(reading) {
    this.#readS = reading.timestamp_s;
    this.film.add(reading);
    if (this.state !== "reading") this.state = "reading";
    this.#handlers.onChange();
  }

  #linked(state) {
    if (state === "open" || state === "outdated") {
      if (this.state === "lost") this.#enter("reading");
      this.#analysis.lane.opened();
    } else if (!["connecting", "off"].includes(state)) {
      this.#analysis.lane.lost();
      if (this.state === "reading") this.#enter("lost");
    }
  }

  #fail(error) {
    console.warn(error);
    this.#problem = error;
    this.#enter("problem");
  }

  #enter(state) {
    this.state = state;
    this.#handlers.onChange();
  }
}
