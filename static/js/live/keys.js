/** Single-key shortcuts, with one switch to turn them off. */

const FIELDS = "input, select, textarea, [contenteditable]";
const STANDING_ON = "button:focus-visible, a:focus-visible, summary:focus-visible";

/** Calls the handler of a pressed key while enabled and while nobody types or stands on a button. */
export class Shortcuts {
  #handlers;
  #listening = null;

  /** @param {Record<string, (key: string) => void>} handlers by lower-case `KeyboardEvent.key`; "digit" gets 1–9 */
  constructor(handlers) {
    this.#handlers = handlers;
  }

  start() {
    if (this.#listening) return;
    this.#listening = new AbortController();
    addEventListener("keydown", (event) => this.#pressed(event), { signal: this.#listening.signal });
  }

  stop() {
    this.#listening?.abort();
    this.#listening = null;
  }

  #pressed(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || event.defaultPrevented) return;
    const focused = document.activeElement;
    if (focused?.matches(FIELDS) || focused?.matches(STANDING_ON) || document.querySelector("dialog[open]")) return;
    const key = event.key.toLowerCase();
    const handler = this.#handlers[/^[1-9]$/.test(key) ? "digit" : key];
    if (!handler) return;
    event.preventDefault();
    // A button that was clicked keeps the focus and would take Space as well.
    if (key === " ") focused?.blur?.();
    handler(key);
  }
}
