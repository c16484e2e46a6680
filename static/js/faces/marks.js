/** Draws the marks of faces and their plates over a picture, once. */
import { COLOURS, SHAPES, glyphOf } from "./emotions.js";
import { hidden, placePlates } from "./geometry.js";
import { labelText, wordText } from "./text.js";

const CROWD = 6;
/** If plates of other faces hide more than this share of a face, plates show numbers instead of words. */
const COVERED = 0.33;
/** On a narrower picture, plates may hide almost nothing of a face; the row below shows the word. */
const NARROW_PX = 480;
const COVERED_NARROW = 0.04;
const PLATE = "rgba(11, 14, 19, 0.9)";
const EDGE = "#0B0E13";
const RIM = "rgba(255, 255, 255, 0.22)"; // makes the edge of a plate visible on a dark picture
const FONT = "system-ui, sans-serif";

/**
 * The text of a plate.
 * @param {import("./faces.js").ShownFace} face
 * @param {number} count of faces in view
 * @param {import("./text.js").Words} page
 * @returns {{bold: string, rest: string}}
 */
export function plateText(face, count, page) {
  const { bold, rest } = wordText(face.word, page);
  const label = labelText(face, count, page);
  const name = label ? `  ${label}` : "";
  if (face.word.key === "unsure") return { bold, rest: ` ${rest}${name}` };
  return { bold: rest ? `${bold} ${rest}` : bold, rest: name };
}

/**
 * Draws faces once. Shared by the live overlay, photos and snapshots.
 * @param {CanvasRenderingContext2D} context in CSS pixels
 * @param {{face: import("./faces.js").ShownFace, box: object, alpha: number, text: {bold: string, rest: string}, side?: string,
 *   selected?: boolean}[]} marks largest first; boxes in the context's units
 * @param {{x: number, y: number, w: number, h: number}} bounds plates stay inside
 * @param {boolean} wasCrowded whether the last drawing showed numbers instead of words; numbers stay until there is ample room
 * @returns {{plates: object[], crowd: boolean}} positions of the plates, and whether numbers are shown instead of words
 */
export function drawMarks(context, marks, bounds, wasCrowded = false) {
  const size = Math.min(22, Math.max(14, bounds.w / 48));
  const place = (items, crowd) =>
    placePlates(items.map(({ box, text, side }) => ({ box, side, size: measure(context, text, size, crowd) })), bounds);
  let plates = place(marks, false);
  const limit = bounds.w < NARROW_PX ? COVERED_NARROW : COVERED;
  const covered = hidden(plates, marks.map(({ box }) => box));
  const crowd = marks.length > CROWD || covered > limit * (wasCrowded ? 0.5 : 1);
  if (crowd) {
    marks = marks.map((mark) => ({ ...mark, text: numberOnly(mark.face) }));
    plates = place(marks, crowd);
  }
  marks.forEach((mark) => drawMark(context, mark));
  marks.forEach((mark, i) => drawPlate(context, mark, plates[i], size, crowd));
  context.globalAlpha = 1;
  return { plates, crowd };
}

const numberOnly = ({ id }) => ({ bold: String(id), rest: "" });

function drawMark(context, { face, box, alpha, selected }) {
  const unsure = face.word.key === "unsure";
  const radius = Math.min(box.w, box.h) * 0.12;
  context.globalAlpha = alpha;
  context.beginPath();
  context.roundRect(box.x, box.y, box.w, box.h, radius);
  context.setLineDash([]);
  context.strokeStyle = EDGE;
  context.lineWidth = selected ? 7 : 5;
  context.stroke();
  context.setLineDash(unsure ? [9, 7] : []);
  context.strokeStyle = COLOURS[face.style];
  context.lineWidth = selected ? 5 : 3;
  context.stroke();
  context.setLineDash([]);
}

function measure(context, text, size, crowd) {
  context.font = `700 ${size}px ${FONT}`;
  const bold = context.measureText(text.bold).width;
  context.font = `400 ${size}px ${FONT}`;
  const rest = text.rest ? context.measureText(text.rest).width : 0;
  const swatch = size * (crowd ? 1.4 : 1.25);
  return { w: bold + rest + swatch + size * 0.9, h: size * 1.75, bold, swatch };
}

function drawPlate(context, { face, box, alpha, text }, plate, size, crowd) {
  const { bold, swatch } = measure(context, text, size, crowd);
  const middle = plate.y + plate.h / 2;
  context.globalAlpha = alpha;
  if (plate.moved) drawLeader(context, box, plate, COLOURS[face.style]);
  context.fillStyle = PLATE;
  context.beginPath();
  context.roundRect(plate.x, plate.y, plate.w, plate.h, size * 0.4);
  context.fill();
  context.strokeStyle = RIM;
  context.lineWidth = 1;
  context.stroke();
  const left = plate.x + size * 0.45;
  if (crowd) drawPath(context, glyphOf(face.word.key), left, middle - size * 0.6, (size * 1.2) / 24, { stroke: "#FFFFFF", width: 2.2 });
  else drawPath(context, SHAPES[face.style], left, middle - size * 0.45, (size * 0.9) / 12, { fill: COLOURS[face.style] });
  context.fillStyle = "#FFFFFF";
  context.textBaseline = "middle";
  context.font = `700 ${size}px ${FONT}`;
  context.fillText(text.bold, left + swatch, middle + size * 0.04);
  context.font = `400 ${size}px ${FONT}`;
  if (text.rest) context.fillText(text.rest, left + swatch + bold, middle + size * 0.04);
}

function drawLeader(context, box, plate, colour) {
  const clamp = (value, low, high) => Math.min(Math.max(value, low), high);
  context.beginPath();
  const [x, y] = [plate.x + plate.w / 2, plate.y + plate.h / 2];
  context.moveTo(x, y);
  context.lineTo(clamp(x, box.x, box.x + box.w), clamp(y, box.y, box.y + box.h));
  context.lineWidth = 4;
  context.strokeStyle = EDGE;
  context.stroke();
  context.lineWidth = 2;
  context.strokeStyle = colour;
  context.stroke();
}

function drawPath(context, path, x, y, scale, { fill, stroke, width }) {
  context.save();
  context.translate(x, y);
  context.scale(scale, scale);
  const shape = new Path2D(path);
  if (fill) {
    context.fillStyle = fill;
    context.fill(shape, "evenodd");
  } else {
    context.strokeStyle = stroke;
    context.lineWidth = width;
    context.lineCap = "round";
    context.lineJoin = "round";
    context.stroke(shape);
  }
  context.restore();
}

/** Sizes a canvas to its box on the screen and returns a context in CSS pixels, cleared. */
export function prepare(canvas) {
  const ratio = devicePixelRatio || 1;
  const { clientWidth, clientHeight } = canvas;
  const [width, height] = [Math.round(clientWidth * ratio), Math.round(clientHeight * ratio)];
  if (canvas.width !== width) canvas.width = width;
  if (canvas.height !== height) canvas.height = height;
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, clientWidth, clientHeight);
  return context;
}
