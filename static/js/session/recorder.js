/** Records readings, markers and excluded ranges. Stores them in this browser while it runs; stopping discards nothing. */
import { CameraVideo } from "./camera_video.js";
import { ReadingLog } from "./log.js";
import { toMs } from "./precision.js";
import { exclude, include, newRecording } from "./recording.js";

const WRITE_MS = 5000;

/**
 * @typedef {object} RecorderOptions
 * @property {() => number} now the session's clock in s
 * @property {() => Promise<import("./journal.js").Journal>} openJournal loaded when it is needed
 * @property {(problem: "full" | "blocked") => void} onStorage the browser stores no more; recording continues in memory
 * @property {() => void} onChange started, marked, stopped
 * @property {(reason: string) => void} onVideoEnd the video ended before the recording
 */

export class Recorder {
  #options;
  #startS = 0;
  #camera = null;
  #journal = null;
  #progress = null;
  #writing = Promise.resolve();
  #timer = 0;
  #excludingFromS = null;

  /** @type {import("./recording.js").Recording | null} the one that runs, or the last one */
  recording = null;
  isRunning = false;

  /** @param {RecorderOptions} options */
  constructor(options) {
    this.#options = options;
  }

  /**
   * @param {Partial<import("./recording.js").Recording> & {labels: readonly string[]}} known what is known when it begins
   * @param {MediaStream | null} stream the camera's, to record its picture too
   */
  start({ labels, ...known }, stream = null) {
    if (this.isRunning) return;
    this.#startS = this.#options.now();
    this.recording = newRecording({ ...known, id: crypto.randomUUID(), startedUtcMs: Date.now(), log: new ReadingLog(labels) });
    this.isRunning = true;
    this.#excludingFromS = null;
    this.#progress = { written: { frames: 0, video: 0 }, hasFailed: false };
    if (stream) this.#film(stream);
    this.#timer = setInterval(() => this.#write(), WRITE_MS);
    this.#write();
    this.#options.onChange();
  }

  /** The recording's clock in s. */
  get timeS() {
    return this.isRunning ? toMs(Math.max(0, this.#options.now() - this.#startS)) : (this.recording?.log.endS ?? 0);
  }

  /** When it began, on the session's clock. */
  get startS() {
    return this.#startS;
  }

  /** @param {import("../faces/reading.js").Reading} reading one captured before Record was pressed is ignored */
  add(reading) {
    if (this.isRunning && reading.timestamp_s >= this.#startS) this.recording.log.add(reading, this.#startS);
  }

  /** @param {number} [timeS] on the recording's clock @param {string} name @returns {import("./recording.js").Marker} */
  mark(name, timeS = this.timeS) {
    const marker = { t_s: toMs(timeS), name };
    this.recording.markers.push(marker);
    this.recording.markers.sort((a, b) => a.t_s - b.t_s);
    this.#options.onChange();
    return marker;
  }

  /** Gives a marker another name. */
  rename(marker, name) {
    marker.name = name;
    this.#options.onChange();
  }

  /** Excludes a range. @param {import("./recording.js").Range} range on the recording's clock */
  exclude(range) {
    if (exclude(this.recording, range, this.timeS)) this.#options.onChange();
  }

  /** Includes a range again. */
  include(range) {
    include(this.recording, range);
    this.#options.onChange();
  }

  /** Without a pointer: the first call begins an excluded range, the second ends it. */
  toggleExclude(timeS = this.timeS) {
    if (this.#excludingFromS === null) this.#excludingFromS = timeS;
    else {
      const fromS = this.#excludingFromS;
      this.#excludingFromS = null;
      this.exclude({ from_s: Math.min(fromS, timeS), to_s: Math.max(fromS, timeS) });
    }
    this.#options.onChange();
  }

  /** Where a range that is being excluded began, null when none is. */
  get excludingFromS() {
    return this.#excludingFromS;
  }

  /** Reading is interrupted, for this reason. @param {import("./recording.js").Gap["kind"]} kind @param {number} [timeS] on the recording's clock */
  interrupt(kind, timeS = this.timeS) {
    if (!this.isRunning) return;
    this.#endGap();
    this.recording.gaps.push({ kind, from_s: toMs(Math.max(0, timeS)), to_s: null });
    this.#camera?.pause();
  }

  /** Reading continues. */
  resume() {
    if (!this.isRunning) return;
    this.#endGap();
    this.#camera?.resume(this.timeS);
  }

  #endGap() {
    const last = this.recording.gaps.at(-1);
    if (last?.to_s === null) last.to_s = this.timeS;
  }

  /** Ends the recording and keeps it. @returns {Promise<import("./recording.js").Recording>} with its video complete */
  async stop() {
    if (!this.isRunning) return this.recording;
    if (this.#excludingFromS !== null) this.toggleExclude();
    this.#endGap();
    this.isRunning = false;
    clearInterval(this.#timer);
    const { recording } = this;
    await this.#camera?.stop();
    this.#camera = null;
    this.#write();
    this.#options.onChange();
    await this.#writing;
    return recording;
  }

  /** Whether leaving the page now would lose something: a recording, running or not, that is in no file yet. */
  get isUnsaved() {
    return Boolean(this.recording && this.recording.log.length && !this.recording.saved);
  }

  /** Writes new readings at once; called when the page is about to close. */
  flush() {
    return this.#write();
  }

  /** The recording is in a file, so it need not be recovered. */
  async saved() {
    if (!this.recording) return;
    this.recording.saved = true;
    this.#options.onChange();
    if (!this.isRunning) await this.#journal?.forget(this.recording.id).catch(() => {});
  }

  /** Deletes the recording. */
  async remove() {
    const { id } = this.recording;
    this.recording = null;
    await this.#writing;
    await this.#journal?.forget(id).catch(() => {}); // where nothing can be stored there is nothing to delete
    this.#options.onChange();
  }

  /** Closes the recording; if it is in no file, it can be recovered the next time the page opens. */
  release() {
    if (this.isRunning || !this.recording) return;
    this.#journal?.release(this.recording.id);
    this.recording = null;
    this.#options.onChange();
  }

  /** Continues with a recovered recording. */
  adopt(recording, journal) {
    this.recording = recording;
    this.#journal = journal;
    this.#progress = { written: { frames: recording.log.length, video: recording.video?.parts.length ?? 0 }, hasFailed: false };
    this.#options.onChange();
  }

  #film(stream) {
    try {
      this.#camera = new CameraVideo(stream, { timeS: 0, onEnd: (reason) => this.#videoEnded(reason) });
      this.recording.video = this.#camera.video;
    } catch (error) {
      this.#videoEnded(error.name);
    }
  }

  #videoEnded(reason) {
    this.#camera = null;
    this.#options.onVideoEnd(reason);
  }

  /** Writes one after the other. After a failure nothing more is written; the recording continues in memory. */
  #write() {
    const [recording, progress] = [this.recording, this.#progress];
    this.#writing = this.#writing.then(async () => {
      if (!recording || progress.hasFailed) return;
      try {
        this.#journal ??= await this.#options.openJournal();
        await this.#journal.hold(recording.id);
        progress.written = await this.#journal.write(recording, progress.written);
      } catch (error) {
        progress.hasFailed = true;
        this.#options.onStorage(error?.name === "QuotaExceededError" ? "full" : "blocked");
      }
    });
    return this.#writing;
  }
}
