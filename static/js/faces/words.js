/**
 * Which word is shown for a face, and which words are spoken. Both change slowly on purpose: a word that flickers can't
 * be read, and text that flashes more than three times a second can hurt.
 */
import { LABELS, best } from "./emotions.js";

const LEAD = 0.1;
const LEAD_FOR_MS = 300;
const HOLD_MS = 600;

/**
 * @typedef {{key: string, pair: string[], confidence: number}} Word
 *   key: an emotion or "unsure"; pair: the two best emotions when unsure, in label order; confidence: 0–1 of the emotion
 */

/** The shown word of one face. A new word must lead by ten points for 300 ms; every word holds for at least 600 ms. */
export class ShownWord {
  #shown = null;
  #since = 0;
  #candidate = null;
  #candidateSince = 0;

  /**
   * @param {number[]} vector probabilities in label order
   * @param {boolean} uncertain
   * @param {number} nowMs
   * @returns {Word}
   */
  update(vector, uncertain, nowMs) {
    const [first, second] = best(vector, 2);
    const id = uncertain ? `unsure ${Math.min(first, second)} ${Math.max(first, second)}` : `sure ${first}`;
    if (this.#shown === null) this.#show(id, nowMs);
    if (id === this.#shown || !this.#leads(id, first, vector)) {
      this.#candidate = null;
    } else if (id !== this.#candidate) {
      this.#candidate = id;
      this.#candidateSince = nowMs;
    } else if (nowMs - this.#candidateSince >= LEAD_FOR_MS && nowMs - this.#since >= HOLD_MS) {
      this.#show(id, nowMs);
    }
    return this.#word(vector);
  }

  #leads(id, first, vector) {
    const [kind, shown] = this.#shown.split(" ");
    return kind === "unsure" || id.startsWith("unsure") || vector[first] - vector[Number(shown)] >= LEAD;
  }

  #show(id, nowMs) {
    this.#shown = id;
    this.#since = nowMs;
    this.#candidate = null;
  }

  #word(vector) {
    const [kind, ...indices] = this.#shown.split(" ");
    if (kind === "unsure") return { key: "unsure", pair: indices.map((i) => LABELS[Number(i)]), confidence: Math.max(...vector) };
    return { key: LABELS[Number(indices[0])], pair: [], confidence: vector[Number(indices[0])] };
  }
}

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

  /** Takes note that a state was spoken on request: it is not said again, and nothing else for a while. */
  spoke(summary, nowMs) {
    this.#spoken = summary;
    this.#lastMs = nowMs;
  }
}
