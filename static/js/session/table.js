/** The timeline as a table: one row for every five seconds, a column for every face. */
import { percent } from "../shared/format.js";
import { make } from "../shared/dom.js";
import { UNSURE } from "./history.js";
import { ABSENT, pixels } from "./ribbon.js";
import { clock } from "./scale.js";

const ROW_S = 5;

/**
 * What each row says: the emotion shown longest in these seconds and its mean, or why there is none.
 * @param {import("./history.js").History} history
 * @param {{fromS: number, toS: number}} edges
 * @returns {{timeS: number, gap: string | null, cells: ({key: number, confidence: number} | null)[]}[]}
 */
export function rows(history, { fromS, toS }) {
  const found = [];
  const first = history.startS + Math.max(0, Math.ceil((fromS - history.startS) / ROW_S - 1e-6)) * ROW_S;
  for (let timeS = first; timeS < Math.min(toS, history.endS); timeS += ROW_S) {
    const cells = history.tracks().map((track) => {
      const { keys, heights } = pixels(track, timeS, timeS + ROW_S, 1);
      return keys[0] === ABSENT ? null : { key: keys[0], confidence: heights[0] };
    });
    found.push({ timeS, gap: history.gapAt(timeS)?.kind ?? null, cells });
  }
  return found;
}

/**
 * @param {HTMLTableElement} table is filled again
 * @param {import("./history.js").History} history
 * @param {{fromS: number, toS: number}} edges
 * @param {(id: number) => string} nameOf
 * @param {{t: Function, language: string}} page
 */
export function fillTable(table, history, edges, nameOf, { t, language }) {
  const head = make("tr");
  head.append(header(t("timeline.time"), "col"), ...history.tracks().map(({ id }) => header(nameOf(id), "col")));
  const body = rows(history, edges).map(({ timeS, gap, cells }) => {
    const row = make("tr");
    const texts = cells.map((cell) => (cell ? text(cell, history.labels, t, language) : gap ? t(`timeline.${gap}`) : "–"));
    row.append(header(clock(timeS - history.startS), "row"), ...texts.map((text) => make("td", "", text)));
    return row;
  });
  const [top, rest] = [make("thead"), make("tbody")];
  top.append(head);
  rest.append(...body);
  table.replaceChildren(make("caption", "unseen", t("timeline.table_caption")), top, rest);
}

function header(text, scope) {
  const cell = make("th", "", text);
  cell.scope = scope;
  return cell;
}

const text = ({ key, confidence }, labels, t, language) =>
  key === UNSURE ? t("timeline.unsure") : `${t(`emotion.${labels[key]}`)} ${percent(language, confidence)}`;
