/** A report to print or keep: one self-contained HTML file with ribbons, summary, the model's version and the limits. */
import { SHAPES } from "../faces/emotions.js";
import { ABSENT, UNSURE, pixels, runs } from "./ribbon.js";
import { calibrationError, dateAndTime } from "../shared/format.js";
import { historyOf } from "./playback.js";
import { clock, xOf } from "./scale.js";
import { summarise } from "./statistics.js";
import { changeLine, faceLine, headline, styleOf, timeLines } from "./summary.js";

/** The page's colours on white, for paper. */
const COLOURS = Object.freeze({
  angry: "#B6170A", disgust: "#16774F", fear: "#9A58EA", happy: "#B7800C", sad: "#1014CA", surprise: "#329BA5", neutral: "#45484F", unsure: "#6F7785",
});
const WIDTH = 1000;
const RIBBON = 40;
/** Height of the names of the markers above a ribbon, and about how wide letters are, in its units. */
const NAMES = 18;
const [LETTER, IDEOGRAPH] = [7.5, 14];

const STYLE = `
:root { color-scheme: light; }
body { max-width: 1000px; margin: 32px auto; padding: 0 16px; font: 16px/1.5 system-ui, sans-serif; color: #14181f; background: #fff; }
h1 { font-size: 1.6rem; margin: 0; } h2 { font-size: 1.2rem; margin: 28px 0 8px; } h3 { font-size: 1rem; margin: 16px 0 4px; }
p, dl, ul { margin: 4px 0; } .small { color: #4b5563; font-size: 0.875rem; }
svg { display: block; width: 100%; height: auto; } .bar { height: 18px; } 
ul { list-style: none; padding: 0; display: flex; flex-wrap: wrap; gap: 4px 18px; } li { white-space: nowrap; }
.swatch { display: inline-block; width: 12px; height: 12px; margin-right: 6px; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 2px 16px; } dt { color: #4b5563; } dd { margin: 0; overflow-wrap: anywhere; }
section { break-inside: avoid; } @page { margin: 16mm; } @media print { body { margin: 0; } * { print-color-adjust: exact; -webkit-print-color-adjust: exact; } }
`;

const escape = (text) => String(text).replace(/[&<>"']/g, (mark) => `&#${mark.charCodeAt(0)};`);

/**
 * @param {import("./recording.js").Recording} recording
 * @param {{t: Function, language: string, labels: import("../shared/labels.js").Labels}} page with the session's sentences
 * @param {(id: number) => string} nameOf
 * @returns {string} a whole document
 */
export function report(recording, page, nameOf) {
  const { t, language } = page;
  const { log, model, startedUtcMs, pageVersion } = recording;
  const summary = summarise(recording);
  const history = historyOf(recording);
  const date = dateAndTime(language, startedUtcMs);
  const facts = [
    [t("report.answers"), log.length],
    [t("report.model"), `${model.name ?? "–"} ${model.version ?? ""}`],
    [t("report.error"), Number.isFinite(model.ece) ? `${calibrationError(language, model.ece)}${model.n ? ` (n = ${model.n})` : ""}` : t("report.unmeasured")],
    [t("report.page"), pageVersion],
  ];
  return `<!doctype html>
<html lang="${escape(language)}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escape(t("report.title"))} – ${escape(date)}</title><style>${STYLE}</style></head><body>
<h1>${escape(t("report.title"))}</h1>
<p>${escape(headline(summary, page))}</p>
<dl><dt>${escape(t("report.started"))}</dt><dd><time datetime="${new Date(startedUtcMs).toISOString()}">${escape(date)}</time></dd>${facts.map(([name, value]) => `<dt>${escape(name)}</dt><dd>${escape(value)}</dd>`).join("")}</dl>
<h2>${escape(t("report.course"))}</h2>
${history.tracks().map((track) => ribbon(track, history, recording, page, nameOf)).join("\n")}
${legend(log.labels, page)}
<h2>${escape(t("report.faces"))}</h2>
${summary.faces.map((face) => faceSection(face, log.labels, page, nameOf)).join("\n") || `<p>${escape(t("summary.no_faces"))}</p>`}
${summary.faces.length ? `<p class="small">${escape(t("summary.numbers"))}</p>` : ""}
${happenings(recording, page)}
<h2>${escape(t("report.limits"))}</h2>
<p>${escape(t("report.reading"))}</p><p>${escape(t("report.conditions"))}</p><p>${escape(t("report.use"))}</p>
</body></html>
`;
}

function ribbon(track, history, { excluded, markers, gaps }, { t, labels: looks }, nameOf) {
  const edges = { fromS: history.startS, toS: Math.max(history.endS, history.startS + 1) };
  const { keys, heights } = pixels(track, edges.fromS, edges.toS, WIDTH);
  const shapes = runs(keys).map(({ from, to, key, hasGlyph }) => {
    const style = key === UNSURE ? "unsure" : looks.styleOf(history.labels[key]);
    const top = Array.from({ length: to - from }, (_, i) => `L${from + i} ${y(heights[from + i])}H${from + i + 1}`).join("");
    return `<path d="M${from} ${RIBBON}${top}V${RIBBON}z" fill="${style === "unsure" ? "url(#unsure)" : COLOURS[style]}"/>${hasGlyph ? plate(style, from + 2) : ""}`;
  });
  const x = (timeS) => Math.min(WIDTH, Math.max(0, xOf(timeS, edges, WIDTH))).toFixed(1);
  const band = (from, to, name, fill) => {
    const [left, right] = [x(from), x(to)];
    return `<rect x="${left}" width="${(right - left).toFixed(1)}" height="${RIBBON}" fill="${fill}"/><title>${escape(name)}</title>`;
  };
  const absent = keys.every((key) => key !== ABSENT) ? "" : `<path d="M0 ${RIBBON}H${WIDTH}" stroke="#6F7785" stroke-dasharray="2 4"/>`;
  const over = [
    ...gaps.map(({ kind, from_s, to_s }) => `<g>${band(from_s, to_s ?? edges.toS, t(`timeline.${kind}`), "#DFE3E9")}</g>`),
    ...excluded.map(({ from_s, to_s }) => `<g>${band(from_s, to_s, t("timeline.excluded"), "url(#excluded)")}</g>`),
    ...markers.map(({ t_s, name }) => `<g><path d="M${x(t_s)} 0V${RIBBON}" stroke="#fff" stroke-width="5"/><path d="M${x(t_s)} 0V${RIBBON}" stroke="#14181F" stroke-width="2"/><title>${escape(name)}</title></g>`),
  ];
  const names = markerNames(markers, (timeS) => Number(x(timeS)));
  const above = names ? NAMES : 0;
  return `<section><h3>${escape(nameOf(track.id))}</h3>
<svg viewBox="0 ${-above} ${WIDTH} ${RIBBON + above}" role="img" aria-label="${escape(t("report.ribbon", { name: nameOf(track.id) }))}">${PATTERNS}${absent}${shapes.join("")}${over.join("")}${names}</svg>
<p class="small">0:00 – ${clock(edges.toS - edges.fromS)}</p></section>`;
}

/** The names for which there is room, from left to right; the list of events has all of them. */
function markerNames(markers, x) {
  let freeFrom = 0;
  return markers.map(({ t_s, name }) => {
    const width = Array.from(name, (letter) => (letter < "\u2e80" ? LETTER : IDEOGRAPH)).reduce((sum, one) => sum + one, 0);
    const left = Math.min(x(t_s), WIDTH - width);
    if (left < freeFrom) return "";
    freeFrom = left + width + LETTER;
    return `<text x="${left.toFixed(1)}" y="-5" font-size="13">${escape(name)}</text>`;
  }).join("");
}

/** A shape on white, so that it does not stand on its own colour. */
const plate = (style, x) =>
  `<g transform="translate(${x} ${RIBBON / 2 - 8})"><rect width="16" height="16" rx="3" fill="#fff"/><path transform="translate(2 2)" d="${SHAPES[style]}" fill="${COLOURS[style]}" fill-rule="evenodd"/></g>`;

const y = (height) => (RIBBON - Math.max(1, height * RIBBON)).toFixed(1);

const PATTERNS = `<defs><pattern id="unsure" width="6" height="6" patternUnits="userSpaceOnUse"><path d="M0 6L6 0" stroke="${COLOURS.unsure}" stroke-width="2"/></pattern>
<pattern id="excluded" width="8" height="8" patternUnits="userSpaceOnUse"><rect width="8" height="8" fill="#fff" fill-opacity="0.8"/><path d="M0 0L8 8" stroke="#B42318"/></pattern></defs>`;

const shape = (style) => `<svg class="swatch" viewBox="0 0 12 12" aria-hidden="true"><path d="${SHAPES[style]}" fill="${COLOURS[style]}" fill-rule="evenodd"/></svg>`;

function legend(labels, { t, labels: looks }) {
  const items = labels.map((label) => `<li>${shape(looks.styleOf(label))}${escape(t(`emotion.${label}`))}</li>`);
  return `<ul>${items.join("")}<li>${shape("unsure")}${escape(t("timeline.unsure"))}</li></ul><p class="small">${escape(t("report.height"))}</p>`;
}

function faceSection(face, labels, page, nameOf) {
  let left = 0;
  const bars = face.times.map(({ key, seconds }) => {
    const style = styleOf(key, labels, page.labels);
    const width = face.seen_s ? (seconds / face.seen_s) * WIDTH : 0;
    const rect = `<rect x="${left.toFixed(1)}" width="${width.toFixed(1)}" height="18" fill="${style === "unsure" ? "url(#unsure)" : COLOURS[style]}"/>`;
    left += width;
    return rect;
  });
  const times = timeLines(face, labels, page).map(({ style, text }) => `<li>${shape(style)}${escape(text)}</li>`);
  const change = changeLine(face, labels, page);
  return `<section><h3>${escape(nameOf(face.id))}</h3><p>${escape(faceLine(face, labels, page))}</p>
<svg class="bar" viewBox="0 0 ${WIDTH} 18" preserveAspectRatio="none" aria-hidden="true">${PATTERNS}${bars.join("")}</svg>
<ul>${times.join("")}</ul>${change ? `<p class="small">${escape(change)}</p>` : ""}</section>`;
}

function happenings({ markers, excluded, gaps }, { t }) {
  const lines = [
    ...markers.map(({ t_s, name }) => [t_s, t_s, name]),
    ...excluded.map(({ from_s, to_s }) => [from_s, to_s, t("timeline.excluded")]),
    ...gaps.map(({ kind, from_s, to_s }) => [from_s, to_s ?? from_s, t(`timeline.${kind}`)]),
  ].sort((a, b) => a[0] - b[0]);
  if (!lines.length) return "";
  const rows = lines.map(([from_s, to_s, text]) => `<dt>${clock(from_s)}${to_s > from_s ? `–${clock(to_s)}` : ""}</dt><dd>${escape(text)}</dd>`);
  return `<h2>${escape(t("report.events"))}</h2><dl>${rows.join("")}</dl>`;
}
