/** One video file from its opening to its end: decodes it, sends its frames, keeps what was read, and says how far it is. */
import { clock, percent, whole } from "../shared/format.js";
import { Encoder } from "../shared/encoder.js";
import { kindOf } from "../shared/file_kind.js";
import { element } from "../shared/page.js";
import { Analysis } from "./analysis.js";
import { openExactly } from "./decoder.js";
import { Lane } from "./lane.js";
import { VideoProblem } from "./problem.js";
import { openBySeeking } from "./seeker.js";

/** The time left is said once it can be told. */
const LEFT_FROM_MS = 2000;

const PROBLEMS = { empty: "video.empty", "no-video": "video.no-video", "no-frames": "video.no-frames", broken: "video.broken" };

export class FileReading {
  #page;
  /** What is read. @type {File} */
  file;
  #framesPerS;
  #tools;
  #handlers;
  #found = null;
  #player = null;
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

  /**
   * @param {import("../shared/page.js").Page} page with the parts "video" and "session" of the catalogue
   * @param {File} file
   * @param {number} framesPerS frames a second of the video that are read; Infinity is every one
   * @param {import("./panel.js").Tools} tools
   * @param {{onChange: () => void, onFaces: (faces: import("../faces/faces.js").ShownFace[]) => void}} handlers
   */
  constructor(page, file, framesPerS, tools, handlers) {
    this.#page = page;
    this.file = file;
    this.#framesPerS = framesPerS;
    this.#tools = tools;
    this.#handlers = handlers;
  }

  /** Whether the file is a picture, which another panel reads. */
  get isPicture() {
    return this.#problem?.found?.group === "picture";
  }

  /** How much of the file was read, 0 to 1; NaN where its length is unknown. */
  get part() {
    return Math.min(1, this.#readS / (this.#decoder?.durationS || NaN));
  }

  async open(player) {
    try {
      this.#found = await kindOf(this.file);
      this.#decoder = (await openExactly(this.file, this.#found)) ?? (await openBySeeking(this.file, this.#found));
    } catch (error) {
      return this.#fail(error);
    }
    this.#player = player;
    await player.load(this.file, this.#decoder);
    this.film = await this.#tools.openFilm({
      page: this.#page, source: this.file.name, file: this.file, firstS: this.#decoder.firstS, root: element("video-timeline"), tools: element("video-tools"),
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
        source: this.file.name, framesPerS: this.#framesPerS, maxFrameBytes: limits.max_frame_bytes,
        onReading: (reading) => this.#read(reading), onFailure: (code, message) => console.warn(code, message),
      },
    );
    this.#link = new this.#tools.Link({
      pageVersion: this.#page.pageVersion,
      onState: (state) => this.#linked(state),
      onWelcome: ({ model }) => {
        const suits = this.#page.useModel(model);
        if (!suits) this.stop(); // what was read stays; the rest would have other classes
        return suits;
      },
    });
    this.#startedMs = performance.now();
    this.#enter("reading");
    this.#link.start();
    this.#outcome = await this.#analysis.run();
    this.#link.stop();
    encoder.close();
    this.#decoder.close();
    if (this.#outcome.isShort && !this.#outcome.frames) return this.#nothingRead();
    this.film.finish();
    this.#enter("done");
    this.#player.refresh();
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
    const { name, found, message } = this.#problem;
    if (name === "codec") return t("video.codec", { detail: found.kind });
    if (this.isPicture) return found.kind === "GIF" ? t("video.gif") : t("video.picture", found);
    if (name === "not-video") {
      const text = t("video.not-video", { found: t(`found.${found.group}`, found) });
      return found.group === "text" ? `${text} ${t("video.exports")}` : text; // a table or a report, perhaps
    }
    return t(PROBLEMS[name] ?? "video.unreadable", { detail: message });
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

  #nothingRead() {
    this.#player.follow(() => []);
    this.film.close();
    this.film = null;
    this.#fail(new VideoProblem("broken", this.#found));
  }

  #fail(error) {
    if (!(error instanceof VideoProblem)) console.warn(String(error));
    this.#problem = error;
    this.#enter("problem");
  }

  #enter(state) {
    this.state = state;
    this.#handlers.onChange();
  }
}
