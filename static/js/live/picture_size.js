/**
 * Chooses the size and quality of the sent pictures. The size follows the smallest face (the network reads 48 pixels: a
 * face needs sixty, and no more than about three times that), the uplink, and the time that encoding takes. Pure.
 */
import { quantile } from "../shared/format.js";

/**
 * Sizes and qualities from the least to the most costly. A face loses more by fewer pixels than by less quality: with 57 px
 * and quality 0.5 it is read as with 91 px and 0.75, with 46 px it is not.
 */
const STEPS = [
  { longSide: 240, quality: 0.5 },
  { longSide: 320, quality: 0.5 },
  { longSide: 360, quality: 0.4 },
  { longSide: 400, quality: 0.4 },
  { longSide: 400, quality: 0.5 },
  { longSide: 480, quality: 0.5 },
  { longSide: 480, quality: 0.65 },
  { longSide: 640, quality: 0.5 },
  { longSide: 640, quality: 0.65 },
  { longSide: 640, quality: 0.75 },
  { longSide: 960, quality: 0.75 },
  { longSide: 1280, quality: 0.75 },
];
/** Bytes of a JPEG by its quality, as a share of those at 0.75. */
const WEIGHTS = { 0.4: 0.63, 0.5: 0.72, 0.65: 0.86, 0.75: 1, 0.85: 1.3 };
/** Bytes of a JPEG grow with this power of its pixels: a smaller picture has more detail in each. */
const BYTES_POWER = 0.68;
const USUAL_STEP = STEPS.findIndex((step) => step.longSide === 640 && step.quality === 0.75);
const SPARING_STEP = 1;
const SMALL_FACE_QUALITY = 0.85;
const SMALL_FACE_PX = 60;
const LARGE_FACE_PX = 190;
/** A face this large loses nothing; a picture with larger ones gets smaller where its own way takes long, and stays so. */
const AMPLE_FACE_PX = 64;
const STILL_AMPLE_FACE_PX = 61;
/** A size is taken below one share of a limit and kept up to the whole. */
const ROOM = 0.9;
/** The size asked for by faces changes at most this often. */
const SETTLE_MS = 2000;
const CLIMB_MS = 500;
const ENCODE_BUDGET_MS = 30;
const ENCODINGS = 9;

export class PictureSize {
  #step = USUAL_STEP;
  #changedMs = -Infinity;
  #climbedMs = -Infinity;
  #isSmallFace = false;
  #faceShare = null;
  #bytesOfUnit = 23_500 / (640 * 480) ** BYTES_POWER;
  #encodings = [];
  #affordable = STEPS.length - 1;
  #cameraPixels = 640 * 480;
  #cameraLongSide = 640;

  /**
   * @param {number} cameraLongSide in pixels
   * @param {{isSparing: boolean, isMeasured: boolean}} path
   * @returns {{longSide: number, quality: number}} of the next frame
   */
  plan(cameraLongSide, path) {
    const allowed = this.#allowed(path);
    const { longSide, quality } = STEPS[Math.min(this.#step, allowed)];
    const isRich = this.#isSmallFace && allowed >= USUAL_STEP;
    return { longSide: Math.min(longSide, cameraLongSide), quality: isRich ? SMALL_FACE_QUALITY : quality };
  }

  /** Expected bytes of the next frame. */
  bytes(path) {
    return this.#bytesAt(this.#allowed(path));
  }

  /**
   * Takes what an answered frame tells.
   * @param {{bytes: number, width: number, height: number, quality: number, encodeMs: number | null}} frame
   * @param {number | null} smallestPx the smallest face in it, null for nobody
   * @param {number} cameraLongSide
   */
  learn({ bytes, width, height, quality, encodeMs }, smallestPx, cameraLongSide) {
    const pixels = width * height;
    this.#cameraLongSide = cameraLongSide;
    this.#cameraPixels = (pixels * cameraLongSide ** 2) / Math.max(width, height) ** 2;
    this.#faceShare = smallestPx === null ? null : smallestPx / Math.max(width, height);
    this.#bytesOfUnit += 0.3 * (bytes / (pixels ** BYTES_POWER * WEIGHTS[quality]) - this.#bytesOfUnit);
    if (encodeMs === null) return;
    this.#encodings.push(encodeMs / pixels);
    if (this.#encodings.length > ENCODINGS) this.#encodings.shift();
  }

  /**
   * Falls to what the uplink and the encoder carry at once, and climbs a step when there is room to spare.
   * @param {{frameBytes: number, quickBytes: number}} most bytes of a frame; above `quickBytes` a frame delays its own
   *   answer, and does so only for the sake of small faces; quality is given up before pixels
   */
  afford(most, nowMs) {
    while (this.#affordable > 0 && !this.#fits(this.#affordable, 1, most)) this.#affordable -= 1;
    const next = this.#affordable + 1;
    if (nowMs - this.#climbedMs < CLIMB_MS || next >= STEPS.length || !this.#fits(next, ROOM, most)) return;
    this.#affordable = next;
    this.#climbedMs = nowMs;
  }

  /** Follows the smallest face. */
  fit(smallestPx, path, nowMs) {
    if (nowMs - this.#changedMs < SETTLE_MS) return;
    this.#isSmallFace = smallestPx !== null && smallestPx < SMALL_FACE_PX;
    const { longSide } = STEPS[this.#step];
    if (this.#isSmallFace && longSide < this.#cameraLongSide) this.move(+1, path, nowMs);
    else if (smallestPx > LARGE_FACE_PX && longSide > 320) this.move(-1, path, nowMs);
    else if (smallestPx === null && this.#step !== USUAL_STEP) this.move(Math.sign(USUAL_STEP - this.#step), path, nowMs);
  }

  move(by, path, nowMs) {
    const from = Math.min(this.#step, this.#allowed(path));
    this.#step = Math.min(STEPS.length - 1, Math.max(0, from + by));
    this.#changedMs = nowMs;
  }

  /** One slow encoding among fast ones is no reason for smaller pictures. */
  get #encodeMsPerPixel() {
    return this.#encodings.length ? quantile(this.#encodings, 0.5) : 0;
  }

  #pixelsAt(step) {
    return this.#cameraPixels * Math.min(1, STEPS[step].longSide / this.#cameraLongSide) ** 2;
  }

  #bytesAt(step) {
    return this.#bytesOfUnit * this.#pixelsAt(step) ** BYTES_POWER * WEIGHTS[STEPS[step].quality];
  }

  #allowed({ isSparing, isMeasured }) {
    if (!isSparing) return this.#affordable;
    return isMeasured ? Math.min(this.#affordable, USUAL_STEP - 1) : SPARING_STEP;
  }

  #fits(step, share, { frameBytes, quickBytes }) {
    const bytes = this.#bytesAt(step);
    if (bytes > share * frameBytes || this.#encodeMsPerPixel * this.#pixelsAt(step) > share * ENCODE_BUDGET_MS) return false;
    return bytes <= share * quickBytes || step === 0 || !this.#canShrink(step, share < 1 ? STILL_AMPLE_FACE_PX : AMPLE_FACE_PX);
  }

  /**
   * Whether a picture of the step below shows the smallest face large enough, or as large with less quality; while nobody
   * is seen, none does.
   */
  #canShrink(step, amplePx) {
    const { longSide } = STEPS[step - 1];
    if (this.#faceShare === null) return false;
    return longSide === STEPS[step].longSide || this.#faceShare * longSide >= amplePx;
  }
}

/**
 * The sent picture's size: the camera's aspect, the wanted long side, never enlarged, never zero.
 * @returns {{width: number, height: number}} in whole pixels
 */
export function frameSize(cameraWidth, cameraHeight, longSide) {
  const scale = Math.min(1, longSide / Math.max(cameraWidth, cameraHeight));
  return { width: Math.max(1, Math.round(cameraWidth * scale)), height: Math.max(1, Math.round(cameraHeight * scale)) };
}
