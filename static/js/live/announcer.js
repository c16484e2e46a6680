/** Announcements for screen readers: few, and only of states that last. */

const SETTLED_MS = 2000;
const BETWEEN_MS = 5000;

/** Decides what a screen reader hears: only what has lasted two seconds, at most once in five. */
export class Announcer {
  #spoken = "";
  #candidate = "";
  #since = 0;
  #lastMs = -Infinity;

  /**
   * @param {string} summary the present state in words, "" when there is nothing to say
   * @param {number} nowMs
   * @returns {string | null} what to say now
   */
  update(summary, nowMs) {
    if (summary !== this.#candidate) {
      this.#candidate = summary;
      this.#since = nowMs;
    }
    const settled = nowMs - this.#since >= SETTLED_MS;
    if (!summary || summary === this.#spoken || !settled || nowMs - this.#lastMs < BETWEEN_MS) return null;
    this.#spoken = summary;
    this.#lastMs = nowMs;
    return summary;
  }

  /** Records that a state was spoken on request: it is not repeated, and nothing else is said for a while. */
  spoke(summary, nowMs) {
    this.#spoken = summary;
    this.#lastMs = nowMs;
  }
}
