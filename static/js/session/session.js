/**
 * The session of the camera: its timeline, recording, summary and exports. Loaded with the first
 * answer, or when a recording waits to be recovered. Its only inputs are readings and activities.
 */
import { loadStyle } from "../shared/style.js";
import { element } from "../shared/page.js";
import { toast } from "../shared/toast.js";
import { BaselineControl } from "./baseline_control.js";
import { Exports } from "./exports.js";
import { History } from "./history.js";
import { Memory } from "./memory.js";
import { historyOf } from "./playback.js";
import { toMs } from "./precision.js";
import { RecordControl } from "./record_control.js";
import { Recorder } from "./recorder.js";
import { marksOf } from "./recording.js";
import { offerRecovery } from "./recovery.js";
import { Review } from "./review.js";
import { SUMMED_FROM_S } from "./summary.js";
import { SHOWN_FROM_S, Timeline } from "./timeline.js";

/**
 * Loads words and styles, and makes the session.
 * @param {ConstructorParameters<typeof Session>[0]} options
 * @returns {Promise<Session>}
 */
export async function openSession(options) {
  await Promise.all([options.page.need("session"), loadStyle("session")]);
  return new Session(options);
}

export class Session {
  #page;
  #options;
  #history;
  #memory;
  #isRunning = false;
  #recorder;
  #timeline;
  #control;
  #exports;
  #review;
  #baselines;
  #note = null;
  #listening = new AbortController();

  /**
   * @param {object} options
   * @param {import("../shared/page.js").Page} options.page with the words of "session"
   * @param {import("../shared/page.js").Settings} options.settings
   * @param {() => MediaStream | null} options.stream the camera's
   * @param {() => void} options.restart turns the camera on again
   * @param {(id: number) => void} options.select a face
   * @param {() => number | null} options.selected
   */
  constructor(options) {
    this.#options = options;
    const { page, settings } = options;
    this.#page = page;
    this.#memory = new Memory(page.labels.names);
    this.#history = this.#memory.history;
    this.#baselines = new BaselineControl(page, () => this.#memory.log);
    this.#recorder = new Recorder({
      now: () => this.#memory.nowS,
      openJournal: async () => new (await import("./journal.js")).Journal(),
      onStorage: (problem) => toast(page.t(problem === "full" ? "record.storage_full" : "record.storage_blocked")),
      onChange: () => this.#changed(),
      onVideoEnd: () => toast(page.t("record.video_ended")),
    });
    this.#timeline = new Timeline(element("timeline"), page, this.#history, {
      nameOf: (id) => this.#nameOf(id), now: () => (this.#isRunning ? this.#memory.nowS : null), onSelect: (id) => options.select(id),
      onLook: () => this.#review.moveTo(this.#timeline.cursorS - this.#shiftS),
      onExclude: (range) => this.#exclude(range),
      shownFromS: () => (this.#recorder.recording ? 0 : SHOWN_FROM_S), // a recording needs it for markers and ranges, and as the way to its summary
    });
    this.#control = new RecordControl(element("session-tools"), this.#timeline.tools, { page, settings, recorder: this.#recorder }, {
      start: (withVideo) => this.#record(withVideo), stop: () => this.#endRecording(), open: () => this.#sumUp(this.#recorder.recording),
      isOpen: () => this.#review.recording === this.#recorder.recording,
      momentS: () => (this.#timeline.isFollowing ? this.#recorder.timeS : Math.max(0, this.#timeline.cursorS - this.#recorder.startS)),
    });
    this.#exports = new Exports(page, {
      nameOf: (id) => this.#nameOf(id), onSaved: (recording) => recording === this.#recorder.recording && this.#recorder.saved(),
      isUnsaved: (recording) => recording === this.#recorder.recording && this.#recorder.isUnsaved,
    });
    this.#review = new Review(page, {
      places: { stage: element("stage"), summary: element("summary") }, exports: this.#exports, editor: this.#recorder,
      onTime: (timeS) => this.#timeline.look(timeS + this.#shiftS),
    });
    const { signal } = this.#listening;
    addEventListener("beforeunload", (event) => this.#recorder.isUnsaved && event.preventDefault(), { signal });
    addEventListener("pagehide", () => this.#recorder.flush(), { signal });
    this.#timeline.start();
  }

  /** Ends every timer and listener. */
  close() {
    this.#listening.abort();
    this.#timeline.close();
    this.#control.close();
    this.#review.hide();
  }

  /** Keys of the camera's panel and what they do here. */
  get keys() {
    return {
      r: () => this.#control.toggle(), k: () => this.#control.mark(), x: () => this.#control.exclude(),
      arrowleft: () => this.#timeline.step(-1), arrowright: () => this.#timeline.step(1), l: () => this.#timeline.look(null),
      home: () => this.#timeline.look(this.#history.startS), end: () => this.#timeline.look(null),
    };
  }

  /** Offers to recover recordings of a page that crashed. */
  async recover() {
    await offerRecovery(this.#page, (recording, journal) => {
      this.#recorder.adopt(recording, journal);
      this.#sumUp(recording);
    });
  }

  // Events of the source

  /** @param {import("../faces/reading.js").Reading} reading */
  add(reading) {
    if (!this.#isRunning) this.#begin();
    this.#memory.add(reading);
    this.#recorder.add(reading);
    this.#baselines.add(reading);
    this.#timeline.selected = this.#options.selected();
  }

  /** @param {import("../faces/reading.js").Activity} activity */
  activity({ kind, timestamp_s: timeS }) {
    if (!this.#isRunning) return;
    if (kind === "stopped") this.#end(timeS);
    else if (kind === "reading") {
      this.#history.close(timeS);
      this.#recorder.resume();
    } else {
      this.#history.open(kind, timeS);
      this.#recorder.interrupt(kind, timeS - this.#recorder.startS);
    }
  }

  #begin() {
    this.#isRunning = true;
    this.#baselines.reset();
    this.#memory = Memory.begun(this.#page.labels.names);
    this.#history = this.#memory.history;
    this.#recorder.release();
    this.#review.hide();
    this.#timeline.show(this.#history);
    this.#changed();
  }

  async #end(timeS) {
    this.#history.close(timeS);
    this.#isRunning = false;
    await this.#recorder.stop();
    this.#keepBaselines();
    // What was recorded and is in no file is always shown, however short.
    if (this.#recorder.isUnsaved) this.#sumUp(this.#recorder.recording);
    else if (this.#memory.log.endS >= SUMMED_FROM_S) this.#sumUp(this.#memory.asRecording({ ...this.#facts(), baselines: { ...this.#baselines.taken } }));
    this.#changed();
  }

  #facts() {
    return { source: "live", model: { ...this.#page.model }, pageVersion: this.#page.pageVersion, names: Object.fromEntries(this.#memory.names) };
  }

  // Actions of the person

  #record(withVideo) {
    if (!this.#isRunning) return;
    this.#note?.remove();
    this.#recorder.release();
    this.#recorder.start({ ...this.#facts(), labels: this.#page.labels.names }, withVideo ? this.#options.stream() : null);
  }

  async #endRecording() {
    const recording = await this.#recorder.stop();
    this.#keepBaselines();
    const show = this.#toastButton("record.show", () => this.#sumUp(recording));
    this.#note = toast(this.#page.t("record.kept"), this.#toastButton("summary.csv", () => this.#exports.csv(recording)), show);
  }

  /** Copies the neutral faces of the session into the recording, on its clock. */
  #keepBaselines() {
    const { recording, startS } = this.#recorder;
    if (!recording || this.#review.recording === recording) return;
    const moved = Object.entries(this.#baselines.taken).map(([id, { vector, from_s }]) => [id, { vector, from_s: toMs(from_s - startS) }]);
    recording.baselines = Object.fromEntries(moved);
  }

  #toastButton(key, onClick) {
    const made = Object.assign(document.createElement("button"), { type: "button", className: "button button--small", textContent: this.#page.t(key) });
    made.addEventListener("click", onClick);
    return made;
  }

  /** Excludes a range that is given on the timeline's clock. */
  #exclude({ from_s, to_s }) {
    if (!this.#recorder.recording) return;
    this.#recorder.exclude({ from_s: from_s - this.#shiftS, to_s: to_s - this.#shiftS });
  }

  #sumUp(recording) {
    recording.names = { ...recording.names, ...Object.fromEntries(this.#memory.names) };
    this.#note?.remove();
    const leave = this.#isRunning ? { key: "summary.back", go: () => this.#backToCamera() } : { key: "summary.renew", go: () => this.#renew() };
    this.#review.show(recording, { leave, remove: recording === this.#recorder.recording ? () => this.#delete() : null });
    if (!this.#isRunning) this.#timeline.show((this.#history = historyOf(recording)), { isFinished: true });
    this.#changed();
  }

  #backToCamera() {
    this.#review.hide();
    this.#changed();
  }

  #renew() {
    this.#recorder.release();
    this.#review.hide();
    this.#options.restart();
  }

  async #delete() {
    await this.#recorder.remove();
    this.#review.hide();
    if (!this.#isRunning) this.#timeline.show((this.#history = new History(this.#page.labels.names)));
  }

  // Effects

  #nameOf(id) {
    return this.#memory.names.get(id) || this.#review.nameOf(id);
  }

  /** The recording's clock at 0, on the clock of the timeline. */
  get #shiftS() {
    return this.#isRunning ? this.#recorder.startS : 0;
  }

  #changed() {
    if (!this.#review) return; // not created yet
    const { recording, isRunning, excludingFromS } = this.#recorder;
    const shown = isRunning || this.#review.recording === recording ? recording : null;
    Object.assign(this.#timeline.marks, marksOf(shown, this.#shiftS, isRunning, excludingFromS));
    this.#timeline.draw();
    this.#control.show();
    this.#control.enable(this.#isRunning);
  }
}
