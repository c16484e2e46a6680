/** The summary and the viewer of a recording, in the stage's place. */
import { element } from "../shared/page.js";
import { SummaryView } from "./summary.js";

export class Review {
  #page;
  #options;
  #view;
  #viewer = null;

  /** @type {import("./recording.js").Recording | null} what is shown */
  recording = null;

  /**
   * @param {import("../shared/page.js").Page} page with the session's sentences
   * @param {object} options
   * @param {import("./exports.js").Exports} options.exports
   * @param {import("./recorder.js").Recorder} options.recorder
   * @param {(timeS: number) => void} options.onTime time of the viewer on the recording's clock, while it plays
   * @param {() => void} options.onRenew a new session is wanted
   * @param {() => void} options.onDelete the recording is deleted
   */
  constructor(page, options) {
    this.#page = page;
    this.#options = options;
    this.#view = new SummaryView(element("summary"), page);
  }

  /** @param {import("./recording.js").Recording} recording @param {boolean} isLive the camera is still on behind it */
  show(recording, isLive) {
    const { exports, recorder, onRenew, onDelete } = this.#options;
    this.recording = recording;
    const again = () => this.show(recording, isLive);
    this.#view.show(recording, (id) => this.nameOf(id), {
      save: exports, look: () => this.#look(recording, again), renew: onRenew, back: isLive ? () => this.hide() : null,
      remove: recording === recorder.recording ? onDelete : null, rename: (marker, name) => recorder.rename(marker, name),
      include: (range) => {
        recorder.include(range);
        again();
      },
    });
    element("stage").hidden = true;
    this.#view.focus();
  }

  hide() {
    this.#viewer?.close();
    this.#viewer = null;
    this.recording = null;
    this.#view.hide();
    element("stage").hidden = false;
  }

  /** Shows this moment of the recording. */
  moveTo(timeS) {
    this.#viewer?.show(timeS);
  }

  nameOf(id) {
    return this.recording?.names[id] || this.#page.t("face.label", { id });
  }

  async #look(recording, onClose) {
    const { Viewer } = await import("./viewer.js");
    this.#viewer?.close();
    this.#viewer = new Viewer(element("summary"), recording, this.#page, {
      onTime: this.#options.onTime,
      onClose: () => {
        this.#viewer = null;
        onClose();
      },
    });
    this.#options.onTime(0);
  }
}
