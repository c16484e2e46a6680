/** Detects whether the camera panel is visible, and keeps the screen on meanwhile. */

const CAMERA_OFF_MS = 60000;

/** Reports when the page is hidden, shown again, hidden for long, or left. */
export class Presence {
  #listeners;
  #timer = 0;
  #hiddenMs = 0;
  #lock = null;
  #title = "";

  /**
   * @param {{onHidden: () => void, onShown: (hiddenForMs: number) => void, onLongHidden: () => void, onLeave: () => void}} listeners
   */
  constructor(listeners) {
    this.#listeners = listeners;
    document.addEventListener("visibilitychange", () => this.#changed());
    addEventListener("pagehide", () => listeners.onLeave());
  }

  /** Another panel is shown; after a while this counts as hidden for long. */
  away() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#listeners.onLongHidden(), CAMERA_OFF_MS);
  }

  back() {
    clearTimeout(this.#timer);
  }

  /** Replaces the page's title by a sentence; null restores it. @param {string | null} text */
  retitle(text) {
    if (text === null && this.#title) document.title = this.#title;
    if (text !== null && !this.#title) this.#title = document.title;
    if (text === null) this.#title = "";
    else document.title = text;
  }

  /** Keeps the screen on; the browser ends this when the page is hidden. */
  async keepAwake() {
    if (this.#lock || document.hidden) return;
    try {
      this.#lock = (await navigator.wakeLock?.request("screen")) ?? null;
      this.#lock?.addEventListener("release", () => (this.#lock = null));
    } catch {
      // Low battery or no such feature: the screen may dim, nothing else changes.
    }
  }

  rest() {
    this.#lock?.release();
    this.#lock = null;
  }

  #changed() {
    clearTimeout(this.#timer);
    if (document.hidden) {
      this.#hiddenMs = performance.now();
      this.#timer = setTimeout(() => this.#listeners.onLongHidden(), CAMERA_OFF_MS);
      this.#listeners.onHidden();
    } else {
      this.#listeners.onShown(performance.now() - this.#hiddenMs);
    }
  }
}
