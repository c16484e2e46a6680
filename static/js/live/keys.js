/** Single-key shortcuts, with one switch to turn them off. */

const FIELDS = "input:not([type=range], [type=checkbox], [type=radio]), select, textarea, [contenteditable]";
const BUTTONS = "button, a, summary, input";

/**
 * Calls the handler of a pressed key while the switch is on, and while neither a text field nor a button has the focus.
 * "?", which opens the list of shortcuts, also works on a button.
 */
export class Shortcuts {
  #settings;
  #handlers = new Map();
  #panel = "camera";
  /** Whether the Tab key moved the focus last. Keys belong to the focused button only then. */
  #isTabbing = false;

  /** @param {import("../shared/page.js").Settings} settings with the switch "shortcuts" */
  constructor(settings) {
    this.#settings = settings;
    addEventListener("keydown", (event) => this.#pressed(event));
    addEventListener("pointerdown", () => (this.#isTabbing = false));
  }

  /**
   * @param {string} panel in which they work; "every" for all
   * @param {Record<string, (key: string) => void>} handlers by lower-case `KeyboardEvent.key`; "digit" gets 1–9
   */
  add(panel, handlers) {
    this.#handlers.set(panel, { ...this.#handlers.get(panel), ...handlers });
  }

  /** Another panel is shown. @param {string} panel */
  turnTo(panel) {
    this.#panel = panel;
  }

  #pressed(event) {
    if (event.key === "Tab") this.#isTabbing = true;
    if (!this.#settings.get("shortcuts")) return;
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || event.defaultPrevented) return;
    const focused = document.activeElement;
    if (focused?.matches(FIELDS) || document.querySelector("dialog[open]")) return;
    const key = event.key.toLowerCase();
    if (key !== "?" && this.#isTabbing && focused?.matches(BUTTONS)) return;
    const name = /^[1-9]$/.test(key) ? "digit" : key;
    const handler = this.#handlers.get(this.#panel)?.[name] ?? this.#handlers.get("every")?.[name];
    if (!handler) return;
    event.preventDefault();
    // A button that was clicked keeps the focus and would take Space as well.
    if (key === " ") focused?.blur?.();
    handler(key);
  }
}
