/**
 * Decides when frames are sent, how many are on their way, and how large they are. Pure: measurements and time come in, a
 * plan comes out.
 *
 * Delay-based congestion control in the manner of TCP Vegas and LEDBAT (RFC 6817): what counts is not how long an
 * answer takes but how much longer than on an empty path (path.js). Frames use less than half of the uplink. A path of
 * 300 ms is therefore used as well as one of 3 ms: several frames are on their way at once, and none waits behind another.
 */
import { PathMeter } from "./path.js";
import { PictureSize } from "./picture_size.js";

const MIN_RATE = 2;
/** Frames a second while no face moves fast: enough for every expression. */
export const CALM_RATE = 12;
/** Frames a second on a long path: their answers are old when they come, so the next should not be long in coming. */
export const FAR_RATE = 20;
const FAR_MS = 50;
export const SPARING_RATE = 6;
const MOVING_FOR_MS = 2000;
/** A face that moves by more than this share of its width in a second moves fast. */
const FAST_WIDTHS_PER_S = 0.8;

const UPLINK_SHARE = 0.4;
const SPARING_SHARE = 0.25;
/** On a long path, a frame should pass the uplink in this time. */
const QUICK_MS = 14;
/** With this many bytes a second to spend, so many frames are sent; with fewer, both their number and their size fall. */
const GOOD_BYTES_PER_S = 125_000;
const GOOD_RATE = 16;
const RATE_POWER = 0.9;
const SLOWEST_GOOD_RATE = 6;
/** A frame of the camera that comes this early is on time: cameras and browsers are not punctual. */
const BEAT_SLACK_MS = 12;
/** As a share of the rate that the server takes: no more than two clocks differ. */
const WITHIN_LIMIT = 0.999;

/** Queueing delay at which the rate falls, and below which it rises, in ms. */
const QUEUE_HIGH_MS = 60;
const QUEUE_LOW_MS = 30;
/** Answers that are late by this much may be so for jitter: the frames on their way allow for it. */
const MOST_JITTER_MS = 30;

/** Measures the path and plans the next frame. */
export class Pace {
  #path = new PathMeter();
  #size = new PictureSize();
  #rate = CALM_RATE;
  #slowedMs = -Infinity;
  #restUntilMs = 0;
  #dueMs = 0;
  #movingUntilMs = -Infinity;
  #isSomebodySeen = false;
  #maxRate;
  #maxInFlight;

  /** Save-Data or a metered connection: begin small, use a quarter of the uplink, six frames a second. */
  sparing = false;
  /** Ask for every frame that the server takes, whether anything moves or not. */
  eager = false;

  /**
   * @param {{maxRate: number, maxInFlight: number}} limits frames a second the server takes, and frames on
   *   their way at once
   */
  constructor({ maxRate, maxInFlight }) {
    this.#maxRate = WITHIN_LIMIT * maxRate;
    this.#maxInFlight = maxInFlight;
  }

  /** Smoothed milliseconds from send to answer. */
  get ackMs() {
    return this.#path.ackMs;
  }

  /** Round trip of the empty path in ms; NaN while unknown. */
  get roundTripMs() {
    return this.#path.roundTripMs;
  }

  /** Smoothed milliseconds that frames wait behind others, in the network or in the server. */
  get queueMs() {
    return this.#path.queueMs;
  }

  get #budget() {
    return this.#path.bandwidth * (this.sparing ? SPARING_SHARE : UPLINK_SHARE);
  }

  get #isFar() {
    return this.roundTripMs > FAR_MS;
  }

  get #kind() {
    return { isSparing: this.sparing, isMeasured: this.#path.isMeasured };
  }

  /** The most that is asked for at this moment, in frames a second. */
  #ceiling(nowMs) {
    if (this.eager && !this.sparing) return this.#maxRate;
    const calm = this.#isFar && this.#isSomebodySeen ? FAR_RATE : CALM_RATE;
    const wanted = this.sparing ? SPARING_RATE : nowMs < this.#movingUntilMs ? this.#maxRate : calm;
    const affordable = Math.max(SLOWEST_GOOD_RATE, GOOD_RATE * (this.#budget / GOOD_BYTES_PER_S) ** RATE_POWER);
    return Math.min(this.#maxRate, wanted, affordable);
  }

  /** Frames a second that are sent now. */
  get rate() {
    return this.#rate;
  }

  /** Frames that may be on their way at once: rate times the time to the answer, and one to spare. */
  get window() {
    const path = this.#path;
    const tripMs = Number.isFinite(path.roundTripMs) ? path.roundTripMs : 0;
    const perFrameMs = path.isMeasured ? (1000 * this.#size.bytes(this.#kind)) / path.bandwidth : 0;
    const jitterMs = Math.min(path.queueMs, MOST_JITTER_MS);
    const wanted = (this.#rate * (tripMs + perFrameMs + path.serverMs + jitterMs)) / 1000;
    return Math.min(this.#maxInFlight, Math.max(2, Math.ceil(1.2 * wanted) + 1));
  }

  /**
   * @param {number} cameraLongSide in pixels
   * @returns {{longSide: number, quality: number}} of the next frame
   */
  plan(cameraLongSide) {
    return this.#size.plan(cameraLongSide, this.#kind);
  }

  /** @param {number} nowMs @param {number} inFlight frames on their way @returns {boolean} whether to send one now */
  isDue(nowMs, inFlight) {
    if (inFlight >= this.window) return false;
    this.#rate = Math.min(this.#rate, this.#ceiling(nowMs));
    return nowMs >= this.#restUntilMs && nowMs >= this.#dueMs - BEAT_SLACK_MS;
  }

  /** A frame was taken. The next is due an interval later on the plan's clock, so that the camera's beat costs nothing. */
  taken(nowMs) {
    const intervalMs = 1000 / this.#rate;
    this.#dueMs = Math.max(this.#dueMs + intervalMs, nowMs);
  }

  /** A small message came back: the path's round trip. */
  echoed(ms, nowMs) {
    this.#path.echoed(ms, nowMs);
  }

  /**
   * An answer came.
   * @param {{ackMs: number, serverMs: number, bytes: number, width: number, height: number, quality: number,
   *   encodeMs: number | null}} frame from send to answer, of that in the server, and what was sent
   * @param {{smallestPx: number | null, widthsPerS: number}} faces the smallest in the sent picture (null: nobody), and
   *   the fastest in face widths a second
   * @param {number} cameraLongSide
   * @param {number} nowMs
   */
  answered(frame, { smallestPx, widthsPerS }, cameraLongSide, nowMs) {
    const waitedMs = this.#path.answered(frame);
    this.#isSomebodySeen = smallestPx !== null;
    this.#size.learn(frame, smallestPx, cameraLongSide);
    this.#size.afford({
      frameBytes: this.#budget / Math.max(SLOWEST_GOOD_RATE, this.#rate),
      quickBytes: this.#isFar ? (QUICK_MS / 1000) * this.#path.bandwidth : Infinity,
    }, nowMs);
    if (widthsPerS > FAST_WIDTHS_PER_S) this.#movingUntilMs = nowMs + MOVING_FOR_MS;
    if (waitedMs > QUEUE_HIGH_MS && this.queueMs > QUEUE_HIGH_MS) this.#slowDown(0.8, nowMs);
    else if (waitedMs < QUEUE_LOW_MS) this.#rate = Math.min(this.#ceiling(nowMs), this.#rate * 1.1 + 0.5);
    this.#size.fit(smallestPx, this.#kind, nowMs);
  }

  /** The server dropped a frame. */
  busy(retryAfterMs, nowMs) {
    this.#slowDown(0.7, nowMs);
    this.#restUntilMs = nowMs + (retryAfterMs ?? 0);
  }

  /** A frame came out larger than accepted: the next one will be smaller. */
  tooLarge(nowMs) {
    this.#size.move(-1, this.#kind, nowMs);
  }

  /** The path changed (another network, a new connection): discards the measurements of the old one. */
  forgetPath() {
    this.#path.forget();
  }

  #slowDown(factor, nowMs) {
    if (nowMs - this.#slowedMs < Math.max(250, this.ackMs)) return; // one queue is answered once
    this.#slowedMs = nowMs;
    this.#rate = Math.max(MIN_RATE, this.#rate * factor);
  }
}
