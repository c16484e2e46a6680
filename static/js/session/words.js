/** Texts for a moment of a session, in the page's language. */
import { inSentence, percent } from "../shared/format.js";
import { UNSURE } from "./history.js";
import { clock } from "./scale.js";

/**
 * One face at one moment: "happiness 82 %", "unsure: happiness or surprise?"
 * @param {{key: number, best: number, second: number, confidence: number}} sample
 * @param {readonly string[]} labels
 * @param {{t: Function, language: string}} page
 */
function sampleText({ key, best, second, confidence }, labels, { t, language }) {
  const name = (index) => t(`emotion.${labels[index]}`);
  if (key === UNSURE) return `${t("unsure.colon")} ${t("unsure.pair", { first: inSentence(language, name(best)), second: inSentence(language, name(second)) })}`;
  // While a word is held against flicker it is not the largest value, and has no number.
  return key === best ? `${name(key)} ${percent(language, confidence)}` : name(key);
}

/** A share of time or a tick of a scale: as a percentage, and "0 %" where it is nothing at all. */
export const share = (language, fraction) => (fraction === 0 ? new Intl.NumberFormat(language, { style: "percent" }).format(0) : percent(language, fraction));

/**
 * A moment in words, for the slider: "0:42, Face 1: Happiness 82 %".
 * @param {import("./history.js").History} history
 * @param {number} timeS
 * @param {(id: number) => string} nameOf
 * @param {{t: Function, language: string}} page
 */
export function momentText(history, timeS, nameOf, page) {
  const time = clock(timeS - history.startS);
  const gap = history.gapAt(timeS);
  const at = (text) => [time, text].join(page.t("list.comma"));
  if (gap) return at(page.t(`timeline.${gap.kind}`));
  const present = history.tracks().map((track) => ({ id: track.id, sample: track.at(timeS) })).filter(({ sample }) => sample);
  if (!present.length) return at(page.t("timeline.nobody"));
  const texts = present.map(({ id, sample }) => {
    const text = sampleText(sample, history.labels, page);
    return present.length > 1 ? page.t("timeline.of_face", { name: nameOf(id), text }) : text;
  });
  return at(texts.join(page.t("list.semicolon")));
}
