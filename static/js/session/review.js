/** The summary and the viewer of a recording, in the stage's place. */
import { SummaryView } from "./summary.js";

export class Review {
  #page;
  #options;
  #view;
  #viewer = null;
  #ways = null;

  /** @type {import("./recording.js").Recording | null} what is shown */
  recording = null;

  /**
   * @param {import("../shared/page.js").Page} page with the session's sentences
   * @param {object} options
   * @param {{stage: HTMLElement, summary: HTMLElement}} options.places the summary takes the stage's place
   * @param {import("./exports.js").Exports} options.exports
   * @param {{rename: (marker: object, name: string) => void, include: (range: object) => void}} options.editor changes the recording
   * @param {(timeS: number) => void} options.onTime time of the viewer on the recording's clock, while it plays
   */
  constructor(page, options) {
    this.#page = page;
    this.#options = options;
    this.#view = new SummaryView(options.places.summary, page);
  }

  /**
   * @param {import("./recording.js").Recording} recording
   * @param {{leave: import("./summary.js").Way, remove?: (() => void) | null}} ways out of the summary
   */
  show(recording, ways) {
    this.recording = recording;
    this.#ways = ways;
    this.#sumUp();
    this.#options.places.stage.hidden = true;
    this.#view.focus();
    this.#comeIntoView();
  }

  /** On a low screen its beginning may be above the edge. */
  #comeIntoView() {
    const { summary } = this.#options.places;
    if (summary.getBoundingClientRect().top < 0) summary.scrollIntoView();
  }

  /** The recording has changed; what a person looks at stays. */
  refresh() {
    if (!this.#viewer) this.#sumUp();
  }

  #sumUp() {
    const { exports, editor } = this.#options;
    const { recording } = this;
    this.#view.show(recording, (id) => this.nameOf(id), {
      save: exports, look: () => this.#look(), ...this.#ways, rename: (marker, name) => editor.rename(marker, name),
      include: (range) => {
        editor.include(range);
        this.show(recording, this.#ways);
      },
    });
  }

  hide() {
    this.#viewer?.close();
    this.#viewer = null;
    this.recording = null;
    this.#view.hide();
    this.#options.places.stage.hidden = false;
  }

  /** Shows this moment of the recording. */
  moveTo(timeS) {
    this.#viewer?.show(timeS);
  }

  nameOf(id) {
    return this.recording?.names[id] || this.#page.t("face.label", { id });
  }

  async #look() {
    const { Viewer } = await import("./viewer.js");
    const { recording } = this;
    if (!recording) return; // it was closed meanwhile
    this.#viewer?.close();
    this.#viewer = new Viewer(this.#options.places.summary, recording, this.#page, {
      onTime: this.#options.onTime,
      onClose: () => {
        this.#viewer = null;
        this.show(recording, this.#ways);
      },
    });
    this.#comeIntoView();
    this.#options.onTime(0);
  }
}
