/**
 * Which state the live page is in. Parts report facts; `stageState` alone decides what they amount to, so that every
 * state has one name, one sentence and one test.
 */

/**
 * @typedef {object} Facts
 * @property {"ok" | "insecure" | "in-app" | "unsupported"} support
 * @property {"off" | "asking" | "dismissed" | "denied" | "denied-system" | "none" | "busy" | "starting" | "tap" | "on" |
 *   "unplugged" | "muted" | "error"} camera
 * @property {"off" | "connecting" | "open" | "full" | "lost" | "reconnecting" | "offline" | "restarting" | "outdated"} link
 * @property {boolean} wanted the person turned the camera on and has not turned it off
 * @property {boolean} paused
 * @property {boolean} hidden
 * @property {boolean} failed something else went wrong
 * @property {string | null} advice see `Advisor`
 */

/** @type {Facts} */
export const INITIAL = Object.freeze({
  support: "ok", camera: "off", link: "off", wanted: false, paused: false, hidden: false, failed: false, advice: null,
});

/**
 * @param {Facts} facts
 * @returns {string} the value of data-state
 */
export function stageState(facts) {
  if (facts.support !== "ok") return facts.support;
  if (facts.hidden && facts.wanted) return "hidden";
  if (facts.camera === "off") return "first";
  if (facts.camera !== "on") return facts.camera;
  if (facts.link === "outdated" || facts.link === "offline") return facts.link;
  if (facts.paused) return "paused";
  if (facts.link === "off") return "connecting";
  if (facts.link !== "open") return facts.link;
  if (facts.failed) return "error";
  return facts.advice ?? "live";
}

/**
 * How a state looks and what it offers. `cover` takes the place of the picture, `banner` stands on it, `line` stands
 * below it and never covers it. Every blocking state also offers a photo instead.
 * @type {Record<string, {look: "cover" | "banner" | "line", actions: string[], alert?: boolean}>}
 */
export const STATES = Object.freeze({
  first: { look: "cover", actions: ["start", "example"] },
  asking: { look: "cover", actions: ["cancel", "photo"] },
  dismissed: { look: "cover", actions: ["again", "photo"], alert: true },
  denied: { look: "cover", actions: ["retry", "photo"], alert: true },
  "denied-system": { look: "cover", actions: ["retry", "photo"], alert: true },
  none: { look: "cover", actions: ["retry", "photo"], alert: true },
  busy: { look: "cover", actions: ["retry", "other", "photo"], alert: true },
  insecure: { look: "cover", actions: ["https", "photo"], alert: true },
  "in-app": { look: "cover", actions: ["copy", "photo"], alert: true },
  unsupported: { look: "cover", actions: ["copy", "photo"], alert: true },
  starting: { look: "cover", actions: ["other", "photo"] },
  tap: { look: "cover", actions: ["tap", "photo"] },
  unplugged: { look: "cover", actions: ["retry", "other", "photo"], alert: true },
  muted: { look: "banner", actions: ["other", "photo"] },
  connecting: { look: "line", actions: [] },
  full: { look: "banner", actions: ["now", "photo"], alert: true },
  lost: { look: "banner", actions: ["reconnect", "photo"], alert: true },
  reconnecting: { look: "banner", actions: ["now", "photo"] },
  offline: { look: "banner", actions: ["now", "photo"], alert: true },
  restarting: { look: "banner", actions: ["photo"] },
  outdated: { look: "banner", actions: ["reload"] },
  paused: { look: "banner", actions: ["resume", "off"] },
  hidden: { look: "banner", actions: [] },
  error: { look: "banner", actions: ["retry", "photo"], alert: true },
  live: { look: "line", actions: [] },
  nobody: { look: "line", actions: [] },
  dark: { look: "line", actions: [] },
  small: { look: "line", actions: [] },
  "busy-server": { look: "line", actions: [] },
  returned: { look: "line", actions: [] },
});

/**
 * What a getUserMedia failure means.
 * @param {{name: string, message?: string}} error
 * @param {string} permission "granted", "prompt", "denied" or "unknown" at the time of the failure
 * @returns {"dismissed" | "denied" | "denied-system" | "none" | "busy" | "error"}
 */
export function cameraProblem(error, permission) {
  switch (error.name) {
    case "NotAllowedError":
    case "PermissionDeniedError":
      if (/system/i.test(error.message ?? "")) return "denied-system";
      return permission === "prompt" ? "dismissed" : "denied";
    case "NotFoundError":
    case "DevicesNotFoundError":
      return "none";
    case "NotReadableError":
    case "TrackStartError":
    case "AbortError":
      return "busy";
    default:
      return "error";
  }
}

/**
 * @param {{isSecureContext: boolean, hasMediaDevices: boolean, userAgent: string}} surroundings
 * @returns {"ok" | "insecure" | "in-app" | "unsupported"}
 */
export function cameraSupport({ isSecureContext, hasMediaDevices, userAgent }) {
  if (!isSecureContext) return "insecure";
  if (hasMediaDevices) return "ok";
  return /FBAN|FBAV|Instagram|LinkedInApp|MicroMessenger|Line\/|; wv\)/.test(userAgent) ? "in-app" : "unsupported";
}

/**
 * Whose steps to show when the camera is blocked.
 * @param {string} userAgent
 * @param {boolean} bySystem the operating system refuses, not the site's permission
 * @returns {string} a key of the catalogue's `steps`
 */
export function stepsFor(userAgent, bySystem) {
  const phone = /Android/.test(userAgent) ? "android" : /iPhone|iPad/.test(userAgent) ? "ios" : null;
  if (phone) return phone;
  if (bySystem) return /Windows/.test(userAgent) ? "windows" : /Mac OS X/.test(userAgent) ? "mac" : "linux";
  if (/Firefox\//.test(userAgent)) return "firefox";
  return /Safari\//.test(userAgent) && !/Chrom(e|ium)\//.test(userAgent) ? "safari" : "chromium";
}

const DELAYS_MS = { nobody: 1500, dark: 2000, small: 1500, "busy-server": 3000 };
const NOBODY_LATE_MS = 5000;
const LINGER_MS = 1000;

/** One piece of advice at a time, shown after its cause has lasted, gone a second after its cause. */
export class Advisor {
  #since = new Map();
  #shown = null;
  #lastTrueMs = 0;

  /**
   * @param {Record<"nobody" | "dark" | "small" | "busy-server", boolean>} causes
   * @param {number} nowMs
   * @returns {{advice: string | null, late: boolean}} `late`: nobody has been in view for five seconds
   */
  update(causes, nowMs) {
    for (const name of Object.keys(DELAYS_MS)) {
      if (!causes[name]) this.#since.delete(name);
      else if (!this.#since.has(name)) this.#since.set(name, nowMs);
    }
    const due = Object.keys(DELAYS_MS).filter((name) => nowMs - (this.#since.get(name) ?? nowMs) >= DELAYS_MS[name]);
    if (this.#shown && causes[this.#shown]) this.#lastTrueMs = nowMs;
    // Darkness explains an empty picture, so it goes first.
    const next = ["dark", "nobody", "small", "busy-server"].find((name) => due.includes(name)) ?? null;
    if (next && (!this.#shown || !causes[this.#shown] || next === "dark")) {
      this.#shown = next;
      this.#lastTrueMs = nowMs;
    } else if (this.#shown && nowMs - this.#lastTrueMs >= LINGER_MS) {
      this.#shown = null;
    }
    const nobodySince = this.#since.get("nobody") ?? nowMs;
    return { advice: this.#shown, late: this.#shown === "nobody" && nowMs - nobodySince >= NOBODY_LATE_MS };
  }

  reset() {
    this.#since.clear();
    this.#shown = null;
  }
}
