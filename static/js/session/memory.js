/** What the page remembers of a session: its clock, its history for the timeline, the readings of the last minutes, and names. */
import { History } from "./history.js";
import { ReadingLog } from "./log.js";
import { toMs } from "./precision.js";
import { newRecording } from "./recording.js";

/** Every reading of this time is kept, for a session that was not recorded. */
const REMEMBERED_S = 600;
const TRIM_EVERY_S = 30;

export class Memory {
  #labels;
  #trimmedS = 0;
  #offsetS = NaN;

  /** @param {readonly string[]} labels what the probabilities stand for */
  constructor(labels) {
    this.#labels = labels;
    this.history = new History(labels);
    this.log = new ReadingLog(labels);
    /** @type {Map<number, string>} names that the person gave, by face */
    this.names = new Map();
  }

  /** @returns {Memory} of a session that begins now, at time 0 */
  static begun(labels) {
    const memory = new Memory(labels);
    memory.history.reachFrom(0);
    return memory;
  }

  /** The session's time in s; 0 before the first reading. */
  get nowS() {
    return Number.isNaN(this.#offsetS) ? 0 : performance.now() / 1000 - this.#offsetS;
  }

  /** @param {import("../faces/reading.js").Reading} reading that has just arrived */
  add(reading) {
    if (Number.isNaN(this.#offsetS)) this.#offsetS = performance.now() / 1000 - reading.timestamp_s - (reading.delay_ms ?? 0) / 1000;
    for (const { id, shown } of reading.faces) if (shown?.name) this.names.set(id, shown.name);
    this.history.add(reading);
    this.log.add(reading);
    if (reading.timestamp_s - this.#trimmedS > REMEMBERED_S + TRIM_EVERY_S) {
      this.#trimmedS = reading.timestamp_s - REMEMBERED_S;
      this.log.dropBefore(this.#trimmedS);
    }
  }

  /** What is remembered, in the form of a recording. @param {Partial<import("./recording.js").Recording>} facts */
  asRecording(facts) {
    const { frames, length } = this.log;
    const startedUtcMs = length ? frames.get("utc_ms", 0) - frames.get("time_ms", 0) : Date.now();
    const gaps = this.history.gaps.map(({ kind, from_s, to_s }) => ({ kind, from_s: toMs(from_s), to_s: to_s === null ? null : toMs(to_s) }));
    return newRecording({ ...facts, log: this.log, startedUtcMs, gaps, recorded: false });
  }
}
