/** A simulated path between page and server: round trip, bottleneck, server, stalls. Times in ms, deterministic. */
import { Pace } from "../../../static/js/live/pace.js";
import { frameSize } from "../../../static/js/live/picture_size.js";

const CAMERA = { width: 640, height: 480 };
const JPEG_BYTES_PER_PIXEL = { 0.5: 0.045, 0.65: 0.056, 0.75: 0.07, 0.85: 0.1 };
const BEAT_MS = 1000 / 30;

/** One uplink that several viewers may share, and a server that takes `serverMs` a frame. */
export class Path {
  constructor({ rttMs = 0, uplinkKbps = Infinity, serverMs = 8, jitterMs = 0 }) {
    Object.assign(this, { rttMs, uplinkKbps, serverMs, jitterMs, seed: 1, freeMs: 0, stalledUntilMs: 0, carriedBytes: 0, waits: [] });
  }

  /** @returns {number} with an exponential jitter, when `bytes` that set out now have come back as an answer */
  deliver(bytes, nowMs) {
    const beginMs = Math.max(nowMs, this.freeMs, this.stalledUntilMs);
    this.freeMs = beginMs + (Number.isFinite(this.uplinkKbps) ? bytes / (this.uplinkKbps / 8) : 0);
    this.carriedBytes += bytes;
    this.waits.push({ nowMs, ms: beginMs - nowMs });
    this.seed = (this.seed * 1103515245 + 12345) % 2 ** 31;
    return this.freeMs + this.rttMs - this.jitterMs * Math.log(1 - this.seed / 2 ** 31);
  }
}

/** A page that sends over a path as sender.js does. */
export class Viewer {
  answers = [];
  sent = 0;
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
      this.#nextEchoMs = nowMs + (nowMs < 600 ? 150 : 1000);
      this.#echoes.push({ sentMs: nowMs, backMs: this.path.deliver(60, nowMs) });
    }
    if (!this.pace.isDue(nowMs, this.#inFlight.length)) return;
    const { longSide, quality } = this.pace.plan(CAMERA.width);
    const size = frameSize(CAMERA.width, CAMERA.height, longSide);
    const encodeMs = this.encodeMs(size.width * size.height);
    const bytes = size.width * size.height * JPEG_BYTES_PER_PIXEL[quality];
    const sentMs = nowMs + encodeMs;
    this.pace.taken(nowMs);
    this.sent += 1;
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

export const since = (list, ms) => list.filter((entry) => entry.nowMs >= ms);

export function quantile(values, share) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(share * (sorted.length - 1))];
}
