/**
 * What the seven emotions look like: colours on video, shapes and glyphs. Names come from the catalogue, the order from
 * `Labels`. Colour is the third cue, after the word and the shape; the page's own colours live in app.css.
 */

/** Colours for marks on video, which is treated as dark whatever the theme. `unsure` is never an emotion's colour. */
export const COLOURS = Object.freeze({
  angry: "#F6440D", disgust: "#3FC688", fear: "#C8B5FD", happy: "#FCD646",
  sad: "#2A84F2", surprise: "#9EFBF3", neutral: "#89898B", unsure: "#C9CDD3",
});

/** Filled markers in a 12 × 12 box. */
export const SHAPES = Object.freeze({
  angry: "M6 1 11.5 11H.5z",
  disgust: "M6 .3 11.7 6 6 11.7.3 6z",
  fear: "M.5 1h11L6 11z",
  happy: "M6 .8a5.2 5.2 0 1 1 0 10.4A5.2 5.2 0 0 1 6 .8z",
  sad: "M1.2 1.2h9.6v9.6H1.2z",
  surprise: "M6 .2 7.7 4.1 11.9 4.5 8.7 7.3 9.65 11.5 6 9.3 2.35 11.5 3.3 7.3.1 4.5 4.3 4.1z",
  neutral: "M.5 4h11v4H.5z",
  unsure: "M6 .8a5.2 5.2 0 1 1 0 10.4A5.2 5.2 0 0 1 6 .8zM6 3.3a2.7 2.7 0 1 0 0 5.4A2.7 2.7 0 0 0 6 3.3z",
});

/** Line drawings in a 24 × 24 box: brows, eyes and mouth, to be stroked. */
export const GLYPHS = Object.freeze({
  angry: "M4.5 6.5 10 9.5M19.5 6.5 14 9.5M8 11.5v.6M16 11.5v.6M7.5 18.5q4.5-3.5 9 0",
  disgust: "M4.5 8.5 10 9M14 7.5q2.5-2 5.5-1M8 11.5v.6M16 11v.6M7 17.5q2.5-2.5 5-.5t5-1.5M10.8 13.5h2.4",
  fear: "M4.5 8 9.5 4.5M19.5 8 14.5 4.5M8 10.5v.8M16 10.5v.8M7.5 18q1-3.5 4.5-3.5t4.5 3.5q-4.5-1.3-9 0z",
  happy: "M5 8q2.5-2.5 5 0M14 8q2.5-2.5 5 0M8 11v.6M16 11v.6M6 14.5q6 7 12 0z",
  sad: "M4.5 9 9.5 6.5M19.5 9 14.5 6.5M8 11.5v.6M16 11.5v.6M8 18.5q4-4 8 0",
  surprise: "M4.5 6.5q2.7-3 5.5-.5M14 6q2.8-2.5 5.5.5M8 10.3v.8M16 10.3v.8M12 13.7a2.5 2.9 0 1 1 0 5.8 2.5 2.9 0 1 1 0-5.8z",
  neutral: "M4.5 7.5H10M14 7.5h5.5M8 11.3v.6M16 11.3v.6M8 17h8",
  unsure: "M8.5 9a3.5 3.5 0 1 1 5 3.15c-1 .5-1.5 1-1.5 2.35M12 18.5v.2",
});

const PLAIN_GLYPH = "M8 10.5v.8M16 10.5v.8M8.5 16.5h7";

/** @param {string} label @returns {string} the path of its line drawing; a plain face for any other class */
export const glyphOf = (label) => GLYPHS[label] ?? PLAIN_GLYPH;

const SVG = "http://www.w3.org/2000/svg";

/**
 * An SVG drawing, hidden from assistive technology: the word is next to it.
 * @param {string} path of `GLYPHS` or `SHAPES`
 * @param {"glyph" | "shape"} kind
 * @returns {SVGSVGElement}
 */
export function drawing(path, kind) {
  const svg = document.createElementNS(SVG, "svg");
  const side = kind === "glyph" ? 24 : 12;
  svg.setAttribute("viewBox", `0 0 ${side} ${side}`);
  svg.setAttribute("class", kind);
  svg.setAttribute("aria-hidden", "true");
  svg.append(document.createElementNS(SVG, "path"));
  redraw(svg, path);
  return svg;
}

/** Changes a drawing made by `drawing`. */
export function redraw(svg, path) {
  if (svg.firstChild.getAttribute("d") !== path) svg.firstChild.setAttribute("d", path);
}
