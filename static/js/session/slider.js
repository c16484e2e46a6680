/** The native slider under the timeline: it says in words what the drawings show, to screen readers too. */
import { write } from "../shared/dom.js";
import { clock } from "./scale.js";
import { momentText } from "./words.js";

/** A film shorter than this is moved through in tenths of a second. */
const FINE_BELOW_S = 60;
const FINE_STEP_S = 0.1;
/** While it follows the end of a running session, its words change at most this often. */
const CALM_MS = 5000;

export class Slider {
  #range;
  #now;
  #page;
  #saidMs = 0;

  /**
   * @param {{range: HTMLInputElement, now: HTMLOutputElement}} parts of the timeline
   * @param {{t: Function, language: string}} page with the session's sentences
   */
  constructor({ range, now }, page) {
    this.#range = range;
    this.#now = now;
    this.#page = page;
  }

  /** Moves it after a key, whose own step may be finer. @param {number} seconds from the start */
  move(seconds) {
    this.#range.value = String(seconds);
  }

  /**
   * @param {import("./history.js").History} history
   * @param {{cursorS: number | null, isRunning: boolean}} view `cursorS` null: it follows the end
   * @param {(id: number) => string} nameOf a face
   */
  show(history, { cursorS, isRunning }, nameOf) {
    const range = this.#range;
    const { startS, endS } = history;
    const isFollowing = cursorS === null;
    // The end of a short film is not on a whole second.
    const stepS = !isRunning && endS - startS < FINE_BELOW_S ? FINE_STEP_S : 1;
    range.step = String(stepS);
    range.max = String(Math.max(1, Math.floor((endS - startS) / stepS) * stepS));
    const text = momentText(history, isFollowing ? Math.max(startS, endS - 0.05) : cursorS, nameOf, this.#page);
    write(this.#now, isFollowing ? clock(endS - startS) : text);
    if (isFollowing) range.value = range.max;
    else if (document.activeElement !== range) range.value = String(cursorS - startS);
    // A person who moves it hears it at once; otherwise it speaks only now and then.
    if (isFollowing && document.activeElement === range && performance.now() - this.#saidMs < CALM_MS) return;
    this.#saidMs = performance.now();
    range.setAttribute("aria-valuetext", text);
  }
}
