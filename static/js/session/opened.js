/** A session that was saved as JSON and is opened again: its time axis, summary and exports. film.js is the counterpart for a video. */
import { loadStyle } from "../shared/style.js";
import { SavedProblem } from "./checked.js";
import { Exports } from "./exports.js";
import { facesAt, historyOf } from "./playback.js";
import { exclude, include, marksOf } from "./recording.js";
import { Review } from "./review.js";
import { readSession } from "./saved_file.js";
import { Timeline } from "./timeline.js";

/**
 * @typedef {object} Places elements of the panel
 * @property {HTMLElement} stage
 * @property {HTMLElement} summary takes the stage's place
 * @property {HTMLElement} timeline
 */

export class OpenedSession {
  #page;
  #file;
  #places;
  #handlers;
  #recording = null;
  #timeline = null;
  #review = null;
  #problem = null;
  #isChanged = false;
  #ending = new AbortController();

  /** @type {"opening" | "session" | "problem"} */
  state = "opening";
  part = NaN;

  /**
   * @param {import("../shared/page.js").Page} page
   * @param {File} file
   * @param {Places} places
   * @param {{onChange: () => void, onFaces: (faces: import("../faces/faces.js").ShownFace[]) => void, onSelect: (id: number) => void,
   *   onClose: () => void}} handlers
   */
  constructor(page, file, places, handlers) {
    this.#page = page;
    this.#file = file;
    this.#places = places;
    this.#handlers = handlers;
  }

  /** Reads the file and shows it, or says what is wrong with it. */
  async open() {
    const { signal } = this.#ending;
    try {
      await Promise.all([this.#page.need("session"), loadStyle("session")]);
      this.#recording = await readSession(this.#file, this.#page.labels.names, { signal, onPart: (part) => this.#progressed(part) });
    } catch (error) {
      if (!(error instanceof SavedProblem)) console.warn(String(error));
      this.#problem = error;
    }
    if (signal.aborted) return;
    this.state = this.#problem ? "problem" : "session";
    if (this.#recording) this.#recording.openedFrom = this.#file.name;
    if (!this.#problem) this.#show();
    this.#handlers.onChange();
  }

  /** Cancels opening. */
  stop() {
    if (this.state === "opening") this.#handlers.onClose();
  }

  /** Another file comes in its place, or the person closes it. */
  close() {
    this.#ending.abort();
    this.#timeline?.close();
    this.#review?.hide();
  }

  get sentence() {
    const { t } = this.#page;
    if (this.state === "opening") return t("video.opening");
    if (this.state !== "problem") return "";
    return this.#problem.values ? t(`reopen.${this.#problem.name}`, this.#problem.values) : t("video.unreadable", { detail: this.#problem.message });
  }

  /** What a list of faces may do to it, as to a film. */
  get film() {
    return this.#recording && this;
  }

  select(id) {
    this.#timeline.selected = id;
    this.#timeline.draw();
  }

  rename(id, name) {
    this.#recording.names[id] = name;
    this.#changed();
    this.#review.refresh();
  }

  #progressed(part) {
    this.part = part;
    this.#handlers.onChange();
  }

  #show() {
    const page = this.#page;
    const nameOf = (id) => this.#recording.names[id] || page.t("face.label", { id });
    const history = historyOf(this.#recording);
    this.#timeline = new Timeline(this.#places.timeline, page, history, {
      nameOf, now: () => null, shownFromS: () => 0, onSelect: (id) => this.#handlers.onSelect(id), onLook: () => this.#looked(),
      onExclude: (range) => {
        if (!exclude(this.#recording, range, this.#recording.log.endS)) return;
        this.#changed();
        this.#review.refresh();
      },
    });
    this.#review = new Review(page, {
      places: this.#places, exports: new Exports(page, { nameOf, onSaved: () => (this.#isChanged = false) }),
      onTime: (timeS) => this.#timeline.look(timeS),
      editor: {
        rename: (marker, name) => {
          marker.name = name;
          this.#changed();
        },
        include: (range) => {
          include(this.#recording, range);
          this.#changed();
        },
      },
    });
    addEventListener("beforeunload", (event) => this.#isChanged && event.preventDefault(), { signal: this.#ending.signal });
    this.#timeline.show(history, { isFinished: true });
    this.#mark();
    this.#timeline.start();
    this.#review.show(this.#recording, { leave: { key: "summary.close", go: () => this.#handlers.onClose() } });
    this.#timeline.look(history.tracks()[0]?.from_s ?? 0);
  }

  #looked() {
    const timeS = this.#timeline.cursorS;
    this.#review.moveTo(timeS);
    this.#handlers.onFaces(facesAt(this.#recording, timeS, this.#page.labels));
  }

  #changed() {
    this.#isChanged = true;
    this.#mark();
  }

  #mark() {
    Object.assign(this.#timeline.marks, marksOf(this.#recording, 0, false, null));
    this.#timeline.draw();
  }
}
