/** What the sentence about a state says of this moment: since when it lasts, when the next try is, what went wrong, how long the page was hidden. */

const RETURNED_MS = 4000;
const FAILED_MS = 3000;

export class Moment {
  #enteredMs = performance.now();
  #retryAtMs = 0;
  #failure = { id: "", untilMs: 0 };
  #returned = { forMs: 0, untilMs: 0 };

  /** A state begins. */
  enter() {
    this.#enteredMs = performance.now();
  }

  /** The connection is tried again at this time, 0 where it is not. @param {number} atMs */
  retry(atMs) {
    this.#retryAtMs = atMs;
  }

  /** Something went wrong. @param {string} id its name or code */
  fail(id) {
    this.#failure = { id, untilMs: performance.now() + FAILED_MS };
  }

  /** The page is shown again. @param {number} hiddenForMs */
  comeBack(hiddenForMs) {
    this.#returned = { forMs: hiddenForMs, untilMs: performance.now() + RETURNED_MS };
  }

  /** Whether the last failure has been told for long enough. */
  hasFailureEnded(nowMs) {
    return nowMs >= this.#failure.untilMs;
  }

  /** Whether it is still told that the page was hidden. */
  isReturning(nowMs) {
    return nowMs < this.#returned.untilMs;
  }

  /** For `sentence` of stage.js. */
  details(nowMs) {
    return {
      sinceMs: nowMs - this.#enteredMs, retrySeconds: Math.max(0, Math.ceil((this.#retryAtMs - nowMs) / 1000)),
      hiddenForMs: this.#returned.forMs, failure: this.#failure.id,
    };
  }
}
