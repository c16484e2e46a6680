/** The timeline's elements: ribbons and lines, the slider under them, the buttons and the table. */
import { make, write } from "../shared/dom.js";
import { WINDOWS_S } from "./scale.js";

const WINDOW_NAMES = { 30: "timeline.window_30", 120: "timeline.window_120", 0: "timeline.window_0" };

/**
 * Fills the timeline's section.
 * @param {HTMLElement} root
 * @param {{t: Function}} page with the session's sentences
 * @param {Record<"range" | "key" | "window" | "live" | "fold" | "lines" | "table", Function>} on handlers: `range` gets seconds
 *   from the start, `window` a length in seconds, `key` the event of a key on the slider
 * @returns {Record<string, HTMLElement>} the parts that change
 */
export function buildTimeline(root, page, on) {
  const { t } = page;
  const parts = {
    view: make("div", "timeline__view"), names: make("div", "timeline__names"), ribbons: make("canvas", "timeline__canvas"),
    lines: make("canvas", "timeline__canvas timeline__canvas--lines"), range: make("input", "timeline__range"),
    now: make("output", "timeline__now"), tools: make("div", "timeline__tools"), windows: windows(t, `${root.id}-window`, on.window),
    live: button(t("timeline.live"), on.live), fold: button(t("timeline.fold"), on.fold), linesToggle: button(t("timeline.show_lines"), on.lines),
    table: make("table", "timeline__table"),
  };
  // The slider says in words what the drawings show.
  for (const drawn of [parts.names, parts.ribbons, parts.lines, parts.now]) drawn.setAttribute("aria-hidden", "true");
  parts.view.append(parts.names, parts.ribbons, parts.lines);
  Object.assign(parts.range, { type: "range", min: "0", step: "1" });
  parts.range.setAttribute("aria-label", t("timeline.slider"));
  parts.range.addEventListener("input", () => on.range(Number(parts.range.value)));
  parts.range.addEventListener("keydown", on.key);
  const foot = make("div", "timeline__foot");
  foot.append(
    parts.range, parts.now, parts.live, parts.tools, parts.fold, parts.windows, parts.linesToggle, button(t("timeline.show_table"), on.table),
  );
  // A button that was clicked would receive the keys.
  foot.addEventListener("click", ({ detail, target }) => detail > 0 && target.closest("button")?.blur());
  parts.tableBox = tableBox(t, parts.table, `${root.id}-table-title`);
  root.replaceChildren(parts.view, foot, parts.tableBox);
  return parts;
}

/** Writes which window is chosen. */
export function chooseWindow(parts, seconds) {
  for (const radio of parts.windows.querySelectorAll("input")) radio.checked = Number(radio.value) === seconds;
}

/**
 * Updates the buttons and the names beside the ribbons.
 * @param {Record<string, HTMLElement>} parts of `buildTimeline`
 * @param {{t: Function}} page with the session's sentences
 * @param {{mode: "ribbons" | "lines" | "both", isFollowing: boolean, isRunning: boolean, isExpanded: boolean, folded: number, rowPx: number,
 *   names: {name: string, isSelected: boolean}[]}} state `folded`: faces without a ribbon; `names`: one for each ribbon
 */
export function showControls({ live, fold, linesToggle, names }, { t }, state) {
  live.hidden = state.isFollowing;
  write(live, t(state.isRunning ? "timeline.live" : "timeline.to_end"));
  fold.hidden = !state.folded && !state.isExpanded;
  write(fold, state.isExpanded ? t("timeline.fold") : t("timeline.more", { n: state.folded }));
  fold.setAttribute("aria-expanded", String(state.isExpanded));
  linesToggle.hidden = state.mode === "both";
  linesToggle.setAttribute("aria-pressed", String(state.mode === "lines"));
  const shown = state.names.length > 1 && state.mode !== "lines" ? state.names : [];
  names.hidden = !shown.length;
  while (names.children.length > shown.length) names.lastChild.remove();
  while (names.children.length < shown.length) names.append(make("span", "timeline__name"));
  shown.forEach(({ name, isSelected }, row) => {
    const label = names.children[row];
    write(label, name);
    label.style.setProperty("height", `${state.rowPx}px`);
    label.classList.toggle("timeline__name--selected", isSelected);
  });
}

function button(text, onClick) {
  const made = make("button", "timeline__button", text);
  made.type = "button";
  made.addEventListener("click", onClick);
  return made;
}

function windows(t, name, onChange) {
  const group = make("fieldset", "timeline__windows");
  group.append(make("legend", "unseen", t("timeline.window")));
  for (const seconds of WINDOWS_S) {
    const label = make("label");
    const radio = Object.assign(make("input"), { type: "radio", name, value: seconds });
    radio.addEventListener("change", () => onChange(seconds));
    label.append(radio, make("span", "", t(WINDOW_NAMES[seconds])));
    group.append(label);
  }
  return group;
}

function tableBox(t, table, titleId) {
  const box = make("div", "popover popover--table");
  box.popover = "auto";
  const head = make("div", "popover__head");
  const title = make("h2", "", t("timeline.table_title"));
  title.id = titleId;
  const close = button(t("app.close"), () => box.hidePopover());
  close.className = "button";
  head.append(title, close);
  const scroll = make("div", "popover__scroll");
  scroll.tabIndex = 0;
  scroll.setAttribute("role", "region");
  for (const named of [scroll, box]) named.setAttribute("aria-labelledby", title.id);
  scroll.append(table);
  box.append(head, scroll);
  return box;
}
