/** One card per face: its word, and all seven probabilities in fixed order, as text with bars beside it. */
import { LABELS, drawing, redraw, styleOf } from "./emotions.js";
import { meaning, percent } from "../shared/format.js";
import { make, write } from "../shared/dom.js";

/** @typedef {{t: (key: string, values?: object) => string, language: string, model: object}} Words */

/** A card. Bars move with every answer; text, which people and screen readers read, twice a second. */
export class Card {
  #words;
  #glyph = drawing("neutral", "glyph");
  #word = make("span", "card__word");
  #percent = make("span", "card__percent");
  #meaning = make("button", "link card__meaning");
  #rows;
  #read = null;

  /**
   * @param {Words} words
   * @param {{title: string, onSelect?: () => void, level?: string}} options `level`: the heading's element
   */
  constructor(words, { title, onSelect, level = "h2" }) {
    this.#words = words;
    this.element = make("article", "card");
    const head = make("div", "card__head");
    const badge = make("span", "card__badge");
    badge.append(this.#glyph);
    const heading = make(level, "card__title");
    const label = make("span", "card__name", title);
    heading.append(label, make("span", "card__looks", ` ${words.t("face.looks")}`));
    const answer = make("p", "card__answer");
    answer.append(this.#word, " ", this.#percent);
    const text = make("div", "card__text");
    text.append(heading, answer);
    head.append(badge, text);
    if (onSelect) {
      this.select = make("button", "card__select");
      this.select.type = "button";
      this.select.setAttribute("aria-label", words.t("face.select", { id: title.replace(/\D+/g, "") }));
      this.select.addEventListener("click", onSelect);
      head.append(this.select);
    }
    const bars = make("ul", "bars");
    this.#rows = LABELS.map((name) => {
      const row = make("li", "bars__row");
      row.dataset.emotion = styleOf(name);
      const fill = make("span", "bars__fill");
      const track = make("span", "bars__track");
      track.setAttribute("aria-hidden", "true");
      track.append(fill);
      const number = make("span", "bars__number", "");
      row.append(drawing(name, "shape"), make("span", "bars__name", words.t(`emotion.${name}`)), track, number);
      bars.append(row);
      return { row, fill, number };
    });
    this.#meaning.type = "button";
    this.#meaning.setAttribute("popovertarget", "meaning");
    this.#meaning.addEventListener("click", () => {
      write(document.getElementById("meaning-text"), meaning(this.#read.word.confidence, words));
    });
    this.element.append(head, bars, this.#meaning);
  }

  /**
   * @param {{vector: number[], read: {vector: number[], word: import("./words.js").Word}}} face
   */
  update({ vector, read }) {
    vector.forEach((value, i) => this.#rows[i].fill.style.setProperty("--part", value.toFixed(3)));
    if (read === this.#read) return;
    this.#read = read;
    const { word } = read;
    const unsure = word.key === "unsure";
    this.element.dataset.emotion = styleOf(word.key);
    redraw(this.#glyph, word.key, "glyph");
    this.#rows.forEach(({ row }, i) => row.classList.toggle("bars__row--shown", LABELS[i] === word.key));
    const { t, language } = this.#words;
    write(this.#word, unsure ? t("unsure.colon") : t(`emotion.${word.key}`));
    write(this.#percent, unsure ? pairText(word, this.#words) : percent(language, word.confidence));
    write(this.#meaning, t("meaning.button", { percent: percent(language, word.confidence) }));
    read.vector.forEach((value, i) => write(this.#rows[i].number, percent(language, value)));
  }
}

/** @param {import("./words.js").Word} word @param {Words} words @returns {string} "happiness or surprise?" */
export function pairText(word, { t, language }) {
  const [first, second] = word.pair.map((key) => t(`emotion.${key}`).toLocaleLowerCase(language));
  return t("unsure.pair", { first, second });
}

/** The seven emotions with their glyphs and shapes, for when there is no face to show. */
export function legend({ t }) {
  const list = make("ul", "legend");
  list.append(...LABELS.map((name) => {
    const item = make("li", "legend__item");
    item.dataset.emotion = styleOf(name);
    const label = make("span", "legend__name");
    label.append(drawing(name, "shape"), t(`emotion.${name}`));
    item.append(drawing(name, "glyph"), label);
    return item;
  }));
  return list;
}

/** The cards of the live page, in the order of ids. */
export class CardList {
  #parent;
  #words;
  #onSelect;
  #cards = new Map();

  /**
   * @param {HTMLElement} parent
   * @param {Words} words
   * @param {(id: number) => void} onSelect
   */
  constructor(parent, words, onSelect) {
    this.#parent = parent;
    this.#words = words;
    this.#onSelect = onSelect;
  }

  /**
   * @param {import("./faces.js").ShownFace[]} faces by id
   * @param {number | null} selected
   */
  update(faces, selected) {
    const ids = new Set(faces.map((face) => face.id));
    for (const [id, card] of this.#cards) {
      if (ids.has(id)) continue;
      card.element.remove();
      this.#cards.delete(id);
    }
    for (const face of faces) {
      let card = this.#cards.get(face.id);
      if (!card) {
        const title = this.#words.t("face.label", { id: face.id });
        card = new Card(this.#words, { title, onSelect: () => this.#onSelect(face.id) });
        this.#cards.set(face.id, card);
        this.#parent.append(card.element);
      }
      card.update(face);
      const isSelected = faces.length > 1 && face.id === selected;
      card.element.classList.toggle("card--selected", isSelected);
      card.select.hidden = faces.length < 2;
      card.select.setAttribute("aria-pressed", String(isSelected));
    }
  }
}
