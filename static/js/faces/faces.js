/** The faces as shown: one entry per id with its box, its smoothed probabilities and its word. */
import { toVector } from "./emotions.js";
import { toFractions } from "./geometry.js";
import { ShownWord } from "./words.js";

/** A mark older than this begins to fade. */
export const FADE_MS = 500;
/** A mark older than this is gone. */
export const GONE_MS = 1000;
const STRONG_TAU_MS = 1000;
/** Numbers that people read change at most this often; bars follow every answer. */
const READ_MS = 500;

/**
 * @typedef {object} ShownFace
 * @property {number} id
 * @property {{x: number, y: number, w: number, h: number}} box fractions of the picture
 * @property {number[]} vector shown probabilities in label order
 * @property {boolean} uncertain
 * @property {import("./words.js").Word} word
 * @property {{vector: number[], word: import("./words.js").Word, sinceMs: number}} read the same, as slow as people read
 * @property {boolean} present in the newest answer; the others are on their way out
 * @property {number} seenMs time of the last answer that held this face
 */

/** Keeps what is shown in step with the answers. Ids that were gone for a second start afresh. */
export class Faces {
  #entries = new Map();
  #uncertainBelow;

  /** @type {"off" | "normal" | "strong"} raw values, the server's smoothing (τ 0.3 s), or a further τ of 1 s */
  smoothing = "normal";

  /** @param {{uncertainBelow?: number}} options below this confidence a face counts as uncertain */
  constructor({ uncertainBelow } = {}) {
    this.#uncertainBelow = uncertainBelow;
  }

  set uncertainBelow(value) {
    this.#uncertainBelow = value;
  }

  /**
   * Takes an answer.
   * @param {{image: {width: number, height: number}, faces: object[]}} result
   * @param {number} nowMs
   */
  update(result, nowMs) {
    this.prune(nowMs);
    const current = new Set();
    for (const face of result.faces) {
      current.add(face.id);
      const previous = this.#entries.get(face.id);
      const vector = this.#shownVector(face, previous, nowMs);
      const uncertain = this.#isUncertain(face, vector);
      const shownWord = previous?.shownWord ?? new ShownWord();
      const word = shownWord.update(vector, uncertain, nowMs);
      this.#entries.set(face.id, {
        id: face.id, box: toFractions(face.box, result.image), vector, uncertain, word,
        read: readable(previous?.read, vector, word, nowMs), seenMs: nowMs, shownWord, present: true,
      });
    }
    for (const entry of this.#entries.values()) entry.present = current.has(entry.id);
  }

  /** Forgets faces that were not seen for a second. */
  prune(nowMs) {
    for (const [id, entry] of this.#entries) if (nowMs - entry.seenMs >= GONE_MS) this.#entries.delete(id);
  }

  /** Brings the numbers level with the bars, for when both stop. */
  settle() {
    for (const entry of this.#entries.values()) entry.read = { vector: entry.vector, word: entry.word, sinceMs: entry.seenMs };
  }

  clear() {
    this.#entries.clear();
  }

  /** @returns {ShownFace[]} by id, those of the newest answer and those on their way out */
  list() {
    return [...this.#entries.values()].sort((a, b) => a.id - b.id);
  }

  #shownVector(face, previous, nowMs) {
    if (this.smoothing === "off" || !face.smoothed) return toVector(face.emotions);
    const smoothed = toVector(face.smoothed);
    if (this.smoothing === "normal" || !previous) return smoothed;
    const keep = Math.exp(-(nowMs - previous.seenMs) / STRONG_TAU_MS);
    return smoothed.map((value, i) => keep * previous.vector[i] + (1 - keep) * value);
  }

  #isUncertain(face, vector) {
    if (this.smoothing === "off" || !(this.#uncertainBelow > 0)) return face.uncertain;
    return Math.max(...vector) < this.#uncertainBelow;
  }
}

function readable(previous, vector, word, nowMs) {
  const same = previous && `${previous.word.key} ${previous.word.pair}` === `${word.key} ${word.pair}`;
  return same && nowMs - previous.sinceMs < READ_MS ? previous : { vector, word, sinceMs: nowMs };
}

/** @param {number} ageMs of a mark @returns {number} its opacity, 0–1 */
export const opacity = (ageMs) => Math.min(1, Math.max(0, (GONE_MS - ageMs) / (GONE_MS - FADE_MS)));
