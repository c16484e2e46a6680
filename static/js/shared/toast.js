/** Short notes that something was done, gone after a few seconds or with a click; screen readers hear them. */
import { element } from "./page.js";
import { make } from "./dom.js";

const LASTS_MS = 6000;
/** An older note makes room for a newer one. */
const MOST = 2;

/**
 * @param {string} text the same text replaces its note
 * @param {...HTMLElement} actions buttons or links in the note, which then stays twice as long
 * @returns {HTMLElement} the note, to remove it earlier
 */
export function toast(text, ...actions) {
  const others = [...element("toasts").querySelectorAll(".toast:not(.toast--stays)")];
  const same = others.findIndex((other) => other.firstChild.textContent === text);
  if (same >= 0) others.splice(same, 1)[0].remove();
  while (others.length >= MOST) others.shift().remove();
  const note = make("div", "toast");
  note.append(make("p", "toast__text", text), ...actions);
  if (!actions.length) note.addEventListener("click", () => note.remove());
  element("toasts").append(note);
  setTimeout(() => note.remove(), LASTS_MS * (actions.length ? 2 : 1));
  return note;
}
