/** Texts for the values of a face in the page's language: for plates, rows and speech. */
import { inSentence, percent } from "../shared/format.js";

/** @typedef {{t: (key: string, values?: object) => string, language: string}} Words */

/** @param {import("./words.js").Word} word @param {Words} page @returns {string} "happiness or surprise?" */
export function pairText(word, { t, language }) {
  const [first, second] = word.pair.map((key) => inSentence(language, t(`emotion.${key}`)));
  return t("unsure.pair", { first, second });
}

/**
 * @param {import("./words.js").Word} word
 * @param {Words} page
 * @returns {{bold: string, rest: string}} "Happiness" and "82%", or "" while no number is shown; "Unsure:" and the pair
 */
export function wordText(word, { t, language }) {
  if (word.key === "unsure") return { bold: t("unsure.colon"), rest: pairText(word, { t, language }) };
  return { bold: t(`emotion.${word.key}`), rest: word.number === null ? "" : percent(language, word.number) };
}

/** @param {{id: number, name?: string}} face @param {number} count of faces in view @param {Words} page @returns {string} "" for a single face without a name */
export const labelText = ({ id, name }, count, { t }) => name || (count > 1 ? t("face.label", { id }) : "");
