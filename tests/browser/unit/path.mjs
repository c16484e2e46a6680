/** A simulated path between page and server: round trip, bottleneck, server, stalls. Times in ms, deterministic. */
import { Pace } from "../../../static/js/live/pace.js";
import { frameSize } from "../../../static/js/live/picture_size.js";

const CAMERA = { width: 640, height: 480 };
/** Measured on two recorded webcams; a picture that is smaller than the camera's is grey. */
const GREY_SHARE = 0.91;
const JPEG_BYTES = { 0.4: 15_000, 0.5: 17_000, 0.65: 20_300, 0.75: 23_700, 0.85: 30_700 };
const jpegBytes = ({ width, height }, quality) =>
  JPEG_BYTES[quality] * (width < CAMERA.width ? GREY_SHARE : 1) * ((width * height) / (CAMERA.width * CAMERA.height)) ** 0.68;
const BEAT_MS = 1000 / 30;
const DRAWN_MS = 1000 / 60;
const PACKET_BYTES = 1460;
/** Seconds for which a client of the server may be ahead of its rate (`BURST_S` of webapp/connection.py). */
const BURST_S = 0.5;

/** One uplink that several viewers may share, and a server that takes `serverMs` a frame. */
export class Path {
  constructor({ rttMs = 0, uplinkKbps = Infinity, serverMs = 8, jitterMs = 0, seed = 1 }) {
    Object.assign(this, { rttMs, uplinkKbps, serverMs, jitterMs, seed, freeMs: 0, stalledUntilMs: 0, carriedBytes: 0, waits: [] });
  }

  /** @returns {number} with an exponential jitter, when `bytes` that set out now have come back as an answer */
  deliver(bytes, nowMs) {
    const beginMs = Math.max(nowMs, this.freeMs, this.stalledUntilMs);
    const perByteMs = 8 / this.uplinkKbps;
    for (let before = 0; before < bytes; before += PACKET_BYTES) this.waits.push({ nowMs, ms: beginMs - nowMs + before * perByteMs });
    this.freeMs = beginMs + bytes * perByteMs;
    this.carriedBytes += bytes;
    this.seed = (this.seed * 1103515245 + 12345) % 2 ** 31;
    return this.freeMs + this.rttMs - this.jitterMs * Math.log(1 - this.seed / 2 ** 31);
  }
}

/** A page that sends over a path as sender.js does. */
export class Viewer {
  answers = [];
  sentMs = [];
  #inFlight = [];
  #echoes = [];
  #nextEchoMs = 0;

  constructor(path, options = {}) {
    this.path = path;
    this.pace = new Pace({ maxRate: 30, maxInFlight: 8 });
    this.facePx = options.facePx ?? 120; // in the camera's picture
    this.widthsPerS = options.widthsPerS ?? 0;
    this.encodeMs = options.encodeMs ?? (() => 5);
    Object.assign(this.pace, options.pace);
  }

  beat(nowMs) {
    for (const echo of this.#echoes.splice(0)) (echo.backMs <= nowMs ? this.pace.echoed(echo.backMs - echo.sentMs, nowMs) : this.#echoes.push(echo));
    for (const frame of this.#inFlight.splice(0)) {
      if (frame.backMs > nowMs) { this.#inFlight.push(frame); continue; }
      const ackMs = frame.backMs - frame.sentMs;
      this.pace.answered({ ...frame, ackMs, serverMs: this.path.serverMs }, { smallestPx: (this.facePx * frame.width) / CAMERA.width, widthsPerS: this.widthsPerS }, CAMERA.width, nowMs);
      this.answers.push({ nowMs, ageMs: ackMs + frame.encodeMs, width: frame.width });
    }
    if (nowMs >= this.#nextEchoMs) {
      this.#nextEchoMs = nowMs + (nowMs < 600 ? 150 : 500);
      this.#echoes.push({ sentMs: nowMs, backMs: this.path.deliver(60, nowMs) });
    }
    if (!this.pace.isDue(nowMs, this.#inFlight.length)) return;
    const { longSide, quality } = this.pace.plan(CAMERA.width);
    const size = frameSize(CAMERA.width, CAMERA.height, longSide);
    const encodeMs = this.encodeMs(size.width * size.height);
    const bytes = jpegBytes(size, quality);
    const sentMs = nowMs + encodeMs;
    this.pace.taken(nowMs);
    this.sentMs.push(sentMs);
    this.#inFlight.push({ ...size, quality, bytes, encodeMs, sentMs, backMs: this.path.deliver(bytes, sentMs) + this.path.serverMs });
  }
}

/** Lets viewers send for some seconds; `at` runs things at given times. */
export function run(viewers, seconds, { fromMs = 0, at = {} } = {}) {
  for (let nowMs = fromMs; nowMs < fromMs + 1000 * seconds; nowMs += BEAT_MS) {
    for (const [whenMs, act] of Object.entries(at)) if (Number(whenMs) >= nowMs && Number(whenMs) < nowMs + BEAT_MS) act(nowMs);
    viewers.forEach((viewer, i) => viewer.beat(nowMs + i * 7));
  }
  return fromMs + 1000 * seconds;
}

/** @returns {number[]} ages of the marks at every drawing of the screen between the first and the last of these answers */
export function markAges(answers) {
  const ages = [];
  let newest = 0;
  for (let nowMs = answers[0].nowMs; nowMs < answers.at(-1).nowMs; nowMs += DRAWN_MS) {
    while (answers[newest + 1]?.nowMs <= nowMs) newest += 1;
    ages.push(nowMs - answers[newest].nowMs + answers[newest].ageMs);
  }
  return ages;
}

/** @returns {number} how many frames a server that takes `rate` a second would refuse, by its token bucket */
export function refused(arrivalsMs, rate) {
  let [tokens, filledMs, count] = [BURST_S * rate, 0, 0];
  for (const nowMs of arrivalsMs.toSorted((a, b) => a - b)) {
    tokens = Math.min(BURST_S * rate, tokens + ((nowMs - filledMs) * rate) / 1000);
    filledMs = nowMs;
    if (tokens < 1) count += 1;
    else tokens -= 1;
  }
  return count;
}

export const since = (list, ms) => list.filter((entry) => entry.nowMs >= ms);

export function quantile(values, share) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(share * (sorted.length - 1))];
}
