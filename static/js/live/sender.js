/** Takes frames from the video and sends them: several in flight on a slow path, always the newest frame, no queue. */
import { watchCamera } from "./camera_frames.js";
import { KnownFaces } from "./known.js";
import { Movement } from "./movement.js";
import { Pace } from "./pace.js";
import { frameSize } from "./picture_size.js";

/** An answer to a picture older than this is not shown. */
const STALE_MS = 1000;
const ECHO_EVERY_MS = 500;
const FIRST_ECHOES = 4;
const FIRST_ECHO_EVERY_MS = 150;

/**
 * @typedef {object} SentFrame
 * @property {number} seq
 * @property {number} capturedMs when the camera took it, on the clock of performance.now()
 * @property {number} sentMs
 * @property {ArrayBuffer} bytes the JPEG
 * @property {number} width
 * @property {number} height
 * @property {number} quality 0–1
 * @property {number | null} encodeMs null for the first, which waits for the encoder to start
 */

/** Sends while started; every answer goes to `onAnswer` with the frame it belongs to. */
export class FrameSender {
  #video;
  #link;
  #limits;
  #onAnswer;
  #onBusy;
  #encode = null;
  #hasEncoded = false;
  #running = 0;
  #unwatch = () => {};
  #inFlight = new Set();
  #encoding = false;
  #newestAnswered = 0;
  #echoTimer = 0;
  #echoes = 0;
  #movement = new Movement();
  #known = new KnownFaces();
  #seq = 0;

  /** Sent and dropped frames, sent bytes and the last frame's size, since the page was opened. */
  totals = { sent: 0, answered: 0, dropped: 0, bytes: 0, width: 0, height: 0, frameBytes: 0 };

  /**
   * @param {HTMLVideoElement} video
   * @param {import("./socket.js").Link} link
   * @param {{maxFrameBytes: number, maxInFlight: number, maxRate: number}} limits
   * @param {{onAnswer: (result: object, frame: SentFrame) => void, onBusy: (error: object) => void}} listeners
   */
  constructor(video, link, limits, { onAnswer, onBusy }) {
    this.#video = video;
    this.#link = link;
    this.#limits = limits;
    this.#onAnswer = onAnswer;
    this.#onBusy = onBusy;
    this.pace = new Pace(limits);
    this.pace.sparing = isMetered();
  }

  /** How long the oldest frame on its way has been waiting for an answer, in ms. */
  waitingMs(nowMs) {
    return Math.max(0, ...[...this.#inFlight].map((frame) => nowMs - frame.sentMs));
  }

  /** The next session's faces are not those of the last one. */
  forgetFaces() {
    this.#known.forget();
  }

  get isRunning() {
    return this.#running !== 0;
  }

  /** Loads the encoder while the connection is made; a failure is reported by the first frame, which tries again. */
  prepare() {
    (this.#encode ??= this.#makeEncoder()).catch(() => {});
  }

  start() {
    if (this.#running) return;
    const run = (this.#running = ++this.#seq);
    this.pace.sparing = isMetered();
    this.pace.forgetPath();
    this.#movement.reset();
    this.#unwatch = watchCamera(this.#video, (capturedMs, picture) => this.#consider(capturedMs, picture, run));
    this.#echoes = 0;
    this.#listenForEcho(run);
  }

  stop() {
    this.#running = 0;
    this.#unwatch();
    this.#unwatch = () => {};
    clearTimeout(this.#echoTimer);
  }

  /** Small messages measure the round trip of the path without the time that pictures need. */
  async #listenForEcho(run) {
    clearTimeout(this.#echoTimer);
    if (run !== this.#running) return;
    this.#echoes += 1;
    this.#echoTimer = setTimeout(() => this.#listenForEcho(run), this.#echoes < FIRST_ECHOES ? FIRST_ECHO_EVERY_MS : ECHO_EVERY_MS);
    const sentMs = performance.now();
    if (await this.#link.echo()) this.pace.echoed(performance.now() - sentMs, performance.now());
  }

  #consider(capturedMs, picture, run) {
    const now = performance.now();
    if (this.#encoding || !this.#link.isOpen || !this.#video.videoWidth) return;
    if (this.pace.isDue(now, this.#inFlight.size)) this.#send(capturedMs, picture?.clone() ?? null, run);
  }

  /** @param {number} capturedMs @param {VideoFrame | null} picture is closed here; null for what the video shows now */
  async #send(capturedMs, picture, run) {
    const { videoWidth, videoHeight } = this.#video;
    const cameraLongSide = Math.max(videoWidth, videoHeight);
    const { longSide, quality } = this.pace.plan(cameraLongSide);
    const { width, height } = frameSize(videoWidth, videoHeight, longSide);
    const takenMs = performance.now();
    this.pace.taken(takenMs);
    this.#encoding = true;
    let bytes;
    try {
      const encode = await (this.#encode ??= this.#makeEncoder());
      bytes = await encode({ width, height, quality }, picture);
    } finally {
      picture?.close();
      this.#encoding = false;
    }
    const encodeMs = this.#hasEncoded ? performance.now() - takenMs : null;
    this.#hasEncoded = true;
    performance.measure("encode", { start: takenMs });
    performance.clearMeasures("encode");
    // Paused, hidden or disconnected while encoding: the picture stays here.
    if (run !== this.#running || !this.#link.isOpen) return;
    // A message over the limit would cost the connection, so it is never sent.
    if (bytes.byteLength > this.#limits.maxFrameBytes) return this.pace.tooLarge(performance.now());
    const frame = { seq: ++this.#seq, capturedMs, sentMs: performance.now(), bytes, width, height, quality, encodeMs };
    Object.assign(this.totals, { width, height, frameBytes: bytes.byteLength });
    this.totals.sent += 1;
    this.totals.bytes += bytes.byteLength;
    this.#inFlight.add(frame);
    try {
      const { connection } = this.#link;
      const answer = await this.#link.send(bytes, this.#known.details(connection, frame.sentMs));
      if (answer.ok) this.#known.answered(answer, connection, performance.now());
      this.#answered(answer, frame, cameraLongSide, run);
    } catch {
      this.totals.dropped += 1; // no answer: the link reports the reason
    } finally {
      this.#inFlight.delete(frame);
    }
  }

  /** Loaded when the camera is turned on. */
  async #makeEncoder() {
    try {
      const { Encoder, pictureOf } = await import("../shared/encoder.js");
      const encoder = new Encoder();
      return (size, picture) => encoder.encode(pictureOf(this.#video, picture), size);
    } catch (error) {
      this.#encode = null; // the next frame tries again
      throw error;
    }
  }

  #answered(answer, frame, cameraLongSide, run) {
    const now = performance.now();
    const isStale = now - frame.capturedMs > STALE_MS;
    if (!answer.ok) {
      this.totals.dropped += 1;
      if (isStale) return; // a stall delayed it together with newer answers, which does not mean that the server is busy
      this.pace.busy(answer.retry_after_ms, now);
      return this.#onBusy(answer);
    }
    this.totals.answered += 1;
    const sides = answer.faces.map(({ box }) => Math.min(box[2], box[3]));
    this.pace.answered(
      { ...frame, bytes: frame.bytes.byteLength, ackMs: now - frame.sentMs, serverMs: serverMs(answer) },
      { smallestPx: sides.length ? Math.min(...sides) : null, widthsPerS: this.#movement.update(answer, frame.capturedMs) },
      cameraLongSide, now,
    );
    if (run !== this.#running || isStale || frame.seq < this.#newestAnswered) return;
    this.#newestAnswered = frame.seq;
    this.#onAnswer(answer, frame);
  }
}

/** The server's share of an answer's time, in ms. */
const serverMs = ({ timing_ms: { queue = 0, total = 0 } = {} }) => queue + total;

/** Whether the browser saves data, or the connection is metered. */
function isMetered() {
  const { saveData = false, type = "" } = navigator.connection ?? {};
  return saveData || type === "cellular";
}
