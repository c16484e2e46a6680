/** Speaks the present state for screen readers: rarely by itself, and at once on request. */
import { element } from "../shared/page.js";
import { pairText, wordText } from "../faces/text.js";
import { Announcer } from "./announcer.js";

/** A live region stays silent when the same text is written again, so it is emptied for this long first. */
const EMPTY_MS = 50;

export class Speech {
  #page;
  #announcer = new Announcer();

  /** @param {import("../shared/page.js").Page} page */
  constructor(page) {
    this.#page = page;
  }

  /** @param {import("../faces/faces.js").ShownFace[] | null} faces null while nothing is read @param {number} nowMs */
  update(faces, nowMs) {
    const text = this.#announcer.update(this.#names(faces), nowMs);
    if (text !== null) element("announcer").textContent = text;
  }

  /**
   * Says the present state with its numbers.
   * @param {import("../faces/faces.js").ShownFace[] | null} faces null while nothing is read
   * @param {string} otherwise what to say then
   */
  say(faces, otherwise, nowMs) {
    this.#announcer.spoke(this.#names(faces), nowMs);
    element("announcer").textContent = "";
    const text = faces ? this.#together(faces.map(({ word }) => this.#inFull(word))) : otherwise;
    setTimeout(() => (element("announcer").textContent = text), EMPTY_MS);
  }

  #names(faces) {
    return faces ? this.#together(faces.map(({ word: { key } }) => this.#page.t(key === "unsure" ? "announce.unsure" : `emotion.${key}`))) : "";
  }

  #inFull(word) {
    const { t } = this.#page;
    if (word.key === "unsure") return `${t("unsure.colon")} ${pairText(word, this.#page)}`;
    const { bold, rest } = wordText(word, this.#page);
    return [bold, rest].filter(Boolean).join(t("list.comma"));
  }

  #together(words) {
    const { t } = this.#page;
    if (!words.length) return t("announce.nobody");
    return words.length === 1 ? words[0] : t("announce.faces", { n: words.length, list: words.join(t("list.semicolon")) });
  }
}
