/** Two to four photographs side by side: one table with a row per emotion and a column per face, one scale for all. */
import { SHAPES, drawing } from "../faces/emotions.js";
import { labelText, wordText } from "../faces/text.js";
import { make } from "../shared/dom.js";
import { percent } from "../shared/format.js";

export const AT_MOST = 4;

/**
 * @param {import("./shot.js").Shot[]} shots
 * @param {import("../shared/page.js").Page} page
 * @returns {HTMLElement}
 */
export function comparison(shots, page) {
  const { t, language, labels } = page;
  const columns = shots.flatMap(({ url, name, faces }) => faces.map((face) => ({ url, name, face, label: labelText(face, faces.length, page) })));
  const table = make("table", "compare__table");
  const head = make("tr", "");
  head.append(make("td", ""), ...columns.map(({ url, name, label }) => {
    const title = heading("", "col");
    title.append(Object.assign(make("img", ""), { src: url, alt: "" }), label ? `${name}, ${label}` : name);
    return title;
  }));
  const answer = make("tr", "compare__words");
  answer.append(heading(t("photo.reads"), "row"), ...columns.map(({ face }) => make("td", "", Object.values(wordText(face.word, page)).join(" "))));
  const rows = labels.names.map((label, i) => {
    const row = make("tr", "");
    row.dataset.style = labels.styleOf(label);
    const title = heading("", "row");
    title.append(drawing(SHAPES[labels.styleOf(label)], "shape"), t(`emotion.${label}`));
    row.append(title, ...columns.map(({ face }) => cell(face.vector[i], language)));
    return row;
  });
  const body = make("tbody", "");
  body.append(answer, ...rows);
  const top = make("thead", "");
  top.append(head);
  table.append(make("caption", "unseen", t("photo.compare_title")), top, body);
  const scroll = make("div", "compare__scroll");
  scroll.tabIndex = 0;
  scroll.setAttribute("role", "region");
  scroll.setAttribute("aria-label", t("photo.compare_title"));
  scroll.append(table);
  return scroll;
}

function heading(text, scope) {
  const made = make("th", "", text);
  made.scope = scope;
  return made;
}

function cell(value, language) {
  const made = make("td", "");
  const bar = make("span", "part");
  const fill = make("span", "part__fill");
  fill.style.setProperty("--part", value.toFixed(3));
  bar.setAttribute("aria-hidden", "true");
  bar.append(fill);
  made.append(bar, make("span", "compare__number", percent(language, value)));
  return made;
}
