/**
 * Frames of a recording in flight: a bounded number at once, each answered once and in order. When the connection
 * breaks, what has no answer yet is sent again, beginning with where every face of the scene was last seen, so that
 * another server can go on with the same ids. The last frame that was answered precedes it, so that a cut is recognised.
 */

const NOT_READY_MS = 1000;
/** An answer may take long while others watch live; a dead connection is detected by its pings. */
const PATIENCE_MS = 120_000;
/** Known faces that are sent, as many as the server accepts: those seen last. */
const MAX_KNOWN_FACES = 64;

/**
 * @typedef {object} Frame
 * @property {number} frame
 * @property {number} timeS
 * @property {ArrayBuffer} bytes
 */

export class Lane {
  #send;
  #window;
  #onAnswer;
  #frames = [];
  /** The last frame that was read. @type {Frame | null} */
  #last = null;
  #isOpen = false;
  #isPrimed = false;
  #epoch = 0;
  /** Faces since the last cut: no earlier one comes back. */
  #known = new Map();
  #nextId = 1;
  #image = null;
  #waiters = [];
  #pauseUntil = 0;
  #timer = 0;
  #isClosed = false;

  /**
   * @param {object} options
   * @param {(bytes: ArrayBuffer, details: object, patienceMs: number) => Promise<object>} options.send gives the answer
   * @param {number} options.window frames that may be unanswered
   * @param {(frame: Frame, answer: object) => void} options.onAnswer in the order of the frames; a result or an error
   */
  constructor({ send, window, onAnswer }) {
    this.#send = send;
    this.#window = window;
    this.#onAnswer = onAnswer;
  }

  /** Frames that have no answer yet. */
  get unanswered() {
    return this.#frames.length;
  }

  /**
   * Takes a frame; waits until there is room for the next.
   * @param {Frame} frame later than the one before
   */
  async push(frame) {
    this.#frames.push({ frame, state: "waiting", answer: null });
    this.#pump();
    while (this.#frames.length >= this.#window && !this.#isClosed) await this.#change();
  }

  /** Waits until every frame is answered. */
  async finish() {
    while (this.#frames.length && !this.#isClosed) await this.#change();
  }

  /** The connection is there, for the first time or again. */
  opened() {
    this.#isOpen = true;
    this.#isPrimed = false;
    this.#epoch += 1;
    for (const entry of this.#frames) if (entry.state === "sent") entry.state = "waiting";
    if (this.#last && this.#frames.length && !this.#frames[0].isRepeated) this.#frames.unshift({ frame: this.#last, state: "waiting", answer: null, isRepeated: true });
    this.#pump();
  }

  /** The connection is gone. */
  lost() {
    this.#isOpen = false;
    this.#epoch += 1;
  }

  /** Stops sending, and ends all waiting. */
  close() {
    this.#isClosed = true;
    this.lost();
    clearTimeout(this.#timer);
    this.#frames = [];
    this.#wake();
  }

  #pump() {
    if (!this.#isOpen) return;
    const restMs = this.#pauseUntil - performance.now();
    if (restMs > 0) {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.#pump(), restMs);
      return;
    }
    for (const entry of this.#frames) {
      if (entry.state !== "waiting") continue;
      // The first frame of a connection carries the known faces; the other frames wait for its answer.
      const isFirst = !this.#isPrimed;
      if (isFirst && entry !== this.#frames.find(({ state }) => state !== "answered")) return;
      this.#transmit(entry, isFirst);
      if (isFirst) return;
    }
  }

  async #transmit(entry, isFirst) {
    if (entry.state === "sent") return;
    entry.state = "sent";
    const epoch = this.#epoch;
    const details = { lane: "recording", time_s: entry.frame.timeS };
    if (isFirst) details.known = this.#whatIsKnown();
    let answer;
    try {
      answer = await this.#send(entry.frame.bytes, details, PATIENCE_MS);
    } catch {
      if (epoch === this.#epoch) entry.state = "waiting"; // opened() sends it again
      return;
    }
    if (epoch !== this.#epoch) return;
    if (answer.code === "busy" || answer.code === "not_ready") return this.#later(entry, answer);
    entry.state = "answered";
    entry.answer = answer;
    if (isFirst) this.#isPrimed = true;
    this.#deliver();
    this.#pump();
  }

  #whatIsKnown() {
    const faces = [...this.#known.values()].sort((a, b) => b.time_s - a.time_s).slice(0, MAX_KNOWN_FACES);
    const nextId = this.#nextId > 1 ? { next_id: this.#nextId } : {};
    return faces.length ? { image: this.#image, faces, ...nextId } : { faces, ...nextId };
  }

  #later(entry, { code, retry_after_ms: retryMs = 0 }) {
    entry.state = "waiting";
    this.#pauseUntil = performance.now() + (code === "not_ready" ? NOT_READY_MS : Math.max(20, retryMs));
    this.#pump();
  }

  #deliver() {
    while (this.#frames[0]?.state === "answered") {
      const { frame, answer, isRepeated } = this.#frames.shift();
      if (isRepeated) continue; // it has its answer
      if (answer.ok) this.#remember(frame, answer);
      this.#onAnswer(frame, answer);
    }
    this.#wake();
  }

  #remember(frame, { image, faces, is_cut: isCut }) {
    const { timeS } = frame;
    this.#last = frame;
    this.#image = image;
    if (isCut) this.#known.clear();
    for (const { id, box, smoothed } of faces) {
      this.#known.set(id, { id, box, time_s: timeS, smoothed });
      this.#nextId = Math.max(this.#nextId, id + 1);
    }
  }

  #change() {
    return new Promise((resolve) => this.#waiters.push(resolve));
  }

  #wake() {
    this.#waiters.splice(0).forEach((resolve) => resolve());
  }
}
