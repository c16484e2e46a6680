/** The faces as shown: one entry per id with its box, its values and its word. */
import { toFractions } from "./geometry.js";
import { ShownWord } from "./words.js";

/** A mark older than this begins to fade. */
const FADE_MS = 500;
/** A mark older than this is gone. */
export const GONE_MS = 1000;
const STRONG_TAU_MS = 1000;
/** Shortest time between two changes of the values, so that they can be read; a new word is shown at once. */
const REFRESH_MS = 250;

/**
 * @typedef {object} ShownFace
 * @property {number} id
 * @property {string} name as the person called this face, "" for none
 * @property {{x: number, y: number, w: number, h: number}} box fractions of the picture
 * @property {number[]} vector probabilities in label order; `word` was chosen from exactly these
 * @property {import("./words.js").Word} word
 * @property {string} style emotion whose colour and shape are used, see `Labels.styleOf`
 * @property {boolean} whether the newest answer contains it; the other faces are fading
 * @property {number} seenMs time of the last answer that contained this face
 */

/**
 * Updates the shown faces from the readings. Overlay, rows, speech and timeline read the same entries, and all
 * entries take their new values at the same moment. An id that was absent for a second is reset.
 */
export class Faces {
  #entries = new Map();
  #names = new Map();
  #page;
  #refreshedMs = -Infinity;

  /** @type {"off" | "normal" | "strong"} raw values, the server's smoothing (τ 0.3 s), or a further τ of 1 s */
  smoothing = "normal";

  /** @param {{labels: import("../shared/labels.js").Labels, model: {uncertain_below?: number}}} page */
  constructor(page) {
    this.#page = page;
  }

  /**
   * @param {import("./reading.js").Reading} reading
   * @param {number} nowMs
   */
  update(reading, nowMs) {
    this.prune(nowMs);
    const current = new Set();
    for (const face of reading.faces) {
      current.add(face.id);
      const entry = this.#entries.get(face.id) ?? { id: face.id, words: new ShownWord(this.#page.labels.names) };
      const vector = this.#smooth(face, entry, nowMs);
      const word = entry.words.update(vector, this.#isUncertain(face, vector), nowMs);
      Object.assign(entry, { box: toFractions(face.box, reading.image), newest: { vector, word }, seenMs: nowMs });
      this.#entries.set(face.id, entry);
    }
    for (const entry of this.#entries.values()) entry.present = current.has(entry.id);
    const changed = [...this.#entries.values()].some(({ shown, newest }) => !shown || !sameWord(shown.word, newest.word));
    if (changed || nowMs - this.#refreshedMs >= REFRESH_MS) this.#refresh(nowMs);
  }

  /** Forgets faces that were not seen for a second. */
  prune(nowMs) {
    for (const [id, entry] of this.#entries) if (nowMs - entry.seenMs >= GONE_MS) this.#entries.delete(id);
  }

  /** Shows the newest values at once; called when no more will come. */
  settle() {
    this.#refresh(-Infinity);
  }

  clear() {
    this.#entries.clear();
  }

  /** @returns {ShownFace[]} by id, those of the newest reading and those that are fading */
  list() {
    return [...this.#entries.values()].sort((a, b) => a.id - b.id).map(({ id, box, shown, present, seenMs }) =>
      ({ id, name: this.#names.get(id) ?? "", box, present, seenMs, ...shown }));
  }

  /** Shows a name instead of a face's number; "" removes the name. Names are kept while a face is absent. */
  rename(id, name) {
    this.#names.set(id, name);
  }

  /** Forgets the names too, for when a session begins. */
  reset() {
    this.clear();
    this.#names.clear();
  }

  #refresh(nowMs) {
    this.#refreshedMs = nowMs;
    for (const entry of this.#entries.values()) {
      entry.shown = { ...entry.newest, style: this.#page.labels.styleOf(entry.newest.word.key) };
    }
  }

  #smooth(face, { newest, seenMs }, nowMs) {
    const { labels } = this.#page;
    if (this.smoothing === "off" || !face.smoothed) return labels.vector(face.emotions);
    const smoothed = labels.vector(face.smoothed);
    if (this.smoothing === "normal" || !newest) return smoothed;
    const keep = Math.exp(-(nowMs - seenMs) / STRONG_TAU_MS);
    return smoothed.map((value, i) => keep * newest.vector[i] + (1 - keep) * value);
  }

  /** The server decides for the values of one picture; for smoothed values the same threshold of the model decides. */
  #isUncertain(face, vector) {
    const below = this.#page.model.uncertain_below;
    if (this.smoothing === "off" || !face.smoothed || !(below > 0)) return face.uncertain;
    return Math.max(...vector) < below;
  }
}

const sameWord = (a, b) => a.key === b.key && (a.number === null) === (b.number === null);

/**
 * The faces of one photograph, as shown: nothing is smoothed, every word has its number.
 * @param {import("./reading.js").Reading} reading
 * @param {import("../shared/labels.js").Labels} labels
 * @returns {ShownFace[]} ids count from 1 in the order of the reading
 */
export function facesOfPhoto({ faces, image }, labels) {
  return faces.map((face, i) => {
    const vector = labels.vector(face.emotions);
    const word = new ShownWord(labels.names).update(vector, face.uncertain, 0);
    return { id: i + 1, box: toFractions(face.box, image), vector, word, style: labels.styleOf(word.key), present: true, seenMs: 0 };
  });
}

/** @param {number} ageMs of a mark @returns {number} its opacity, 0–1 */
export const opacity = (ageMs) => Math.min(1, Math.max(0, (GONE_MS - ageMs) / (GONE_MS - FADE_MS)));
