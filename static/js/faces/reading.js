/**
 * One record per analysed picture. Every source creates it; every part that shows, counts or saves faces reads it.
 *
 * @typedef {object} ReadFace as the server answers it; values are probabilities by label
 * @property {number} id
 * @property {[number, number, number, number]} box left, top, width, height in pixels of the picture
 * @property {Record<string, number>} emotions
 * @property {string} dominant_emotion
 * @property {number} confidence
 * @property {boolean} uncertain
 * @property {Record<string, number>} [smoothed] a photograph has none
 * @property {{key: string, vector: number[], name: string}} [shown] what overlay and rows show of it at this moment: a label or
 *   "unsure", the values in label order, and what the person called the face
 *
 * @typedef {object} Reading
 * @property {string} source "live", or the name of the file
 * @property {number} frame counts from 0
 * @property {number} timestamp_s seconds since the source began, at capture; strictly rising
 * @property {{width: number, height: number}} image in pixels
 * @property {ReadFace[]} faces
 * @property {string} [time_utc] of the capture, ISO 8601; a camera's only
 * @property {number} [delay_ms] from the capture to the answer; a camera's only
 *
 * @typedef {object} Activity what the source does from this moment on
 * @property {"reading" | "paused" | "hidden" | "offline" | "restarted" | "stopped"} kind
 * @property {number} timestamp_s on the clock of the readings
 * @property {string} time_utc ISO 8601
 */

/**
 * @param {Reading} reading
 * @param {import("./faces.js").ShownFace[]} shown the same faces as they are shown
 * @returns {Reading} with `shown` in every face
 */
export function withShown(reading, shown) {
  const byId = new Map(shown.map(({ id, word, vector, name }) => [id, { key: word.key, vector, name }]));
  return Object.freeze({ ...reading, faces: reading.faces.map((face) => ({ ...face, shown: byId.get(face.id) })) });
}

/**
 * @param {{image: object, faces: ReadFace[]}} result an answer of the server
 * @param {{source: string, frame: number, timestamp_s: number, time_utc?: string, delay_ms?: number}} moment
 * @returns {Reading}
 */
export const toReading = ({ image, faces }, moment) => Object.freeze({ ...moment, image, faces });

/** Passes readings to its listeners. An error of one listener is reported and does not affect the others. */
export class Readings {
  #onReading = new Set();
  #onActivity = new Set();

  /** @param {(reading: Reading) => void} listener @returns {() => void} ends the subscription */
  subscribe(listener) {
    this.#onReading.add(listener);
    return () => this.#onReading.delete(listener);
  }

  /** @param {(activity: Activity) => void} listener @returns {() => void} ends the subscription */
  subscribeActivity(listener) {
    this.#onActivity.add(listener);
    return () => this.#onActivity.delete(listener);
  }

  /** @param {Reading} reading */
  publish(reading) {
    tell(this.#onReading, reading);
  }

  /** @param {Activity} activity */
  publishActivity(activity) {
    tell(this.#onActivity, activity);
  }
}

function tell(listeners, news) {
  for (const listener of listeners) {
    try {
      listener(news);
    } catch (error) {
      console.error(error);
    }
  }
}
