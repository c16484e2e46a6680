/**
 * Measures the path to the server: the round trip of the empty path by small echoes, the uplink's bandwidth by the time
 * that a frame takes beyond that round trip and the server's own work, and the time that frames wait behind others.
 * Pure: measurements and times come in.
 */
import { quantile } from "../shared/format.js";

const ECHO_WINDOW_MS = 10_000;
const SAMPLES = 15;
const LEAST_DELAYED = 0.8;
/** Shorter times are below the resolution of the clock and the scheduler and tell nothing about the uplink. */
const GRAIN_MS = 3;
/** An answer that is later than on an empty path by more than this is caused by a stall, not by the bandwidth. */
const STALL_MS = 900;
/** A server that takes longer than this has a queue of its own. */
const SERVER_MS = 100;

export class PathMeter {
  #ackMs = 50;
  #serverMs = 10;
  #queueMs = 0;
  #echoes = [];
  #fallbackMs = Infinity;
  #bandwidths = [];

  /** Smoothed milliseconds from send to answer. */
  get ackMs() {
    return this.#ackMs;
  }

  /** Smoothed milliseconds that the server takes. */
  get serverMs() {
    return this.#serverMs;
  }

  /** Smoothed milliseconds that frames wait behind others, in the network or in the server. */
  get queueMs() {
    return this.#queueMs;
  }

  /** Round trip of the empty path in ms, the shortest seen lately: others' pictures delay an echo too. NaN while unknown. */
  get roundTripMs() {
    if (!this.#echoes.length) return Number.isFinite(this.#fallbackMs) ? this.#fallbackMs : NaN;
    return Math.min(...this.#echoes.map(({ ms }) => ms));
  }

  get isMeasured() {
    return this.#bandwidths.length > 0;
  }

  /** Bytes a second that the uplink carries, by the frames that jitter delayed least; Infinity while unknown. */
  get bandwidth() {
    return this.isMeasured ? quantile(this.#bandwidths, LEAST_DELAYED) : Infinity;
  }

  /** A small message came back. */
  echoed(ms, nowMs) {
    this.#echoes = this.#echoes.filter((echo) => nowMs - echo.atMs < ECHO_WINDOW_MS);
    this.#echoes.push({ ms, atMs: nowMs });
  }

  /**
   * A frame was answered.
   * @param {{ackMs: number, serverMs: number, bytes: number}} frame from send to answer, of that in the server, and its size
   * @returns {number} how long it waited behind others, in ms
   */
  answered({ ackMs, serverMs, bytes }) {
    this.#ackMs += 0.2 * (ackMs - this.#ackMs);
    this.#serverMs += 0.2 * (serverMs - this.#serverMs);
    this.#fallbackMs = Math.min(this.#fallbackMs * 1.01, Math.max(0, ackMs - serverMs));
    const travelMs = Math.max(0, ackMs - serverMs - this.roundTripMs);
    if (travelMs < STALL_MS) {
      this.#bandwidths.push((1000 * bytes) / Math.max(GRAIN_MS, travelMs));
      if (this.#bandwidths.length > SAMPLES) this.#bandwidths.shift();
    }
    const waitedMs = Math.max(0, travelMs - (1000 * bytes) / this.bandwidth) + Math.max(0, serverMs - SERVER_MS);
    this.#queueMs += 0.3 * (Math.min(waitedMs, STALL_MS) - this.#queueMs);
    return waitedMs;
  }

  /** The path changed (another network, a new connection): discards the measurements of the old one. */
  forget() {
    this.#echoes = [];
    this.#bandwidths = [];
    this.#fallbackMs = Infinity;
    this.#queueMs = 0;
  }
}
