/** The time axis of a session: ribbons or lines, a slider, and the choice of what is in sight. */
import { make, write } from "../shared/dom.js";
import { drawLines } from "./lines.js";
import { Paint } from "./paint.js";
import { drawRibbons } from "./ribbons.js";
import { WINDOWS_S, clock, edges, onPixels, timeAt } from "./scale.js";
import { fillTable } from "./table.js";
import { momentText, share } from "./words.js";

const WINDOW_NAMES = { 30: "timeline.window_30", 120: "timeline.window_120", 0: "timeline.window_0" };
/** Nothing is shown before this much has been lived through. */
const SHOWN_FROM_S = 5;
const REDRAW_MS = 250;
const CALM_REDRAW_MS = 1000;
const ROW_PX = 28;
const WIDE = "(min-width: 1920px)";
const PHONE = "(max-width: 599px)";
const ROWS = { wide: 8, desk: 4, phone: 2 };
const PHONE_ROW_PX = 36;
const WIDE_ROW_PX = 40;
const DRAGGED_PX = 4;

/**
 * @typedef {object} TimelineOptions
 * @property {(id: number) => string} nameOf a face
 * @property {() => number | null} now the session's clock in s while it runs, null while it does not
 * @property {(timeS: number | null) => void} [onLook] one looks at a moment; null: at the end again
 * @property {(range: import("./recording.js").Range) => void} [onExclude] a range was drawn with Shift; without it nothing can be excluded
 * @property {(id: number) => void} [onSelect]
 */

export class Timeline {
  #root;
  #page;
  #options;
  #history;
  #paint;
  #view = { windowS: WINDOWS_S[1], cursorS: null };
  #mode = "ribbons";
  #isExpanded = false;
  #timer = 0;
  #saidMs = 0;
  #drag = null;
  #listening = new AbortController();
  #parts = {};
  #media = { wide: matchMedia(WIDE), phone: matchMedia(PHONE), calm: matchMedia("(prefers-reduced-motion: reduce)") };

  /** @type {number | null} the face whose lines are shown */
  selected = null;
  /** What lies over the ribbons; the recorder changes it. */
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
    this.#build();
    this.#paint = new Paint(root);
  }

  start() {
    if (this.#timer) return;
    const beat = () => {
      this.draw();
      this.#timer = setTimeout(beat, this.#media.calm.matches ? CALM_REDRAW_MS : REDRAW_MS);
    };
    beat();
  }

  /** Ends every timer and takes the timeline off the page. */
  close() {
    clearTimeout(this.#timer);
    this.#listening.abort();
    this.#root.replaceChildren();
    this.#root.dataset.state = "empty";
  }

  /** Shows another history. @param {import("./history.js").History} history @param {{isFinished?: boolean}} [options] all of it at once */
  show(history, { isFinished = false } = {}) {
    this.#history = history;
    this.#view = { windowS: isFinished ? 0 : WINDOWS_S[1], cursorS: null };
    for (const radio of this.#parts.windows.querySelectorAll("input")) radio.checked = Number(radio.value) === this.#view.windowS;
    this.draw();
  }

  /** Room for the recorder's own buttons. @returns {HTMLElement} */
  get tools() {
    return this.#parts.tools;
  }

  /** The moment one looks at: the end while following. */
  get cursorS() {
    return this.#view.cursorS ?? this.#history.endS;
  }

  get isFollowing() {
    return this.#view.cursorS === null;
  }

  // What people do

  /** Moves the moment one looks at. @param {number} seconds */
  step(seconds) {
    if (!Number.isNaN(this.#history.startS)) this.look(this.cursorS + seconds);
  }

  /** @param {number | null} timeS null follows the end again */
  look(timeS) {
    const { startS, endS } = this.#history;
    const kept = timeS === null ? null : Math.min(Math.max(timeS, startS), endS);
    // At the end of something that runs, one follows again.
    this.#view.cursorS = kept !== null && kept >= endS && this.#options.now() !== null ? null : kept;
    this.#options.onLook?.(this.#view.cursorS);
    this.draw();
  }

  #build() {
    const { t } = this.#page;
    const { signal } = this.#listening;
    const on = (target, event, listener) => target.addEventListener(event, listener, { signal });
    const parts = this.#parts;
    parts.names = make("div", "timeline__names");
    parts.names.setAttribute("aria-hidden", "true");
    parts.ribbons = make("canvas", "timeline__canvas");
    parts.ribbons.setAttribute("aria-hidden", "true");
    parts.lines = make("canvas", "timeline__canvas timeline__canvas--lines");
    parts.lines.setAttribute("aria-hidden", "true");
    const view = (parts.view = make("div", "timeline__view"));
    view.append(parts.names, parts.ribbons, parts.lines);

    parts.range = Object.assign(make("input", "timeline__range"), { type: "range", min: "0", step: "1" });
    parts.range.setAttribute("aria-label", t("timeline.slider"));
    on(parts.range, "input", () => this.look(this.#history.startS + Number(parts.range.value)));
    on(parts.range, "keydown", (event) => this.#keyed(event));
    parts.now = make("output", "timeline__now");
    parts.now.setAttribute("aria-hidden", "true");
    parts.windows = this.#segments();
    parts.live = this.#button("timeline.live", () => this.look(null));
    parts.fold = this.#button("timeline.show_lines", () => {
      this.#isExpanded = !this.#isExpanded;
      this.draw();
    });
    parts.linesToggle = this.#button("timeline.show_lines", () => {
      this.#mode = this.#mode === "lines" ? "ribbons" : "lines";
      this.draw();
    });
    parts.tools = make("div", "timeline__tools");
    parts.tableButton = this.#button("timeline.show_table", () => this.#openTable());
    const foot = make("div", "timeline__foot");
    foot.append(parts.range, parts.now, parts.live, parts.tools, parts.fold, parts.windows, parts.linesToggle, parts.tableButton);
    this.#root.replaceChildren(view, foot, this.#buildTable());

    // A button that was clicked would keep the keys.
    on(foot, "click", ({ detail, target }) => detail > 0 && target.closest("button")?.blur());
    on(parts.ribbons, "pointerdown", (event) => this.#pressed(event));
    on(parts.ribbons, "pointermove", (event) => this.#moved(event));
    on(parts.ribbons, "pointerup", (event) => this.#released(event));
    on(parts.ribbons, "pointercancel", () => (this.#drag = null));
    const observer = new ResizeObserver(() => this.draw());
    observer.observe(view);
    signal.addEventListener("abort", () => observer.disconnect());
  }

  #button(key, onClick) {
    const made = make("button", "timeline__button", this.#page.t(key));
    made.type = "button";
    made.addEventListener("click", onClick);
    return made;
  }

  #segments() {
    const { t } = this.#page;
    const group = make("fieldset", "timeline__windows");
    group.append(make("legend", "unseen", t("timeline.window")));
    for (const seconds of WINDOWS_S) {
      const label = make("label");
      const radio = Object.assign(make("input"), { type: "radio", name: "timeline-window", value: seconds, checked: seconds === this.#view.windowS });
      radio.addEventListener("change", () => {
        this.#view.windowS = seconds;
        this.draw();
      });
      label.append(radio, make("span", "", t(WINDOW_NAMES[seconds])));
      group.append(label);
    }
    return group;
  }

  #buildTable() {
    const { t } = this.#page;
    const box = make("div", "popover popover--table");
    box.popover = "auto";
    const head = make("div", "popover__head");
    const title = make("h2", "", t("timeline.table_title"));
    title.id = "timeline-table-title";
    const close = this.#button("app.close", () => box.hidePopover());
    close.className = "button";
    head.append(title, close);
    const scroll = make("div", "popover__scroll");
    scroll.tabIndex = 0;
    scroll.setAttribute("role", "region");
    scroll.setAttribute("aria-labelledby", title.id);
    this.#parts.table = make("table", "timeline__table");
    scroll.append(this.#parts.table);
    box.setAttribute("aria-labelledby", title.id);
    box.append(head, scroll);
    this.#parts.tableBox = box;
    return box;
  }

  #openTable() {
    fillTable(this.#parts.table, this.#history, this.#edges(), this.#options.nameOf, this.#page);
    this.#parts.tableBox.showPopover();
  }

  #keyed(event) {
    const step = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1 }[event.key];
    if (!step || !event.shiftKey) return;
    event.preventDefault();
    this.step(step * 10);
  }

  // Dragging: alone it looks, with Shift it excludes

  #pressed(event) {
    if (event.button !== 0 || Number.isNaN(this.#history.startS)) return;
    const excludes = event.shiftKey && Boolean(this.#options.onExclude);
    this.#drag = { fromX: event.offsetX, fromS: this.#timeUnder(event), toS: this.#timeUnder(event), excludes, edges: this.#edges() };
    this.#parts.ribbons.setPointerCapture(event.pointerId);
    const row = Math.floor(event.offsetY / this.#rowPx());
    const track = this.#tracks()[row];
    if (track && !excludes) this.#options.onSelect?.(track.id);
    if (!excludes) this.look(this.#drag.fromS);
  }

  #moved(event) {
    if (!this.#drag) return;
    this.#drag.toS = this.#timeUnder(event);
    if (this.#drag.excludes) this.draw();
    else if (Math.abs(event.offsetX - this.#drag.fromX) > DRAGGED_PX) this.look(this.#drag.toS);
  }

  #released(event) {
    const drag = this.#drag;
    this.#drag = null;
    if (drag?.excludes && Math.abs(event.offsetX - drag.fromX) > DRAGGED_PX) {
      this.#options.onExclude({ from_s: Math.min(drag.fromS, drag.toS), to_s: Math.max(drag.fromS, drag.toS) });
    }
    this.draw();
  }

  /** While one drags the scale stands still, whatever the window does. */
  #timeUnder({ offsetX }) {
    return timeAt(offsetX, this.#drag?.edges ?? this.#edges(), this.#parts.ribbons.clientWidth);
  }

  // What is shown

  #edges() {
    return this.#drag?.edges ?? edges({ ...this.#view, startS: this.#history.startS, endS: this.#history.endS });
  }

  #rowPx() {
    if (this.#media.phone.matches) return PHONE_ROW_PX;
    const room = this.#parts.view.clientHeight || ROW_PX;
    const [tall, most] = this.#media.wide.matches ? [WIDE_ROW_PX, ROWS.wide] : [ROW_PX, ROWS.desk];
    return this.#isExpanded ? tall : Math.min(tall, Math.floor(room / Math.max(1, Math.min(most, this.#history.tracks().length))));
  }

  /** The faces with a ribbon: those in sight, the selected one among them. */
  #tracks() {
    const { fromS, toS } = this.#edges();
    const all = this.#history.tracks();
    const most = this.#isExpanded ? Infinity : this.#media.wide.matches ? ROWS.wide : this.#media.phone.matches ? ROWS.phone : ROWS.desk;
    if (all.length <= most) return all;
    const seen = (track) => Math.max(0, Math.min(track.to_s, toS) - Math.max(track.from_s, fromS)) + (track.id === this.selected ? Infinity : 0);
    return all.sort((a, b) => seen(b) - seen(a) || a.id - b.id).slice(0, most).sort((a, b) => a.id - b.id);
  }

  /** Draws what the history holds now. */
  draw() {
    const now = this.#options.now();
    if (now !== null) this.#history.reach(now);
    const { startS, endS } = this.#history;
    const lived = Number.isNaN(startS) ? 0 : endS - startS;
    this.#root.dataset.state = lived >= SHOWN_FROM_S ? "shown" : "empty";
    if (lived < SHOWN_FROM_S) return;
    const tracks = this.#tracks();
    const both = this.#media.wide.matches;
    this.#root.dataset.mode = both ? "both" : this.#mode;
    this.#root.classList.toggle("timeline--expanded", this.#isExpanded);
    this.#showControls(tracks, both, now !== null);
    if (both || this.#mode === "ribbons") this.#drawRibbons(tracks);
    if (both || this.#mode === "lines") this.#drawLines(tracks);
    this.#showMoment();
  }

  #showControls(tracks, both, isRunning) {
    const { t } = this.#page;
    const { live, fold, linesToggle, names } = this.#parts;
    live.hidden = this.isFollowing;
    write(live, t(isRunning ? "timeline.live" : "timeline.to_end"));
    const folded = this.#history.tracks().length - tracks.length;
    fold.hidden = !folded && !this.#isExpanded;
    write(fold, this.#isExpanded ? t("timeline.fold") : t("timeline.more", { n: folded }));
    fold.setAttribute("aria-expanded", String(this.#isExpanded));
    linesToggle.hidden = both;
    linesToggle.setAttribute("aria-pressed", String(this.#mode === "lines"));
    const shown = tracks.length > 1 && (both || this.#mode === "ribbons") ? tracks : [];
    names.hidden = !shown.length;
    while (names.children.length > shown.length) names.lastChild.remove();
    while (names.children.length < shown.length) names.append(make("span", "timeline__name"));
    shown.forEach(({ id }, row) => {
      const label = names.children[row];
      write(label, this.#options.nameOf(id));
      label.style.setProperty("height", `${this.#rowPx()}px`);
      label.classList.toggle("timeline__name--selected", id === this.selected);
    });
  }

  #drawRibbons(tracks) {
    const canvas = this.#parts.ribbons;
    const needed = tracks.length * this.#rowPx();
    if (this.#isExpanded || this.#media.phone.matches) canvas.style.setProperty("height", `${needed}px`);
    else canvas.style.removeProperty("height");
    const { context, width, height } = prepare(canvas);
    if (!width) return;
    const { recorded, excluded, markers } = this.marks;
    const drawn = this.#drag?.excludes ? [{ from_s: Math.min(this.#drag.fromS, this.#drag.toS), to_s: Math.max(this.#drag.fromS, this.#drag.toS) }] : [];
    const scene = {
      tracks, gaps: this.#history.gaps, endS: this.#history.endS, edges: onPixels(this.#edges(), width), rowPx: this.#rowPx(), cursorS: this.#view.cursorS,
      recorded, excluded: [...excluded, ...drawn], markers, styleOf: (key) => this.#style(key), word: (key) => this.#page.t(key),
    };
    drawRibbons(context, width, height, scene, this.#paint);
  }

  #drawLines(tracks) {
    const { context, width, height } = prepare(this.#parts.lines);
    const track = this.#history.tracks().find(({ id }) => id === this.selected) ?? tracks[0];
    if (!width || !track) return;
    drawLines(context, width, height, {
      track, edges: this.#edges(), names: this.#history.labels.map((label) => this.#page.t(`emotion.${label}`)),
      styleOf: (key) => this.#style(key), percent: (value) => share(this.#page.language, value),
    }, this.#paint);
  }

  #style(key) {
    return this.#page.labels.styleOf(this.#history.labels[key]);
  }

  /** The slider speaks while one moves it; what goes on by itself changes its text only now and then. */
  #showMoment() {
    const { range, now } = this.#parts;
    const { startS, endS } = this.#history;
    range.max = String(Math.max(1, Math.floor(endS - startS)));
    const text = momentText(this.#history, this.isFollowing ? Math.max(startS, endS - 0.05) : this.cursorS, this.#options.nameOf, this.#page);
    write(now, this.isFollowing ? clock(endS - startS) : text);
    if (this.isFollowing) range.value = range.max;
    else if (document.activeElement !== range) range.value = String(Math.round(this.cursorS - startS));
    const isQuiet = this.isFollowing && document.activeElement === range && performance.now() - this.#saidMs < 5000;
    if (isQuiet) return;
    this.#saidMs = performance.now();
    range.setAttribute("aria-valuetext", text);
  }
}

/** Sizes a canvas to its box and clears it. */
function prepare(canvas) {
  const ratio = devicePixelRatio || 1;
  const { clientWidth: width, clientHeight: height } = canvas;
  const [w, h] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== w) canvas.width = w;
  if (canvas.height !== h) canvas.height = h;
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  return { context, width, height };
}
