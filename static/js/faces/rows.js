/** The list of faces: one row each, and the seven values of the one that is selected. */
import { SHAPES, drawing, glyphOf, redraw } from "./emotions.js";
import { icon, make, write } from "../shared/dom.js";
import { meaning, percent, wholePercent } from "../shared/format.js";
import { labelText, wordText } from "./text.js";

const AT_MOST = 6;

/** The row whose percentage is being explained; always null in a browser without popovers. */
let explained = null;

/** @typedef {import("../shared/page.js").Page} Page */

/** One face. Its values change together: word, number, bars and data attributes. */
class Row {
  #page;
  #shown = null;
  #glyph = drawing(glyphOf("unsure"), "glyph");
  #label = make("span", "face__label");
  #word = make("span", "face__word");
  #percent = make("span", "face__percent");
  #fill = make("span", "part__fill");
  #head = make("button", "face__head");
  #details = make("div", "face__details");
  #name = make("input", "face__name");
  #meaning = make("button", "link");
  #asked = null;
  #bars;

  /**
   * @param {Page} page
   * @param {number} id
   * @param {{onToggle: () => void, onRename?: (name: string) => void, extra?: HTMLElement}} options `extra`: shown with the values
   */
  constructor(page, id, { onToggle, onRename, extra }) {
    this.#page = page;
    const { t } = page;
    this.element = make("li", "face");
    this.element.dataset.face = id;
    this.#head.type = "button";
    this.#head.addEventListener("click", onToggle);
    this.#head.append(this.#glyph, this.#label, this.#word, this.#percent, track(this.#fill));
    const close = make("button", "tool tool--small face__close");
    close.type = "button";
    close.setAttribute("aria-label", t("app.close"));
    close.append(icon("close"));
    close.addEventListener("click", onToggle);
    const list = make("ul", "bars");
    this.#bars = page.labels.names.map((name) => this.#bar(name, list));
    this.#meaning.type = "button";
    this.#meaning.setAttribute("popovertarget", "meaning");
    this.#meaning.addEventListener("click", () => {
      write(document.getElementById("meaning-text"), meaning(this.#asked, page));
      const popover = document.getElementById("meaning");
      popover.onbeforetoggle = ({ newState }) => {
        explained = newState === "open" ? this : null;
        if (!explained) popover.onbeforetoggle = null; // a row that is gone by then is not kept
      };
    });
    const foot = make("div", "face__foot");
    foot.append(this.#meaning);
    if (onRename) foot.append(this.#nameField(onRename));
    this.#details.append(close, list, foot);
    if (extra) this.#details.append(extra);
    this.element.append(this.#head, this.#details);
  }

  /**
   * @param {import("./faces.js").ShownFace} face
   * @param {{count: number, isSelected: boolean, isOpen: boolean}} state `count`: faces in view
   */
  update(face, { count, isSelected, isOpen }) {
    const label = labelText(face, count, this.#page);
    write(this.#label, label);
    this.#name.placeholder = label;
    if (document.activeElement !== this.#name) this.#name.value = face.name ?? "";
    this.element.classList.toggle("face--selected", isSelected && count > 1);
    this.element.classList.toggle("face--current", isSelected);
    this.element.classList.toggle("face--open", isOpen);
    this.#details.hidden = !isOpen;
    this.#head.setAttribute("aria-expanded", String(isOpen));
    if (this.#shown && face.vector === this.#shown.vector && face.word === this.#shown.word) return;
    this.#shown = face;
    this.#showValues(face);
  }

  #showValues({ vector, word, style }) {
    const { language, labels } = this.#page;
    const number = word.number;
    Object.assign(this.element.dataset, { word: word.key, percent: number === null ? "" : wholePercent(number), style });
    redraw(this.#glyph, glyphOf(word.key));
    const { bold, rest } = wordText(word, this.#page);
    write(this.#word, bold);
    write(this.#percent, rest);
    const strongest = word.key === "unsure" ? Math.max(...vector) : vector[labels.names.indexOf(word.key)];
    this.#fill.style.setProperty("--part", strongest.toFixed(3));
    if (explained !== this) this.#askAbout(number);
    vector.forEach((value, i) => {
      const { row, fill, text } = this.#bars[i];
      row.dataset.value = value.toFixed(8); // as exact as the answers, so that text and value never round differently
      row.classList.toggle("bars__row--shown", labels.names[i] === word.key);
      fill.style.setProperty("--part", value.toFixed(3));
      write(text, percent(language, value));
    });
  }

  /** Which percentage the button offers to explain; it stays while the explanation is open, so that both name the same. */
  #askAbout(number) {
    const { t, language } = this.#page;
    this.#asked = number;
    write(this.#meaning, number === null ? t("meaning.title") : t("meaning.button", { percent: percent(language, number) }));
  }

  #bar(name, list) {
    const { t, labels } = this.#page;
    const row = make("li", "bars__row");
    const style = labels.styleOf(name);
    Object.assign(row.dataset, { emotion: name, style });
    const fill = make("span", "part__fill");
    const text = make("span", "bars__number");
    row.append(drawing(SHAPES[style], "shape"), make("span", "bars__name", t(`emotion.${name}`)), track(fill), text);
    list.append(row);
    return { row, fill, text };
  }

  #nameField(onRename) {
    const field = make("label", "face__rename");
    Object.assign(this.#name, { type: "text", maxLength: 40, autocomplete: "off" });
    this.#name.addEventListener("change", () => onRename(this.#name.value.trim()));
    field.append(make("span", "", this.#page.t("face.name")), this.#name);
    return field;
  }
}

function track(fill) {
  const made = make("span", "part");
  made.setAttribute("aria-hidden", "true");
  made.append(fill);
  return made;
}

/** The rows of one source, in the order of ids, so that rows keep their places. On a phone the values open as a sheet. */
export class FaceList {
  #parent;
  #page;
  #options;
  #rows = new Map();
  #faces = [];
  #more = make("button", "button face__more");
  #narrow = matchMedia("(max-width: 599px)");
  #isOpen = !this.#narrow.matches;
  #showsAll = false;

  /** Id of the selected face, null while there is none. */
  selected = null;

  /**
   * @param {HTMLElement} parent a list
   * @param {Page} page
   * @param {{onSelect?: (id: number) => void, onRename?: (id: number, name: string) => void, extra?: (id: number) => HTMLElement}} options
   */
  constructor(parent, page, options = {}) {
    this.#parent = parent;
    this.#page = page;
    this.#options = options;
    this.#more.type = "button";
    this.#more.addEventListener("click", () => {
      this.#showsAll = true;
      this.update(this.#faces);
    });
    this.#narrow.addEventListener("change", ({ matches }) => {
      this.#isOpen = !matches;
      this.update(this.#faces);
    });
  }

  /** Selects a face and shows its seven values. */
  select(id) {
    if (!this.#faces.some((face) => face.id === id)) return;
    this.selected = id;
    this.#isOpen = true;
    this.#options.onSelect?.(id);
    this.update(this.#faces);
  }

  /** @param {import("./faces.js").ShownFace[]} faces by id */
  update(faces) {
    this.#faces = faces;
    if (!faces.some(({ id }) => id === this.selected)) this.selected = faces[0]?.id ?? null;
    for (const [id, row] of this.#rows) {
      if (faces.some((face) => face.id === id)) continue;
      row.element.remove();
      this.#rows.delete(id);
    }
    faces.forEach((face, i) => {
      const row = this.#rows.get(face.id) ?? this.#add(face.id, i);
      const isSelected = face.id === this.selected;
      row.element.hidden = !this.#showsAll && i >= AT_MOST && !isSelected;
      row.update(face, { count: faces.length, isSelected, isOpen: isSelected && this.#isOpen });
    });
    this.#foldRest(faces.length);
  }

  #foldRest(count) {
    const folded = [...this.#rows.values()].filter(({ element }) => element.hidden).length;
    if (!folded) return this.#more.remove();
    write(this.#more, this.#page.t("face.more", { n: folded }));
    if (!this.#more.isConnected) this.#parent.after(this.#more);
  }

  #add(id, index) {
    const { onRename, extra } = this.#options;
    const row = new Row(this.#page, id, {
      onToggle: () => this.#toggle(id),
      onRename: onRename && ((name) => onRename(id, name)),
      extra: extra?.(id),
    });
    this.#rows.set(id, row);
    this.#parent.insertBefore(row.element, this.#parent.children[index] ?? null);
    return row;
  }

  #toggle(id) {
    if (id !== this.selected) return this.select(id);
    this.#isOpen = !this.#isOpen;
    this.update(this.#faces);
  }
}
