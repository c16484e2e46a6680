/** Takes frames from the video and sends them: at most two in flight, the newest wins, nothing is queued. */
import { Pace, frameSize } from "./pace.js";

/**
 * @typedef {object} SentFrame
 * @property {number} seq
 * @property {number} capturedMs when the camera took it, on the clock of performance.now()
 * @property {number} sentMs
 * @property {ArrayBuffer} bytes the JPEG
 * @property {number} width
 * @property {number} height
 */

/** Sends while started; every answer goes to `onAnswer` with the frame it belongs to. */
export class FrameSender {
  #video;
  #link;
  #limits;
  #onAnswer;
  #onBusy;
  #canvas = document.createElement("canvas");
  #context = this.#canvas.getContext("2d", { alpha: false });
  #running = 0;
  #inFlight = new Set();
  #encoding = false;
  #lastSentMs = -Infinity;
  #newestAnswered = 0;
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
    this.pace = new Pace(limits.maxRate);
  }

  /** How long the oldest frame on its way has been waiting for an answer, in ms. */
  waitingMs(nowMs) {
    return Math.max(0, ...[...this.#inFlight].map((frame) => nowMs - frame.sentMs));
  }

  get isRunning() {
    return this.#running !== 0;
  }

  start() {
    if (this.#running) return;
    const run = (this.#running = ++this.#seq);
    const next = () => onVideoFrame(this.#video, (capturedMs) => {
      if (run !== this.#running) return;
      this.#consider(capturedMs, run);
      next();
    });
    next();
  }

  stop() {
    this.#running = 0;
  }

  #consider(capturedMs, run) {
    const now = performance.now();
    const free = this.#inFlight.size < this.#limits.maxInFlight && !this.#encoding;
    if (free && this.#link.isOpen && this.#video.videoWidth && this.pace.isDue(this.#lastSentMs, now)) this.#send(capturedMs, run);
  }

  async #send(capturedMs, run) {
    const { videoWidth, videoHeight } = this.#video;
    const cameraLongSide = Math.max(videoWidth, videoHeight);
    const { longSide, quality } = this.pace.plan(cameraLongSide);
    const { width, height } = frameSize(videoWidth, videoHeight, longSide);
    this.#lastSentMs = performance.now();
    this.#encoding = true;
    let bytes;
    try {
      bytes = await this.#encode(width, height, quality);
    } finally {
      this.#encoding = false;
    }
    performance.measure("encode", { start: this.#lastSentMs });
    performance.clearMeasures("encode");
    // Paused, hidden or disconnected while encoding: the picture stays here.
    if (run !== this.#running || !this.#link.isOpen) return;
    // A message over the limit would cost the connection, so it is never sent.
    if (bytes.byteLength > this.#limits.maxFrameBytes) return this.pace.tooLarge(performance.now());
    const frame = { seq: ++this.#seq, capturedMs, sentMs: performance.now(), bytes, width, height };
    Object.assign(this.totals, { width, height, frameBytes: bytes.byteLength });
    this.totals.sent += 1;
    this.totals.bytes += bytes.byteLength;
    this.#inFlight.add(frame);
    try {
      this.#answered(await this.#link.send(bytes, frame.seq), frame, cameraLongSide, run);
    } catch {
      this.totals.dropped += 1; // no answer: the link tells why
    } finally {
      this.#inFlight.delete(frame);
    }
  }

  #answered(answer, frame, cameraLongSide, run) {
    const now = performance.now();
    if (!answer.ok) {
      this.totals.dropped += 1;
      this.pace.busy(answer.retry_after_ms, now);
      return this.#onBusy(answer);
    }
    this.totals.answered += 1;
    const sides = answer.faces.map(({ box }) => Math.min(box[2], box[3]));
    this.pace.answered(now - frame.sentMs, sides.length ? Math.min(...sides) : null, cameraLongSide, now);
    if (run !== this.#running || frame.seq < this.#newestAnswered) return;
    this.#newestAnswered = frame.seq;
    this.#onAnswer(answer, frame);
  }

  // Measured in Chromium 156 on two cores, 640 × 480 from a running camera, 120 frames each, median / 99th percentile:
  // toBlob 5.3 / 10.7 ms, OffscreenCanvas.convertToBlob 5.2 / 10.6, the same in a worker 5.4 / 18.9 (VideoFrame) and
  // 6.3 / 16.9 (ImageBitmap), toDataURL 4.3 / 8.5 but all of it on the main thread. So the plainest one that leaves the
  // main thread free.
  async #encode(width, height, quality) {
    if (this.#canvas.width !== width) this.#canvas.width = width;
    if (this.#canvas.height !== height) this.#canvas.height = height;
    this.#context.drawImage(this.#video, 0, 0, width, height);
    const blob = await new Promise((resolve) => this.#canvas.toBlob(resolve, "image/jpeg", quality));
    return blob.arrayBuffer();
  }
}

/** Calls back at the next camera frame with the time it was captured, as well as the browser knows it. */
function onVideoFrame(video, callback) {
  if (video.requestVideoFrameCallback) {
    video.requestVideoFrameCallback((now, metadata) => callback(metadata.captureTime ?? metadata.presentationTime ?? now));
  } else {
    requestAnimationFrame(callback);
  }
}
