/**
 * The state of the live page. Parts report facts, and only `stageState` derives the state from them. So every state has
 * one name, one message and one test.
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
 * @property {boolean} away another panel of the page is shown
 * @property {boolean} failed the server answered with an error
 * @property {string | null} advice see `Advice` of advice.js
 */

/** @type {Facts} */
export const INITIAL = Object.freeze({
  support: "ok", camera: "off", link: "off", wanted: false, paused: false, hidden: false, away: false, failed: false, advice: null,
});

/** Whether pictures are sent and read. @param {Facts} facts */
export const isReading = ({ wanted, camera, link, paused, hidden, away }) =>
  wanted && camera === "on" && link === "open" && !paused && !hidden && !away;

/**
 * The activity of the camera, for the timeline.
 * @param {Facts} facts
 * @returns {import("../faces/reading.js").Activity["kind"]}
 */
export function activityOf(facts) {
  if (isReading(facts)) return "reading";
  if (!facts.wanted) return "stopped";
  if (facts.hidden) return "hidden";
  if (facts.paused || facts.away) return "paused";
  if (facts.link === "restarting") return "restarted";
  return ["lost", "reconnecting", "offline", "full"].includes(facts.link) ? "offline" : "paused";
}

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
  if (facts.failed) return "failed";
  return facts.advice ?? "live";
}

/**
 * How a state looks and what it offers. `cover` replaces the picture, `banner` lies on it, `line` is
 * below it and never covers it. A blocking state also offers a photo instead, while there is a server to read it.
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
  lost: { look: "banner", actions: ["reconnect"], alert: true },
  reconnecting: { look: "banner", actions: ["now"] },
  offline: { look: "banner", actions: ["now"], alert: true },
  restarting: { look: "banner", actions: [] },
  outdated: { look: "banner", actions: ["reload"] },
  paused: { look: "banner", actions: ["resume", "off"] },
  hidden: { look: "banner", actions: [] },
  error: { look: "cover", actions: ["retry", "photo"], alert: true },
  failed: { look: "line", actions: [], alert: true },
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
 * Which instructions to show when the camera is blocked.
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
