/** Answered frames and their faces as they were read, unsmoothed values included: what is recorded and exported. */
import { Columns } from "./columns.js";
import { toProbability, toTenth } from "./precision.js";

const FRAME = {
  time_ms: [Float64Array, 1], frame: [Uint32Array, 1], utc_ms: [Float64Array, 1], delay_ms: [Float32Array, 1],
  first_face: [Uint32Array, 1], faces: [Uint16Array, 1], size: [Uint16Array, 2],
};
const face = (width) => ({
  id: [Int32Array, 1], box: [Float32Array, 4], emotions: [Float32Array, width], smoothed: [Float32Array, width],
  dominant: [Uint8Array, 1], confidence: [Float32Array, 1], uncertain: [Uint8Array, 1],
});

/** A time of capture in ms since 1970, from a number, a Date or an ISO string; NaN where there is none. */
const utcMs = (value) => (value === undefined || value === null ? NaN : new Date(value).getTime());

/** Keeps readings in the order they come, in the precision of the files. Times are whole milliseconds and strictly rising. */
export class ReadingLog {
  #keepsNumbers;
  #added = 0;
  labels;
  frames = new Columns(FRAME);
  faces;

  /** @param {readonly string[]} labels what the probabilities stand for @param {{keepsNumbers?: boolean}} [options] frames keep the source's numbers */
  constructor(labels, { keepsNumbers = false } = {}) {
    this.labels = [...labels];
    this.#keepsNumbers = keepsNumbers;
    this.faces = new Columns(face(labels.length));
  }

  /**
   * @param {import("../faces/reading.js").Reading} reading
   * @param {number} [startS] the source's time at which this log's clock stands at 0
   */
  add(reading, startS = 0) {
    const { frames, faces, labels } = this;
    const toVector = (emotions) => labels.map((label) => toProbability(emotions[label]));
    const last = frames.length ? frames.get("time_ms", frames.length - 1) : -1;
    const time_ms = Math.max(Math.round((reading.timestamp_s - startS) * 1000), last + 1);
    frames.push({
      time_ms, frame: this.#keepsNumbers ? reading.frame : this.#added++, utc_ms: utcMs(reading.time_utc), delay_ms: toTenth(reading.delay_ms ?? NaN),
      first_face: faces.length, faces: reading.faces.length, size: [reading.image?.width ?? 0, reading.image?.height ?? 0],
    });
    for (const one of reading.faces) {
      const emotions = toVector(one.emotions);
      faces.push({
        id: one.id ?? 0, box: one.box.map(toTenth), emotions, smoothed: one.smoothed ? toVector(one.smoothed) : emotions,
        dominant: labels.indexOf(one.dominant_emotion), confidence: toProbability(one.confidence), uncertain: Number(one.uncertain),
      });
    }
  }

  /** Numbers of frames, not of faces. */
  get length() {
    return this.frames.length;
  }

  /** Time of the last frame in s. */
  get endS() {
    return this.length ? this.frames.get("time_ms", this.length - 1) / 1000 : 0;
  }

  /** Removes frames, and their faces, before a time. */
  dropBefore(timeS) {
    const frames = this.frames.after("time_ms", timeS * 1000 - 1);
    if (!frames) return;
    const faces = frames < this.length ? this.frames.get("first_face", frames) : this.faces.length;
    this.frames.dropFirst(frames);
    this.faces.dropFirst(faces);
    for (let row = 0; row < this.length; row++) this.frames.set("first_face", row, this.frames.get("first_face", row) - faces);
  }

  /** The frames from `fromFrame` on, as columns for storage. @param {number} fromFrame */
  part(fromFrame) {
    const fromFace = fromFrame < this.length ? this.frames.get("first_face", fromFrame) : this.faces.length;
    return { frames: this.frames.slice(fromFrame), faces: this.faces.slice(fromFace) };
  }

  /** Appends the result of `part`. */
  append({ frames, faces }) {
    this.frames.append(frames);
    this.faces.append(faces);
  }

  /** The newest frame at or before a time, -1 when there is none. */
  frameAt(timeS) {
    return this.frames.after("time_ms", timeS * 1000) - 1;
  }

  /** A frame as it was read. @param {number} row @param {string} source @returns {import("../faces/reading.js").Reading} values as stored, single precision */
  reading(row, source) {
    const { frames, faces, labels } = this;
    const named = (vector) => Object.fromEntries(labels.map((label, i) => [label, vector[i]]));
    const first = frames.get("first_face", row);
    const [width, height] = frames.row("size", row);
    const read = [];
    for (let at = first; at < first + frames.get("faces", row); at++) {
      read.push({
        id: faces.get("id", at), box: [...faces.row("box", at)], emotions: named(faces.row("emotions", at)),
        dominant_emotion: labels[faces.get("dominant", at)], confidence: faces.get("confidence", at),
        uncertain: faces.get("uncertain", at) === 1, smoothed: named(faces.row("smoothed", at)),
      });
    }
    return {
      source, frame: frames.get("frame", row), timestamp_s: frames.get("time_ms", row) / 1000, image: { width, height }, faces: read,
      time_utc: frames.get("utc_ms", row), delay_ms: frames.get("delay_ms", row),
    };
  }

  /** Readings in order. @param {string} source */
  *readings(source) {
    for (let row = 0; row < this.length; row++) yield this.reading(row, source);
  }
}
