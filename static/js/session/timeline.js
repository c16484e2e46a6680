/** The time axis of a session: ribbons or lines, a slider, and the choice of the visible window. */
import { Drag } from "./drag.js";
import { Drawing } from "./drawing.js";
import { linesHeight } from "./lines.js";
import { RibbonRows } from "./ribbon_rows.js";
import { WINDOWS_S, edges } from "./scale.js";
import { Slider } from "./slider.js";
import { fillTable } from "./table.js";
import { buildTimeline, chooseWindow, showControls } from "./timeline_dom.js";

/** Shortest session for which the timeline is shown. */
export const SHOWN_FROM_S = 5;
const REDRAW_MS = 250;
const CALM_REDRAW_MS = 1000;

/**
 * @typedef {object} TimelineOptions
 * @property {(id: number) => string} nameOf a face
 * @property {() => number | null} now the session's clock in s while it runs, null while it does not
 * @property {(timeS: number | null) => void} [onLook] the cursor moved; null: it follows the end again
 * @property {(range: import("./recording.js").Range) => void} [onExclude] a range was drawn with Shift; without it nothing can be excluded
 * @property {(id: number) => void} [onSelect]
 * @property {() => number} shownFromS length of the session from which on the timeline is shown
 */

export class Timeline {
  #root;
  #page;
  #options;
  #history;
  #drawing;
  #view = { windowS: WINDOWS_S[1], cursorS: null };
  #rows = new RibbonRows();
  #showsLines = false;
  #timer = 0;
  #drag;
  #observer = new ResizeObserver(() => this.draw());
  #parts;
  #slider;
  #calm = matchMedia("(prefers-reduced-motion: reduce)");

  /** @type {number | null} the face whose lines are shown */
  selected = null;
  /** Ranges and markers over the ribbons; the recorder changes them. */
  marks = { recorded: null, excluded: [], markers: [] };

  /**
   * @param {HTMLElement} root a section with a label
   * @param {{t: Function, language: string}} page with the session's sentences
   * @param {import("./history.js").History} history
   * @param {TimelineOptions} options
   */
  constructor(root, page, history, options) {
    this.#root = root;
    this.#page = page;
    this.#history = history;
    this.#options = options;
    this.#parts = buildTimeline(root, page, {
      range: (seconds) => this.look(this.#history.startS + seconds), key: (event) => this.#keyed(event),
      window: (seconds) => this.#choose({ windowS: seconds }), live: () => this.look(null), fold: () => this.#fold(),
      lines: () => this.#toggleLines(), table: () => this.#openTable(),
    });
    this.#slider = new Slider(this.#parts, page);
    chooseWindow(this.#parts, this.#view.windowS);
    this.#drag = new Drag(this.#parts.ribbons, {
      edges: () => (Number.isNaN(this.#history.startS) ? null : this.#edges()), mayDraw: () => Boolean(options.onExclude),
      look: (timeS) => this.look(timeS), press: (y) => this.#selectAt(y), drawn: (range) => options.onExclude(range), change: () => this.draw(),
    });
    this.#observer.observe(this.#parts.view);
    this.#drawing = new Drawing(root, this.#parts, page, () => this.draw());
  }

  start() {
    if (this.#timer) return;
    const beat = () => {
      this.draw();
      this.#timer = setTimeout(beat, this.#calm.matches ? CALM_REDRAW_MS : REDRAW_MS);
    };
    beat();
  }

  /** Ends every timer and takes the timeline off the page. */
  close() {
    clearTimeout(this.#timer);
    this.#observer.disconnect();
    this.#drawing.close();
    this.#root.replaceChildren();
    this.#root.dataset.state = "empty";
  }

  /** Shows another history. @param {import("./history.js").History} history @param {{isFinished?: boolean}} [options] all of it at once */
  show(history, { isFinished = false } = {}) {
    this.#history = history;
    this.#choose({ windowS: isFinished ? 0 : WINDOWS_S[1], cursorS: null });
    chooseWindow(this.#parts, this.#view.windowS);
  }

  /** Room for the recorder's own buttons. @returns {HTMLElement} */
  get tools() {
    return this.#parts.tools;
  }

  /** Time of the cursor, or of the end while following. */
  get cursorS() {
    return this.#view.cursorS ?? this.#history.endS;
  }

  get isFollowing() {
    return this.#view.cursorS === null;
  }

  // Actions of the person

  /** Moves the cursor. @param {number} seconds */
  step(seconds) {
    if (!Number.isNaN(this.#history.startS)) this.look(this.cursorS + seconds);
  }

  /** @param {number | null} timeS null follows the end again */
  look(timeS) {
    const { startS, endS } = this.#history;
    const kept = timeS === null ? null : Math.min(Math.max(timeS, startS), endS);
    // At the end of a running session, the cursor follows again.
    this.#view.cursorS = kept !== null && kept >= endS && this.#options.now() !== null ? null : kept;
    this.#options.onLook?.(this.#view.cursorS);
    this.draw();
  }

  #choose(view) {
    Object.assign(this.#view, view);
    this.draw();
  }

  #fold() {
    this.#rows.isExpanded = !this.#rows.isExpanded;
    this.draw();
  }

  #toggleLines() {
    this.#showsLines = !this.#showsLines;
    this.draw();
  }

  #selectAt(offsetY) {
    const track = this.#tracks()[Math.floor(offsetY / this.#rowPx())];
    if (track) this.#options.onSelect?.(track.id);
  }

  #openTable() {
    fillTable(this.#parts.table, this.#history, this.#edges(), this.#options.nameOf, this.#page);
    this.#parts.tableBox.showPopover();
  }

  #keyed(event) {
    const step = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1 }[event.key];
    if (!step) return;
    event.preventDefault(); // the slider's own step may be finer
    this.step(step * (event.shiftKey ? 10 : 1));
    this.#slider.move(this.cursorS - this.#history.startS);
  }

  // Drawing

  #edges() {
    return this.#drag.edges ?? edges({ ...this.#view, startS: this.#history.startS, endS: this.#history.endS });
  }

  #rowPx() {
    return this.#rows.heightPx(this.#parts.view.clientHeight, this.#history.tracks().length);
  }

  #tracks() {
    return this.#rows.visible(this.#history.tracks(), this.#edges(), this.selected);
  }

  /** Draws what the history holds now. */
  draw() {
    const now = this.#options.now();
    if (now !== null) this.#history.reach(now);
    const { startS, endS } = this.#history;
    const shownFromS = this.#options.shownFromS();
    const lived = Number.isNaN(startS) ? 0 : endS - startS;
    this.#root.dataset.state = lived >= shownFromS ? "shown" : "empty";
    if (lived < shownFromS) return;
    const tracks = this.#tracks();
    const mode = this.#rows.isWide ? "both" : this.#showsLines ? "lines" : "ribbons";
    this.#root.dataset.mode = mode;
    this.#root.style.setProperty("--lines-height", `${linesHeight(this.#history.labels.length)}px`);
    this.#root.classList.toggle("timeline--expanded", this.#rows.isExpanded);
    showControls(this.#parts, this.#page, {
      mode, isFollowing: this.isFollowing, isRunning: now !== null, isExpanded: this.#rows.isExpanded,
      folded: this.#history.tracks().length - tracks.length, rowPx: this.#rowPx(),
      names: tracks.map(({ id }) => ({ name: this.#options.nameOf(id), isSelected: id === this.selected })),
    });
    const moment = { history: this.#history, edges: this.#edges(), cursorS: this.#view.cursorS };
    if (mode !== "lines") {
      const { excluded, ...marks } = this.marks;
      const height = { rowPx: this.#rowPx(), fitsContent: this.#rows.fitsContent };
      this.#drawing.ribbons(tracks, { ...moment, ...height, ...marks, excluded: this.#drag.range ? [...excluded, this.#drag.range] : excluded });
    }
    if (mode !== "ribbons") this.#drawing.lines(this.#history.tracks().find(({ id }) => id === this.selected) ?? tracks[0], moment);
    this.#slider.show(this.#history, { cursorS: this.#view.cursorS, isRunning: now !== null }, this.#options.nameOf);
  }
}
