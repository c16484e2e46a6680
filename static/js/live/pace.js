/**
 * Decides rate, size and quality of the sent frames. Pure: measurements and time come in, a plan comes out.
 *
 * Delay-based congestion control in the manner of TCP Vegas and LEDBAT (RFC 6817): what counts is not how long an
 * answer takes but how much longer than on an empty path. Small echoes measure the empty path's round trip; what a
 * frame takes beyond it and beyond the server's own work is the time its bytes need, which gives the uplink's bandwidth.
 * Frames use less than half of that. A path of 300 ms is therefore used as well as one of 3 ms: several frames are on
 * their way at once, and none waits behind another.
 *
 * The size follows the smallest face (the network reads 48 pixels: a face needs sixty, and no more than about three
 * times that), the bandwidth, and the time that encoding takes.
 */

/** Sizes and qualities from the least to the most costly; `weight` is the cost of a pixel against quality 0.75. */
const STEPS = [
  { longSide: 240, quality: 0.5, weight: 0.62 },
  { longSide: 320, quality: 0.5, weight: 0.62 },
  { longSide: 320, quality: 0.65, weight: 0.8 },
  { longSide: 400, quality: 0.65, weight: 0.8 },
  { longSide: 480, quality: 0.65, weight: 0.8 },
  { longSide: 480, quality: 0.75, weight: 1 },
  { longSide: 640, quality: 0.75, weight: 1 },
  { longSide: 960, quality: 0.75, weight: 1 },
  { longSide: 1280, quality: 0.75, weight: 1 },
];
const USUAL_STEP = STEPS.findIndex((step) => step.longSide === 640);
const SPARING_STEP = 1;
const SMALL_FACE_QUALITY = 0.85;
const SMALL_FACE_PX = 60;
const LARGE_FACE_PX = 190;
/** The size asked for by faces changes at most this often. */
const SETTLE_MS = 2000;

const MIN_RATE = 2;
/** Frames a second while no face moves fast: enough for every expression. */
export const CALM_RATE = 12;
export const SPARING_RATE = 6;
const MOVING_FOR_MS = 2000;
/** A face that moves by more than this share of its width in a second moves fast. */
const FAST_WIDTHS_PER_S = 0.8;

const UPLINK_SHARE = 0.45;
const SPARING_SHARE = 0.25;
/** Below this a frame gets no smaller for the sake of more frames a second, down to SLOWEST_GOOD_RATE. */
const GOOD_FRAME_BYTES = 7500;
const SLOWEST_GOOD_RATE = 6;
/** A frame of the camera that comes this early is on time. */
const BEAT_SLACK_MS = 4;

/** Queueing delay at which the rate falls, and below which it rises, in ms. */
const QUEUE_HIGH_MS = 60;
const QUEUE_LOW_MS = 30;
const ECHO_WINDOW_MS = 10_000;
const SAMPLES = 15;
/** Shorter times are below the resolution of the clock and the scheduler and tell nothing about the uplink. */
const GRAIN_MS = 3;
/** An answer that is later than on an empty path by more than this is caused by a stall, not by the bandwidth. */
const STALL_MS = 900;
const ENCODE_BUDGET_MS = 30;
const CLIMB_MS = 500;
/** Echoes that are later than the fastest by up to this much are jitter, not a queue. */
const MAX_JITTER_MS = 30;

/** Measures the path and plans the next frame. */
export class Pace {
  #rate = CALM_RATE;
  #step = USUAL_STEP;
  #changedMs = -Infinity;
  #slowedMs = -Infinity;
  #restUntilMs = 0;
  #dueMs = 0;
  #movingUntilMs = -Infinity;
  #isSmallFace = false;
  #ackMs = 50;
  #serverMs = 10;
  #queueMs = 0;
  #echoes = [];
  #fallbackMs = Infinity;
  #bandwidths = [];
  #bytesPerPixel = 0.07;
  #encodeMsPerPixel = 0;
  #affordable = STEPS.length - 1;
  #climbedMs = -Infinity;
  #cameraPixels = 640 * 480;
  #cameraLongSide = 640;
  #maxRate;
  #maxInFlight;

  /** Save-Data or a metered connection: begin small, use a quarter of the uplink, six frames a second. */
  sparing = false;
  /** Ask for every frame that the server takes, whether anything moves or not. */
  eager = false;

  /**
   * @param {{maxRate: number, maxInFlight: number}} limits frames a second the server takes (staying a little below
   *   it, none is refused for jitter), and frames on their way at once
   */
  constructor({ maxRate, maxInFlight }) {
    this.#maxRate = 0.95 * maxRate;
    this.#maxInFlight = maxInFlight;
  }

  /** Smoothed milliseconds from send to answer. */
  get ackMs() {
    return this.#ackMs;
  }

  /** Round trip of the empty path in ms, its usual jitter included; NaN while unknown. */
  get roundTripMs() {
    if (!this.#echoes.length) return Number.isFinite(this.#fallbackMs) ? this.#fallbackMs : NaN;
    const times = this.#echoes.map(({ ms }) => ms);
    return Math.min(quantile(times, 0.5), Math.min(...times) + MAX_JITTER_MS);
  }

  /** Smoothed milliseconds that frames wait behind others, in the network or in the server. */
  get queueMs() {
    return this.#queueMs;
  }

  /** Bytes a second that the uplink carries, Infinity while unknown. */
  get bandwidth() {
    if (!this.#bandwidths.length) return Infinity;
    return quantile(this.#bandwidths, 0.7);
  }

  get #budget() {
    return this.bandwidth * (this.sparing ? SPARING_SHARE : UPLINK_SHARE);
  }

  /** The most that is asked for at this moment, in frames a second. */
  #ceiling(nowMs) {
    if (this.eager && !this.sparing) return this.#maxRate;
    const calm = this.sparing ? SPARING_RATE : nowMs < this.#movingUntilMs ? this.#maxRate : CALM_RATE;
    const affordable = Math.max(SLOWEST_GOOD_RATE, this.#budget / GOOD_FRAME_BYTES);
    return Math.min(this.#maxRate, calm, affordable);
  }

  /** Frames a second that are sent now. */
  get rate() {
    return this.#rate;
  }

  /** Frames that may be on their way at once: rate times the time to the answer, and one to spare. */
  get window() {
    const path = Number.isFinite(this.roundTripMs) ? this.roundTripMs : 0;
    const perFrame = Number.isFinite(this.bandwidth) ? (1000 * this.#bytesAt(this.#allowed)) / this.bandwidth : 0;
    const wanted = (this.#rate * (path + perFrame + this.#serverMs)) / 1000;
    return Math.min(this.#maxInFlight, Math.max(2, Math.ceil(1.2 * wanted) + 1));
  }

  /**
   * @param {number} cameraLongSide in pixels
   * @returns {{longSide: number, quality: number}} of the next frame
   */
  plan(cameraLongSide) {
    const { longSide, quality } = STEPS[Math.min(this.#step, this.#allowed)];
    const isRich = this.#isSmallFace && this.#allowed >= USUAL_STEP;
    return { longSide: Math.min(longSide, cameraLongSide), quality: isRich ? SMALL_FACE_QUALITY : quality };
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
    this.#echoes = this.#echoes.filter((echo) => nowMs - echo.atMs < ECHO_WINDOW_MS);
    this.#echoes.push({ ms, atMs: nowMs });
  }

  /**
   * An answer came.
   * @param {{ackMs: number, serverMs: number, bytes: number, width: number, height: number, encodeMs: number}} frame
   *   from send to answer, of that in the server, and what was sent
   * @param {{smallestPx: number | null, widthsPerS: number}} faces the smallest in the sent picture (null: nobody), and
   *   the fastest in face widths a second
   * @param {number} cameraLongSide
   * @param {number} nowMs
   */
  answered(frame, faces, cameraLongSide, nowMs) {
    const { ackMs, serverMs, bytes } = frame;
    this.#cameraLongSide = cameraLongSide;
    this.#cameraPixels = (frame.width * frame.height * cameraLongSide ** 2) / Math.max(frame.width, frame.height) ** 2;
    this.#ackMs += 0.2 * (ackMs - this.#ackMs);
    this.#serverMs += 0.2 * (serverMs - this.#serverMs);
    this.#fallbackMs = Math.min(this.#fallbackMs * 1.01, Math.max(0, ackMs - serverMs));
    this.#learnSize(frame);
    const travelMs = Math.max(0, ackMs - serverMs - this.roundTripMs);
    if (travelMs < STALL_MS) {
      this.#bandwidths.push((1000 * bytes) / Math.max(GRAIN_MS, travelMs));
      if (this.#bandwidths.length > SAMPLES) this.#bandwidths.shift();
    }
    const waitedMs = Math.max(0, travelMs - (1000 * bytes) / this.bandwidth) + Math.max(0, serverMs - 100);
    this.#queueMs += 0.3 * (Math.min(waitedMs, STALL_MS) - this.#queueMs);
    this.#afford(nowMs);
    if (faces.widthsPerS > FAST_WIDTHS_PER_S) this.#movingUntilMs = nowMs + MOVING_FOR_MS;
    if (waitedMs > QUEUE_HIGH_MS && this.#queueMs > QUEUE_HIGH_MS) this.#slowDown(0.8, nowMs);
    else if (waitedMs < QUEUE_LOW_MS) this.#rate = Math.min(this.#ceiling(nowMs), this.#rate * 1.1 + 0.5);
    this.#fit(faces.smallestPx, nowMs);
  }

  /** The server dropped a frame. */
  busy(retryAfterMs, nowMs) {
    this.#slowDown(0.7, nowMs);
    this.#restUntilMs = nowMs + (retryAfterMs ?? 0);
  }

  /** A frame came out larger than accepted: the next one will be smaller. */
  tooLarge(nowMs) {
    this.#move(-1, nowMs);
  }

  /** The path changed (another network, a new connection): discards the measurements of the old one. */
  forgetPath() {
    this.#echoes = [];
    this.#bandwidths = [];
    this.#fallbackMs = Infinity;
    this.#queueMs = 0;
  }

  #slowDown(factor, nowMs) {
    if (nowMs - this.#slowedMs < Math.max(250, this.#ackMs)) return; // one queue is answered once
    this.#slowedMs = nowMs;
    this.#rate = Math.max(MIN_RATE, this.#rate * factor);
  }

  #learnSize({ bytes, width, height, encodeMs, quality }) {
    const weight = quality > 0.8 ? 1.4 : STEPS.find((step) => step.quality === quality)?.weight ?? 1;
    const pixels = width * height;
    this.#bytesPerPixel += 0.3 * (bytes / (pixels * weight) - this.#bytesPerPixel);
    const perPixel = encodeMs / pixels;
    this.#encodeMsPerPixel += (this.#encodeMsPerPixel ? 0.2 : 1) * (perPixel - this.#encodeMsPerPixel);
  }

  #pixelsAt(step) {
    return this.#cameraPixels * Math.min(1, STEPS[step].longSide / this.#cameraLongSide) ** 2;
  }

  #bytesAt(step) {
    return this.#bytesPerPixel * this.#pixelsAt(step) * STEPS[step].weight;
  }

  get #allowed() {
    const isNew = this.sparing && !this.#bandwidths.length;
    return isNew ? SPARING_STEP : this.sparing ? Math.min(this.#affordable, USUAL_STEP - 1) : this.#affordable;
  }

  #fits(step, share) {
    const frameBytes = this.#budget / Math.max(SLOWEST_GOOD_RATE, this.#rate);
    return this.#bytesAt(step) <= share * frameBytes && this.#encodeMsPerPixel * this.#pixelsAt(step) <= share * ENCODE_BUDGET_MS;
  }

  /** Falls to what the uplink and the encoder carry at once, and climbs a step when there is room to spare. */
  #afford(nowMs) {
    while (this.#affordable > 0 && !this.#fits(this.#affordable, 1)) this.#affordable -= 1;
    if (nowMs - this.#climbedMs < CLIMB_MS || this.#affordable >= STEPS.length - 1 || !this.#fits(this.#affordable + 1, 0.8)) return;
    this.#affordable += 1;
    this.#climbedMs = nowMs;
  }

  #fit(smallestPx, nowMs) {
    if (nowMs - this.#changedMs < SETTLE_MS) return;
    this.#isSmallFace = smallestPx !== null && smallestPx < SMALL_FACE_PX;
    const { longSide } = STEPS[this.#step];
    if (this.#isSmallFace && longSide < this.#cameraLongSide) this.#move(+1, nowMs);
    else if (smallestPx > LARGE_FACE_PX && longSide > 320) this.#move(-1, nowMs);
    else if (smallestPx === null && this.#step !== USUAL_STEP) this.#move(Math.sign(USUAL_STEP - this.#step), nowMs);
  }

  #move(by, nowMs) {
    const from = Math.min(this.#step, this.#allowed);
    this.#step = Math.min(STEPS.length - 1, Math.max(0, from + by));
    this.#changedMs = nowMs;
  }
}

function quantile(values, share) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(share * (sorted.length - 1))];
}

/**
 * The sent picture's size: the camera's aspect, the wanted long side, never enlarged, never zero.
 * @returns {{width: number, height: number}} in whole pixels
 */
export function frameSize(cameraWidth, cameraHeight, longSide) {
  const scale = Math.min(1, longSide / Math.max(cameraWidth, cameraHeight));
  return { width: Math.max(1, Math.round(cameraWidth * scale)), height: Math.max(1, Math.round(cameraHeight * scale)) };
}
