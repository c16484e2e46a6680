/** A short note that something was done, gone after a few seconds; screen readers hear it. */
import { element } from "./page.js";
import { make } from "./dom.js";

const LASTS_MS = 6000;

/**
 * @param {string} text
 * @param {...HTMLElement} actions buttons or links in the note, which then stays twice as long
 * @returns {HTMLElement} the note, to remove it earlier
 */
export function toast(text, ...actions) {
  const note = make("div", "toast");
  note.append(make("p", "toast__text", text), ...actions);
  element("toasts").append(note);
  setTimeout(() => note.remove(), LASTS_MS * (actions.length ? 2 : 1));
  return note;
}
