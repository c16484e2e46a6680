/**
 * How often, how large and how well to send. Pure: time and measurements come in, a plan comes out.
 *
 * The rate follows the time to the answer like a congestion window: it climbs slowly while answers are quick and falls
 * fast when they are not. The size follows the smallest face: the network reads 48 pixels, so a face needs no more than
 * about three times that, and no less than sixty.
 */

const LONG_SIDES = [320, 480, 640, 960, 1280];
const MIN_RATE = 2;
const QUICK_MS = 90;
const SLOW_MS = 160;
const SMALL_FACE_PX = 60;
const LARGE_FACE_PX = 190;
const SETTLE_MS = 2000;

export class Pace {
  #rate = 15;
  #level = LONG_SIDES.indexOf(640);
  #ackMs = 50;
  #changedMs = -Infinity;
  #slowedMs = -Infinity;
  #restUntilMs = 0;
  #small = false;

  #maxRate;

  /** @param {number} maxRate frames a second the server takes; staying a little below it, none is refused for jitter */
  constructor(maxRate) {
    this.#maxRate = 0.95 * maxRate;
    this.#rate = Math.min(this.#rate, this.#maxRate);
  }

  /** Smoothed milliseconds from send to answer. */
  get ackMs() {
    return this.#ackMs;
  }

  get rate() {
    return this.#rate;
  }

  /**
   * @param {number} cameraLongSide in pixels
   * @returns {{longSide: number, quality: number}} of the next frame
   */
  plan(cameraLongSide) {
    const quality = this.#small ? 0.85 : this.#ackMs > SLOW_MS ? 0.6 : 0.75;
    return { longSide: Math.min(LONG_SIDES[this.#level], cameraLongSide), quality };
  }

  /** @param {number} lastSentMs @param {number} nowMs */
  isDue(lastSentMs, nowMs) {
    // A camera delivers on its own beat: half a beat early is on time, else 30/s would become 15/s.
    return nowMs >= this.#restUntilMs && nowMs - lastSentMs >= 1000 / this.#rate - 8;
  }

  /**
   * An answer came.
   * @param {number} ackMs from send to answer
   * @param {number | null} smallestFacePx in the sent picture, null when nobody is in view
   * @param {number} cameraLongSide
   * @param {number} nowMs
   */
  answered(ackMs, smallestFacePx, cameraLongSide, nowMs) {
    this.#ackMs += 0.2 * (ackMs - this.#ackMs);
    if (ackMs > SLOW_MS && this.#ackMs > SLOW_MS) this.#slowDown(0.85, nowMs);
    else if (ackMs < QUICK_MS) this.#rate = Math.min(this.#maxRate, this.#rate * 1.05 + 0.25);
    this.#fit(smallestFacePx, cameraLongSide, nowMs);
  }

  /** The server dropped a frame. */
  busy(retryAfterMs, nowMs) {
    this.#slowDown(0.7, nowMs);
    this.#restUntilMs = nowMs + (retryAfterMs ?? 0);
  }

  /** A frame came out larger than accepted: the next one will be smaller. */
  tooLarge(nowMs) {
    this.#step(-1, nowMs);
  }

  #slowDown(factor, nowMs) {
    if (nowMs - this.#slowedMs < 250) return;
    this.#slowedMs = nowMs;
    this.#rate = Math.max(MIN_RATE, this.#rate * factor);
  }

  #fit(smallestFacePx, cameraLongSide, nowMs) {
    if (nowMs - this.#changedMs < SETTLE_MS) return;
    this.#small = smallestFacePx !== null && smallestFacePx < SMALL_FACE_PX;
    const roomAbove = LONG_SIDES[this.#level] < cameraLongSide;
    const crowded = this.#ackMs > SLOW_MS && this.#rate <= MIN_RATE * 2;
    if (this.#small && roomAbove && !crowded) this.#step(+1, nowMs);
    else if (smallestFacePx > LARGE_FACE_PX || (crowded && smallestFacePx > SMALL_FACE_PX * 1.5)) this.#step(-1, nowMs);
    else if (smallestFacePx === null && LONG_SIDES[this.#level] !== 640) this.#step(Math.sign(640 - LONG_SIDES[this.#level]), nowMs);
  }

  #step(by, nowMs) {
    this.#level = Math.min(LONG_SIDES.length - 1, Math.max(0, this.#level + by));
    this.#changedMs = nowMs;
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
