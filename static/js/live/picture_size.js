/**
 * Chooses the size and quality of the sent pictures. The size follows the smallest face (the network reads 48 pixels: a
 * face needs sixty, and no more than about three times that), the uplink, and the time that encoding takes. Pure.
 */
import { quantile } from "../shared/format.js";

/** Sizes and qualities from the least to the most costly; `weight` is the cost of a pixel against quality 0.75. */
const STEPS = [
  { longSide: 240, quality: 0.5, weight: 0.62 },
  { longSide: 320, quality: 0.5, weight: 0.62 },
  { longSide: 320, quality: 0.65, weight: 0.8 },
  { longSide: 400, quality: 0.65, weight: 0.8 },
  { longSide: 480, quality: 0.65, weight: 0.8 },
  { longSide: 480, quality: 0.75, weight: 1 },
  { longSide: 640, quality: 0.65, weight: 0.8 },
  { longSide: 640, quality: 0.75, weight: 1 },
  { longSide: 960, quality: 0.75, weight: 1 },
  { longSide: 1280, quality: 0.75, weight: 1 },
];
const USUAL_STEP = STEPS.findIndex((step) => step.longSide === 640 && step.quality === 0.75);
const SPARING_STEP = 1;
const SMALL_FACE_QUALITY = 0.85;
const SMALL_FACE_PX = 60;
const LARGE_FACE_PX = 190;
/** A face this large loses nothing; a picture with larger ones gets smaller where its own way takes long. */
const AMPLE_FACE_PX = 80;
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
  #bytesPerPixel = 0.07;
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
    const weight = quality > 0.8 ? 1.4 : STEPS.find((step) => step.quality === quality)?.weight ?? 1;
    this.#bytesPerPixel += 0.3 * (bytes / (pixels * weight) - this.#bytesPerPixel);
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
    if (nowMs - this.#climbedMs < CLIMB_MS || next >= STEPS.length || !this.#fits(next, 0.8, most)) return;
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
    return this.#bytesPerPixel * this.#pixelsAt(step) * STEPS[step].weight;
  }

  #allowed({ isSparing, isMeasured }) {
    if (!isSparing) return this.#affordable;
    return isMeasured ? Math.min(this.#affordable, USUAL_STEP - 1) : SPARING_STEP;
  }

  #fits(step, share, { frameBytes, quickBytes }) {
    const bytes = this.#bytesAt(step);
    if (bytes > share * frameBytes || this.#encodeMsPerPixel * this.#pixelsAt(step) > share * ENCODE_BUDGET_MS) return false;
    return bytes <= share * quickBytes || step === 0 || !this.#canShrink(step);
  }

  /**
   * Whether a picture of the step below shows the smallest face large enough, or as large with less quality; while nobody
   * is seen, none does.
   */
  #canShrink(step) {
    const { longSide } = STEPS[step - 1];
    if (this.#faceShare === null) return false;
    return longSide === STEPS[step].longSide || this.#faceShare * longSide >= AMPLE_FACE_PX;
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
