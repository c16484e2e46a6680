/** Advice for the person: come into the light, come closer, wait for the server. Contains all its thresholds. */

const DELAYS_MS = { nobody: 1500, dark: 2000, small: 1500, "busy-server": 3000 };
/** Advice stays this long after its cause, so that it does not flicker. "No face" beside a face would be wrong at once. */
const LINGER_MS = { nobody: 0, dark: 1000, small: 1000, "busy-server": 1000 };
const NOBODY_LATE_MS = 5000;
const DARK_LUMA = 40;
const LUMA_EVERY_MS = 1000;
const SMALL_FACE_PX = 60;
const SLOW_ANSWER_MS = 500;
/** After this long without an answer, the last one tells nothing about who is in view, and the server counts as silent. */
const OUTDATED_MS = 1500;
/** A dropped frame counts as a sign of a busy server for this long: the next one may be answered a second later. */
const BUSY_MS = 2000;

/** Watches picture, faces and answers, and names the advice that is due. */
export class Advice {
  #advisor = new Advisor();
  #light = new LightMeter();
  #video;
  #sender;
  #luma = 255;
  #lumaMs = 0;
  #busyMs = -Infinity;
  #sides = null;
  #answeredMs = null;

  /** @param {HTMLVideoElement} video @param {import("./sender.js").FrameSender} sender */
  constructor(video, sender) {
    this.#video = video;
    this.#sender = sender;
  }

  /** @param {import("../faces/reading.js").Reading} reading */
  read({ image, faces }, nowMs) {
    // In pixels of the camera: a picture that is sent small says nothing about the person's distance.
    const scale = Math.max(this.#video.videoWidth, this.#video.videoHeight) / Math.max(image.width, image.height);
    this.#sides = faces.map(({ box }) => scale * Math.min(box[2], box[3]));
    this.#answeredMs = nowMs;
  }

  /** The server dropped a frame. */
  refused(nowMs) {
    this.#busyMs = nowMs;
  }

  /** @param {number} nowMs @returns {{advice: string | null, isLate: boolean}} */
  update(nowMs) {
    if (nowMs - this.#lumaMs >= LUMA_EVERY_MS) {
      this.#lumaMs = nowMs;
      this.#luma = this.#light.measure(this.#video);
    }
    const { pace } = this.#sender;
    const waitingMs = this.#sender.waitingMs(nowMs);
    this.#answeredMs ??= nowMs;
    const isOutdated = nowMs - this.#answeredMs > OUTDATED_MS;
    if (isOutdated) this.#sides = null;
    const slowestMs = Math.max(pace.ackMs, waitingMs) - (pace.roundTripMs || 0); // a long path is not a busy server
    return this.#advisor.update({
      nobody: this.#sides?.length === 0,
      dark: this.#luma < DARK_LUMA,
      small: this.#sides?.length > 0 && Math.max(...this.#sides) < SMALL_FACE_PX,
      "busy-server": nowMs - this.#busyMs < BUSY_MS || slowestMs > SLOW_ANSWER_MS || (isOutdated && waitingMs > 0),
    }, nowMs);
  }

  reset() {
    this.#advisor.reset();
    this.#sides = null;
    this.#answeredMs = null;
  }
}

/** Selects one piece of advice. It appears when its cause has lasted for a while, and disappears a second after the cause. */
export class Advisor {
  #since = new Map();
  #shown = null;
  #lastTrueMs = 0;

  /**
   * @param {Record<"nobody" | "dark" | "small" | "busy-server", boolean>} causes
   * @param {number} nowMs
   * @returns {{advice: string | null, isLate: boolean}} `isLate`: nobody has been in view for five seconds
   */
  update(causes, nowMs) {
    for (const name of Object.keys(DELAYS_MS)) {
      if (!causes[name]) this.#since.delete(name);
      else if (!this.#since.has(name)) this.#since.set(name, nowMs);
    }
    const due = Object.keys(DELAYS_MS).filter((name) => nowMs - (this.#since.get(name) ?? nowMs) >= DELAYS_MS[name]);
    if (this.#shown && causes[this.#shown]) this.#lastTrueMs = nowMs;
    // Darkness explains why no face is found, so it comes first.
    const next = ["dark", "nobody", "small", "busy-server"].find((name) => due.includes(name)) ?? null;
    if (next && (!this.#shown || !causes[this.#shown] || next === "dark")) {
      this.#shown = next;
      this.#lastTrueMs = nowMs;
    } else if (this.#shown && !causes[this.#shown] && nowMs - this.#lastTrueMs >= LINGER_MS[this.#shown]) {
      this.#shown = null;
    }
    const nobodySince = this.#since.get("nobody") ?? nowMs;
    return { advice: this.#shown, isLate: this.#shown === "nobody" && nowMs - nobodySince >= NOBODY_LATE_MS };
  }

  reset() {
    this.#since.clear();
    this.#shown = null;
  }
}

/** Measures the brightness of the picture, on a tiny copy. */
class LightMeter {
  #context;

  constructor() {
    const canvas = Object.assign(document.createElement("canvas"), { width: 64, height: 48 });
    this.#context = canvas.getContext("2d", { willReadFrequently: true });
  }

  /** @param {HTMLVideoElement} video @returns {number} mean luma, 0–255 */
  measure(video) {
    this.#context.drawImage(video, 0, 0, 64, 48);
    const { data } = this.#context.getImageData(0, 0, 64, 48);
    let sum = 0;
    for (let i = 0; i < data.length; i += 4) sum += 0.299 * data[i] + 0.587 * data[i + 1] + 0.114 * data[i + 2];
    return sum / (data.length / 4);
  }
}
