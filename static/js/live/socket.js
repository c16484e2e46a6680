/** The only file that touches `io`. */
import { io } from "../../vendor/socket.io-client-4.8.4.esm.min.js";

const ACK_TIMEOUT_MS = 4000;
const FIRST_TRY_MS = 1000;
const LONGEST_WAIT_MS = 15000;
const RESTART_MS = 20000;
const SOON_MS = 250;

/**
 * How long to wait before the next try: doubled after each, with a random quarter so that clients don't return all at once.
 * @param {number} tries failed so far
 * @param {number} chance 0–1
 */
const retryDelay = (tries, chance) => Math.min(LONGEST_WAIT_MS, FIRST_TRY_MS * 2 ** tries) * (0.75 + chance / 2);

/**
 * The connection for live frames and its state (`Facts.link` of state.js). Frames are never buffered: while there is no
 * connection, `send` refuses. The waiting between tries is done here and not by the library, so that it can be shown.
 */
export class Link {
  #socket = null;
  #pageVersion;
  #onState;
  #onWelcome;
  #timer = 0;
  #tries = 0;
  #triedMs = 0;
  #restartingUntil = 0;
  #online = () => this.retryNow();

  /**
   * @param {{pageVersion: string, onState: (state: string, details: {retryAtMs?: number}) => void,
   *   onWelcome: (welcome: object) => boolean}} options `retryAtMs` is on the clock of performance.now(); `onWelcome` tells
   *   whether this page can show what the server answers
   */
  constructor({ pageVersion, onState, onWelcome }) {
    this.#pageVersion = pageVersion;
    this.#onState = onState;
    this.#onWelcome = onWelcome;
  }

  get isOpen() {
    return Boolean(this.#socket?.connected);
  }

  /** @returns {string | undefined} a name of the open connection; every reconnection has another */
  get connection() {
    return this.#socket?.id;
  }

  start() {
    if (this.#socket) return;
    // WebSocket only: no sticky sessions needed, and pictures over polling would be no live view.
    this.#socket = io({ transports: ["websocket"], reconnection: false, autoConnect: false });
    this.#socket.on("welcome", (welcome) => this.#welcomed(welcome));
    this.#socket.on("draining", () => {
      this.#restartingUntil = performance.now() + RESTART_MS;
      this.#onState("restarting", {});
    });
    this.#socket.on("disconnect", (reason) => reason !== "io client disconnect" && this.#wait("lost"));
    this.#socket.on("connect_error", (error) => this.#refused(error.data));
    addEventListener("online", this.#online);
    this.#connect();
  }

  stop() {
    clearTimeout(this.#timer);
    removeEventListener("online", this.#online);
    this.#socket?.disconnect();
    this.#socket?.off();
    this.#socket = null;
    this.#tries = 0;
    this.#restartingUntil = 0;
    this.#onState("off", {});
  }

  /** Tries again at once. */
  retryNow() {
    if (this.#socket && !this.#socket.connected) this.#connect();
  }

  /**
   * Sends one frame.
   * @param {ArrayBuffer} bytes
   * @param {object} [details] what the server should know of it, see webapp/events.py
   * @param {number} [patienceMs] without an answer for so long the connection counts as dead
   * @returns {Promise<object>} the answer: a result, or an error shape
   * @throws {Error} when there is no connection, or no answer came in time
   */
  async send(bytes, details = {}, patienceMs = ACK_TIMEOUT_MS) {
    const socket = this.#socket;
    if (!socket?.connected) throw new Error("expected an open connection, received none");
    try {
      return await socket.timeout(patienceMs).emitWithAck("frame", bytes, details);
    } catch (error) {
      // Silence for this long means a dead connection that nobody closed: waiting for the ping would take far longer.
      if (socket === this.#socket && socket.connected) {
        socket.disconnect();
        this.#wait("lost");
      }
      throw error;
    }
  }

  /**
   * Sends a small message and waits until it is back.
   * @returns {Promise<boolean>} whether it came back
   */
  async echo() {
    try {
      if (!this.isOpen) return false;
      await this.#socket.timeout(ACK_TIMEOUT_MS).emitWithAck("echo");
      return true;
    } catch {
      return false; // the next frame finds out whether the connection is dead
    }
  }

  #connect() {
    clearTimeout(this.#timer);
    this.#triedMs = performance.now();
    this.#report(this.#tries ? "reconnecting" : "connecting");
    this.#socket.connect();
  }

  #welcomed(welcome) {
    this.#tries = 0;
    this.#restartingUntil = 0;
    const suits = this.#onWelcome(welcome);
    this.#onState(suits && welcome.page_version === this.#pageVersion ? "open" : "outdated", {});
  }

  #refused(data) {
    if (data?.code === "full") return this.#wait("full", (data.retry_after_s ?? 10) * 1000);
    if (data?.code === "draining") this.#restartingUntil = performance.now() + RESTART_MS;
    // A try that hung in a stalled network has waited already: the next one follows soon after the stall.
    const hungMs = performance.now() - this.#triedMs;
    this.#wait("reconnecting", Math.max(Math.random() * SOON_MS, retryDelay(this.#tries, Math.random()) - hungMs));
  }

  #wait(state, delayMs = retryDelay(this.#tries, Math.random())) {
    this.#tries += 1;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#connect(), delayMs);
    this.#report(state, performance.now() + delayMs);
  }

  /** Names the better known reason: a restart that was announced, or a browser that is offline. */
  #report(state, retryAtMs) {
    const now = performance.now();
    const known = state === "full" ? state : now < this.#restartingUntil ? "restarting" : navigator.onLine ? state : "offline";
    this.#onState(known, { retryAtMs });
  }
}
