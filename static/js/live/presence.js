/** Whether somebody can see the page, and keeping the screen awake while they watch. */

const CAMERA_OFF_MS = 60000;

/** Reports when the page is hidden, shown again, hidden for long, or left. */
export class Presence {
  #listeners;
  #timer = 0;
  #hiddenMs = 0;
  #listening = new AbortController();
  #lock = null;

  /**
   * @param {{onHidden: () => void, onShown: (hiddenForMs: number) => void, onLongHidden: () => void, onLeave: () => void}} listeners
   */
  constructor(listeners) {
    this.#listeners = listeners;
    const { signal } = this.#listening;
    document.addEventListener("visibilitychange", () => this.#changed(), { signal });
    addEventListener("pagehide", () => listeners.onLeave(), { signal });
  }

  stop() {
    clearTimeout(this.#timer);
    this.#listening.abort();
    this.rest();
  }

  /** Keeps the screen on; the browser lets go by itself when the page is hidden. */
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
