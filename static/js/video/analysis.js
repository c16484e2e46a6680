/** Reads a video from its first picture to its last: decode, encode, send, and pass the answers on in order. */
import { toReading } from "../faces/reading.js";

/** Longer side of what is sent, in pixels: a face needs sixty. */
const SENT_SIDE_PX = 1280;
const QUALITY = 0.85;
const COARSE_QUALITY = 0.5;
/** Pictures that are encoded at once. */
const ENCODINGS = 3;
/** A file that ends this much before what it announces was cut off; the end of its sound may be later than its last picture. */
const SHORT_BY_S = 1;
const SHORT_BY_SHARE = 0.02;
const SHORT_CLIP_SHARE = 0.2;

/**
 * @typedef {object} Outcome
 * @property {number} frames pictures that were read
 * @property {number} failed pictures that the server could not read
 * @property {number} readS time of the last picture
 * @property {number} announcedS NaN where the file does not say
 * @property {boolean} isShort whether the file ends, or is damaged, before the time that it announces
 */

export class Analysis {
  #decoder;
  #encoder;
  #lane;
  #options;
  #stopped = false;
  #result = { frames: 0, failed: 0, readS: 0 };

  /**
   * @param {object} parts
   * @param {import("./decoder.js").Decoder} parts.decoder
   * @param {import("../shared/encoder.js").Encoder} parts.encoder
   * @param {(onAnswer: Function) => import("./lane.js").Lane} parts.makeLane
   * @param {object} options
   * @param {string} options.source name of the file
   * @param {number} options.framesPerS pictures a second of the video that are read; Infinity is every one
   * @param {number} options.maxFrameBytes
   * @param {(reading: import("../faces/reading.js").Reading) => void} options.onReading
   * @param {(code: string, message: string) => void} options.onFailure
   */
  constructor({ decoder, encoder, makeLane }, options) {
    this.#decoder = decoder;
    this.#encoder = encoder;
    this.#options = options;
    this.lane = this.#lane = makeLane((frame, answer) => this.#answered(frame, answer));
  }

  /** Reads the video. @returns {Promise<Outcome>} also when it was stopped or the file is damaged */
  async run() {
    const encodings = [];
    let isDamaged = false;
    let dueS = 0;
    try {
      for await (const decoded of this.#decoder.pictures()) {
        if (this.#stopped) {
          decoded.close();
          break;
        }
        // Slightly early counts as on time: 30 pictures a second never fall exactly on tenths.
        if (decoded.timeS < dueS - 1e-4) {
          decoded.close();
          continue;
        }
        dueS = Math.max(dueS, decoded.timeS - 1 / this.#options.framesPerS) + 1 / this.#options.framesPerS;
        encodings.push(this.#encode(decoded));
        if (encodings.length >= ENCODINGS) await this.#lane.push(await encodings.shift());
      }
    } catch (error) {
      console.warn(String(error)); // the file is damaged from here on; what was read stays
      isDamaged = true;
    }
    for (const encoding of encodings) if (!this.#stopped) await this.#lane.push(await encoding);
    await this.#lane.finish();
    const announcedS = this.#decoder.durationS;
    const missingS = announcedS - this.#result.readS;
    const isShort = isDamaged || missingS > Math.max(Math.min(SHORT_BY_S, SHORT_CLIP_SHARE * announcedS), SHORT_BY_SHARE * announcedS, 2 / this.#options.framesPerS);
    return { ...this.#result, announcedS, isShort: isShort && !this.#stopped };
  }

  /** Gives up the frames in flight; `run` ends soon. */
  stop() {
    this.#stopped = true;
    this.#lane.close();
  }

  async #encode(decoded) {
    const { frame, timeS, picture } = decoded;
    const scale = Math.min(1, SENT_SIDE_PX / Math.max(picture.width, picture.height));
    const size = { width: Math.max(1, Math.round(picture.width * scale)), height: Math.max(1, Math.round(picture.height * scale)) };
    try {
      let bytes = await this.#encoder.encode(picture, { ...size, quality: QUALITY });
      if (bytes.byteLength > this.#options.maxFrameBytes) bytes = await this.#encoder.encode(picture, { ...size, quality: COARSE_QUALITY });
      return { frame, timeS, bytes, width: picture.width, height: picture.height };
    } finally {
      decoded.close();
    }
  }

  #answered({ frame, timeS, width, height }, answer) {
    this.#result.frames += 1;
    this.#result.readS = timeS;
    if (!answer.ok) {
      this.#result.failed += 1;
      this.#options.onFailure(answer.code, answer.message);
      return;
    }
    const moment = { source: this.#options.source, frame, timestamp_s: Math.round(timeS * 1e6) / 1e6 };
    this.#options.onReading(toReading(inPixelsOf(answer, width, height), moment));
  }
}

/** An answer whose boxes are in pixels of the video, whatever size was sent. */
function inPixelsOf(answer, width, height) {
  const [across, down] = [width / answer.image.width, height / answer.image.height];
  if (across === 1 && down === 1) return answer;
  const faces = answer.faces.map((face) => {
    const [x, y, w, h] = face.box;
    return { ...face, box: [Math.round(x * across), Math.round(y * down), Math.round(w * across), Math.round(h * down)] };
  });
  return { ...answer, image: { width, height }, faces };
}
