/**
 * Runs the code that reads the camera (reader.js): loads it at its first use, lets it read or rest as the facts of the
 * panel demand, and tells what it does, for the timeline.
 */
import { activityOf, isReading } from "./state.js";

/** Activities that begin with the last answer. */
const LOST = new Set(["offline", "restarted"]);

export class ReaderRun {
  #parts;
  #handlers;
  #activity = "stopped";

  /** @type {import("./reader.js").Reader | null} null until it is loaded */
  reader = null;
  /** Whether nobody has been in view for long. */
  isLate = false;

  /**
   * @param {{page: import("../shared/page.js").Page, readings: import("../faces/reading.js").Readings}} parts
   * @param {object} handlers
   * @param {(link: string, details: {retryAtMs?: number}) => void} handlers.onLink
   * @param {() => void} handlers.onAnswer
   * @param {(code: string, message: string) => void} handlers.onFailure
   * @param {() => void} handlers.onRun it reads from now on
   * @param {() => void} handlers.onRest it does not
   */
  constructor(parts, handlers) {
    this.#parts = parts;
    this.#handlers = handlers;
  }

  /** Loads the reader, once. */
  async load() {
    if (this.reader) return;
    const { Reader } = await import("./reader.js");
    this.reader ??= new Reader({ ...this.#parts, ...this.#handlers });
  }

  /** @param {import("./state.js").Facts} facts that have changed */
  follow(facts) {
    const { reader } = this;
    if (!reader) return;
    const reads = isReading(facts);
    if (reads && !reader.isRunning) {
      if (this.#activity === "stopped") reader.begin();
      reader.run();
      this.#handlers.onRun();
    } else if (!reads && reader.isRunning) {
      reader.rest();
      this.#handlers.onRest();
    }
    // While paused, the last values stay visible; otherwise outdated values are removed.
    if (facts.paused || facts.away) reader.settle();
    else if (!reads) reader.forget();
    this.#tellActivity(activityOf(facts));
  }

  /** @param {boolean} announces @returns {string | null} advice to the person */
  advice(announces, nowMs) {
    const { advice, isLate } = this.reader.tick(announces, nowMs);
    this.isLate = isLate;
    return advice;
  }

  #tellActivity(kind) {
    if (kind === this.#activity) return;
    // A session begins with its first picture, not when the camera is opened.
    if (this.#activity === "stopped" && kind !== "reading") return;
    // A lost connection is noticed seconds after the last answer.
    const { elapsedS, answeredS } = this.reader;
    const timestampS = this.#activity === "reading" && LOST.has(kind) ? answeredS : elapsedS;
    this.#activity = kind;
    const time = new Date(Date.now() - (elapsedS - timestampS) * 1000);
    this.#parts.readings.publishActivity({ kind, timestamp_s: timestampS, time_utc: time.toISOString() });
  }
}
