/**
 * Which word is shown for a face. It changes slowly on purpose: a word that flickers can't be read, and text that flashes
 * more than three times a second can hurt. A word is shown with its number only while it is the leading one of the
 * numbers shown: while an older word is held, there is no number.
 */
import { best } from "../shared/labels.js";

const LEAD = 0.1;
const CLEAR_LEAD = 0.25;
const LEAD_FOR_MS = 300;
const HOLD_MS = 600;

/**
 * @typedef {object} Word
 * @property {string} key a label or "unsure"
 * @property {string[]} pair the two labels in question when unsure, the stronger one first; else empty
 * @property {number | null} number probability of the label, 0–1; null while none is shown
 */

/**
 * The shown word of one face. A new word must lead by ten points for 300 ms, or by 25 at once; every word holds for at
 * least 600 ms, so that there are at most two changes in any second.
 */
export class ShownWord {
  #names;
  #shown = null;
  #since = 0;
  #candidate = null;
  #candidateSince = 0;

  /** @param {readonly string[]} names the labels in the order of the vectors */
  constructor(names) {
    this.#names = names;
  }

  /**
   * @param {number[]} vector the probabilities that are shown
   * @param {boolean} uncertain
   * @param {number} nowMs
   * @returns {Word}
   */
  update(vector, uncertain, nowMs) {
    const [first, second] = best(vector, 2);
    const wanted = uncertain ? { id: `unsure ${[first, second].sort()}`, pair: [first, second] } : { id: `sure ${first}`, index: first };
    this.#shown ??= this.#show(wanted, nowMs);
    if (wanted.id === this.#shown.id) this.#candidate = null;
    else this.#consider(wanted, this.#lead(wanted, vector), nowMs);
    return this.#word(vector, wanted.id);
  }

  /** The lead of the wanted word over the shown one; a change from or to "unsure" has no lead. */
  #lead({ index }, vector) {
    const shown = this.#shown.index;
    return index === undefined || shown === undefined ? LEAD : vector[index] - vector[shown];
  }

  #consider(wanted, lead, nowMs) {
    const holds = nowMs - this.#since < HOLD_MS;
    if (lead < LEAD) {
      this.#candidate = null;
      return;
    }
    if (wanted.id !== this.#candidate) {
      this.#candidate = wanted.id;
      this.#candidateSince = nowMs;
    }
    if (!holds && (lead >= CLEAR_LEAD || nowMs - this.#candidateSince >= LEAD_FOR_MS)) this.#shown = this.#show(wanted, nowMs);
  }

  #show(wanted, nowMs) {
    this.#since = nowMs;
    this.#candidate = null;
    return wanted;
  }

  #word(vector, wantedId) {
    const { id, index, pair = [] } = this.#shown;
    const names = [...pair].sort((a, b) => vector[b] - vector[a]).map((i) => this.#names[i]);
    if (index === undefined) return { key: "unsure", pair: names, number: null };
    return { key: this.#names[index], pair: [], number: id === wantedId ? vector[index] : null };
  }
}
