/**
 * What the timeline remembers of a session: per face the shown emotion and its probabilities, ten samples a second for
 * ten minutes and means of whole seconds before that, and what interrupted it.
 */
import { Columns } from "./columns.js";

const FINE_PER_S = 10;
const FINE_FOR_S = 600;
/** Samples are averaged this long after they are due, so that many are averaged at once. */
const SLACK_S = 30;
/** A face that is not read again counts as gone after this; its mark on the picture goes at the same time. */
const GONE_S = 1;
/** In the column `key`: the face was unsure. Other values are indices of labels. */
export const UNSURE = 255;

const shape = (width) => ({
  from_s: [Float64Array, 1], to_s: [Float64Array, 1], key: [Uint8Array, 1], second: [Uint8Array, 1], confidence: [Float32Array, 1],
  vector: [Float32Array, width],
});

/**
 * @typedef {object} Sample
 * @property {number} from_s
 * @property {number} to_s
 * @property {number} key index of the shown emotion, or `UNSURE`
 * @property {number} best index of the largest value
 * @property {number} second index of the second largest
 * @property {number} confidence 0–1 of the shown emotion, or of the stronger of two
 * @property {ArrayLike<number>} vector
 */

/** Indices of the largest and of the second largest value; ties go to the label order. */
export function topTwo(vector) {
  let [first, second] = vector[1] > vector[0] ? [1, 0] : [0, 1];
  for (let i = 2; i < vector.length; i++) {
    if (vector[i] > vector[first]) [first, second] = [i, first];
    else if (vector[i] > vector[second]) second = i;
  }
  return [first, second];
}

/** One face over time. */
export class Track {
  #tables;

  /** @param {number} id @param {number} width of the vectors */
  constructor(id, width) {
    this.id = id;
    this.width = width;
    this.#tables = [new Columns(shape(width), 64), new Columns(shape(width))];
  }

  get #fine() {
    return this.#tables[1];
  }

  get length() {
    return this.#tables[0].length + this.#fine.length;
  }

  get from_s() {
    return this.length ? this.sample(0).from_s : NaN;
  }

  get to_s() {
    return this.length ? this.sample(this.length - 1).to_s : NaN;
  }

  add(timeS, { key, vector }) {
    this.end(timeS);
    const [first, second] = topTwo(vector);
    this.#fine.push({ from_s: timeS, to_s: timeS + GONE_S, key, second, confidence: vector[key === UNSURE ? first : key], vector });
  }

  /** The face has left, or has returned. */
  end(timeS) {
    const last = this.#fine.length - 1;
    if (last >= 0 && this.#fine.get("to_s", last) > timeS) this.#fine.set("to_s", last, Math.max(timeS, this.#fine.get("from_s", last)));
  }

  /** @param {number} row from 0 @returns {Sample} */
  sample(row) {
    const coarse = this.#tables[0].length;
    const [table, at] = row < coarse ? [this.#tables[0], row] : [this.#fine, row - coarse];
    const vector = table.row("vector", at);
    const key = table.get("key", at);
    return {
      from_s: table.get("from_s", at), to_s: table.get("to_s", at), key, best: topTwo(vector)[0], second: table.get("second", at),
      confidence: table.get("confidence", at), vector,
    };
  }

  /** The row of the newest sample at or before a time, -1 when there is none. */
  rowAt(timeS) {
    const [coarse, fine] = this.#tables;
    const inFine = fine.after("from_s", timeS);
    return (inFine ? coarse.length + inFine : coarse.after("from_s", timeS)) - 1;
  }

  /** @param {number} timeS @returns {Sample | null} null while the face is not there */
  at(timeS) {
    const row = this.rowAt(timeS);
    if (row < 0) return null;
    const sample = this.sample(row);
    return sample.to_s > timeS ? sample : null;
  }

  /** Turns samples that ended before a time into means of whole seconds. */
  thin(beforeS) {
    const rows = this.#fine.after("from_s", beforeS);
    if (!rows) return;
    for (let from = 0; from < rows; ) {
      const second = Math.floor(this.#fine.get("from_s", from));
      let to = from + 1;
      while (to < rows && Math.floor(this.#fine.get("from_s", to)) === second) to += 1;
      this.#tables[0].push(this.#mean(from, to));
      from = to;
    }
    this.#fine.dropFirst(rows);
  }

  #mean(from, to) {
    const fine = this.#fine;
    const vector = Array.from(fine.row("vector", from), () => 0);
    const votes = new Map();
    let confidence = 0;
    for (let row = from; row < to; row++) {
      fine.row("vector", row).forEach((value, i) => (vector[i] += value / (to - from)));
      confidence += fine.get("confidence", row) / (to - from);
      votes.set(fine.get("key", row), (votes.get(fine.get("key", row)) ?? 0) + 1);
    }
    const key = [...votes].reduce((most, vote) => (vote[1] > most[1] ? vote : most))[0];
    return { from_s: fine.get("from_s", from), to_s: fine.get("to_s", to - 1), key, second: topTwo(vector)[1], confidence, vector };
  }
}

/** The memory of a session, or of a recording. */
export class History {
  #tracks = new Map();
  #slot = -1;
  #thinnedS = 0;
  #keepAll;

  /** @type {readonly string[]} what the probabilities stand for */
  labels;

  /** @type {import("./recording.js").Gap[]} by time; the open one ends with null */
  gaps = [];
  startS = NaN;
  endS = NaN;

  /** @param {readonly string[]} labels @param {{keepAll?: boolean}} [options] keep every reading, for a recording or a video */
  constructor(labels, { keepAll = false } = {}) {
    this.labels = labels;
    this.#keepAll = keepAll;
  }

  /** @param {import("../faces/reading.js").Reading} reading not earlier than the one before */
  add({ timestamp_s: timeS, faces }) {
    this.#reach(timeS);
    const present = new Set(faces.map(({ id }) => id));
    for (const [id, track] of this.#tracks) if (!present.has(id)) track.end(timeS);
    const slot = Math.floor(timeS * FINE_PER_S + 1e-6);
    if (!this.#keepAll && slot === this.#slot) return;
    this.#slot = slot;
    for (const face of faces) this.#track(face.id).add(timeS, this.#shown(face));
    if (!this.#keepAll && timeS - this.#thinnedS > FINE_FOR_S + SLACK_S) {
      this.#thinnedS = timeS - FINE_FOR_S;
      for (const track of this.#tracks.values()) track.thin(this.#thinnedS);
    }
  }

  /** An interruption begins, and every face ends. @param {import("./recording.js").Gap["kind"]} kind */
  open(kind, timeS) {
    this.#reach(timeS);
    const last = this.gaps.at(-1);
    if (last && last.to_s === null) {
      if (last.kind === kind) return;
      last.to_s = timeS;
    }
    for (const track of this.#tracks.values()) track.end(timeS);
    this.gaps.push({ kind, from_s: timeS, to_s: null });
  }

  /** The interruption ends. */
  close(timeS) {
    this.#reach(timeS);
    const last = this.gaps.at(-1);
    if (last?.to_s === null) last.to_s = timeS;
  }

  /** Time goes on without readings. */
  #reach(timeS) {
    if (!(timeS >= this.startS)) this.startS = timeS;
    this.endS = Math.max(timeS, Number.isNaN(this.endS) ? timeS : this.endS);
  }

  /** Sets the beginning of time, before the first reading. */
  reachFrom(timeS) {
    this.#reach(timeS);
  }

  /** Moves the end of time, while paused for instance. */
  reach(timeS) {
    if (!Number.isNaN(this.startS)) this.#reach(timeS);
  }

  /** @returns {Track[]} by id */
  tracks() {
    return [...this.#tracks.values()].sort((a, b) => a.id - b.id);
  }

  /** The gap at a time, if any. */
  gapAt(timeS) {
    return this.gaps.find(({ from_s, to_s }) => timeS >= from_s && timeS < (to_s ?? Infinity)) ?? null;
  }

  /** What the page shows of a face; without that, the smoothed values and the server's `uncertain`. */
  #shown({ shown, smoothed, emotions, uncertain }) {
    if (shown) return { key: shown.key === "unsure" ? UNSURE : this.labels.indexOf(shown.key), vector: shown.vector };
    const vector = this.labels.map((label) => (smoothed ?? emotions)[label]);
    return { key: uncertain ? UNSURE : topTwo(vector)[0], vector };
  }

  #track(id) {
    if (!this.#tracks.has(id)) this.#tracks.set(id, new Track(id, this.labels.length));
    return this.#tracks.get(id);
  }
}
