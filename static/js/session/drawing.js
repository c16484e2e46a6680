/** The timeline's two canvases, in the colours of the theme: ribbons of several faces, or the lines of one. */
import { prepare } from "../faces/marks.js";
import { drawLines } from "./lines.js";
import { Paint } from "./paint.js";
import { drawRibbons } from "./ribbons.js";
import { onPixels } from "./scale.js";
import { share } from "./words.js";

/**
 * @typedef {object} Moment what is visible
 * @property {import("./history.js").History} history
 * @property {{fromS: number, toS: number}} edges of the window
 * @property {number | null} cursorS null while it follows the end
 */

export class Drawing {
  #parts;
  #page;
  #paint;

  /**
   * @param {HTMLElement} root of the timeline
   * @param {{ribbons: HTMLCanvasElement, lines: HTMLCanvasElement}} parts
   * @param {{t: Function, language: string, labels: object}} page with the session's sentences
   * @param {() => void} onTheme the colours have changed
   */
  constructor(root, parts, page, onTheme) {
    this.#parts = parts;
    this.#page = page;
    this.#paint = new Paint(root, onTheme);
  }

  close() {
    this.#paint.remove();
  }

  /**
   * @param {import("./history.js").Track[]} tracks from top to bottom
   * @param {Moment & {rowPx: number, fitsContent: boolean} & Pick<import("./ribbons.js").Scene, "recorded" | "excluded" | "markers">} scene
   *   `fitsContent`: the canvas is as high as its ribbons
   */
  ribbons(tracks, { history, fitsContent, edges, ...scene }) {
    const canvas = this.#parts.ribbons;
    if (fitsContent) canvas.style.setProperty("height", `${tracks.length * scene.rowPx}px`);
    else canvas.style.removeProperty("height");
    const context = prepare(canvas);
    const { clientWidth: width, clientHeight: height } = canvas;
    if (!width) return;
    const look = { styleOf: this.#styles(history), word: (key) => this.#page.t(key) };
    drawRibbons(context, width, height, { ...scene, ...look, tracks, gaps: history.gaps, endS: history.endS, edges: onPixels(edges, width) }, this.#paint);
  }

  /** @param {import("./history.js").Track | undefined} track @param {Moment} moment */
  lines(track, { history, edges }) {
    const context = prepare(this.#parts.lines);
    const { clientWidth: width, clientHeight: height } = this.#parts.lines;
    if (!width || !track) return;
    drawLines(context, width, height, {
      track, edges, names: history.labels.map((label) => this.#page.t(`emotion.${label}`)), styleOf: this.#styles(history),
      percent: (value) => share(this.#page.language, value),
    }, this.#paint);
  }

  /** @returns {(key: number) => string} an emotion's style by the index of its label */
  #styles({ labels }) {
    return (key) => this.#page.labels.styleOf(labels[key]);
  }
}
