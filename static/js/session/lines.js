/** All emotions of one face as lines over time, on a scale that is always 0 to 100 %. */
import { DASHES, LINE_PX } from "./paint.js";
import { xOf } from "./scale.js";

const FONT = "14px system-ui, sans-serif";
const NAME_PX = 17;
/** More names than this are not all written. */
const MOST_NAMES = 12;

/** @param {number} count of the labels @returns {number} height in px at which every line has its name at its end */
export const linesHeight = (count) => Math.min(count, MOST_NAMES) * NAME_PX + 7;

/**
 * In place of uPlot 1.6.32, which takes longer for the same lines and is twelve times the size: docs/sessions.md.
 * @param {CanvasRenderingContext2D} context cleared, in CSS pixels
 * @param {number} width
 * @param {number} height
 * @param {{track: import("./history.js").Track, edges: {fromS: number, toS: number}, names: string[], styleOf: (key: number) => string,
 *   percent: (fraction: number) => string}} scene names and styles in label order
 * @param {import("./paint.js").Paint} paint
 */
export function drawLines(context, width, height, { track, edges, names, styleOf, percent }, paint) {
  context.font = FONT;
  const right = width - Math.max(...names.map((name) => context.measureText(name).width)) - 12;
  const left = context.measureText(percent(1)).width + 8;
  const [top, bottom] = [6, height - 6];
  const yOf = (value) => bottom - value * (bottom - top);
  drawScale(context, left, right, yOf, percent, paint);
  const points = visible(track, edges, right - left);
  context.save();
  context.beginPath();
  context.rect(left, 0, right - left, height);
  context.clip();
  context.lineJoin = "round";
  names.forEach((_, i) => {
    const style = styleOf(i);
    context.strokeStyle = paint.colour(style);
    context.lineWidth = LINE_PX[style] ?? 2;
    context.setLineDash(DASHES[style]);
    context.beginPath();
    let isOpen = false;
    for (const sample of points) {
      const x = left + xOf(sample.from_s, edges, right - left);
      if (isOpen) context.lineTo(x, yOf(sample.vector[i]));
      else context.moveTo(x, yOf(sample.vector[i]));
      isOpen = !sample.isLast;
    }
    context.stroke();
  });
  context.restore();
  context.setLineDash([]);
  drawNames(context, right + 4, height, points.at(-1), { names, styleOf, yOf }, paint);
}

function drawScale(context, left, right, yOf, percent, paint) {
  context.textBaseline = "middle";
  for (const value of [0, 0.5, 1]) {
    context.fillStyle = paint.colour("hairline");
    context.fillRect(left, Math.round(yOf(value)), right - left, 1);
    context.fillStyle = paint.colour("muted");
    context.fillText(percent(value), 0, Math.min(Math.max(yOf(value), 8), yOf(0) - 2));
  }
}

/** Samples of the window, a pixel and a half apart or more. `isLast` ends a line: the face was absent after it. */
function visible(track, edges, width) {
  const points = [];
  const nearest = ((edges.toS - edges.fromS) / width) * 1.5;
  for (let row = Math.max(0, track.rowAt(edges.fromS)); row < track.length; row++) {
    const sample = track.sample(row);
    if (sample.from_s > edges.toS) break;
    const next = row + 1 < track.length ? track.sample(row + 1).from_s : Infinity;
    sample.isLast = next - sample.to_s > 0.05;
    const previous = points.at(-1);
    if (previous && !previous.isLast && !sample.isLast && sample.from_s - previous.from_s < nearest) continue;
    points.push(sample);
  }
  return points;
}

/** Names at the lines' ends, moved apart so that none covers another. */
function drawNames(context, x, height, last, { names, styleOf, yOf }, paint) {
  if (!last) return;
  const room = Math.min(NAME_PX, height / names.length);
  const places = names.map((name, i) => ({ name, i, y: yOf(last.vector[i]) })).sort((a, b) => a.y - b.y);
  places.forEach((place, n) => (place.y = Math.max(place.y, n ? places[n - 1].y + room : room / 2)));
  let floor = height - room / 2;
  for (const place of [...places].reverse()) {
    place.y = Math.min(place.y, floor);
    floor = place.y - room;
  }
  // If the names do not fit, only the largest values are named.
  const fitting = Math.max(1, Math.floor(height / NAME_PX));
  const shown = room < NAME_PX - 2 ? spread(names, last.vector, fitting, height, yOf) : places;
  for (const { name, i, y } of shown) {
    paint.shape(context, styleOf(i), x - 8, y - 6, 12);
    context.fillStyle = paint.colour("text");
    context.fillText(name, x + 6, y);
  }
}

function spread(names, vector, count, height, yOf) {
  const largest = names.map((name, i) => ({ name, i, y: yOf(vector[i]) })).sort((a, b) => vector[b.i] - vector[a.i]).slice(0, count);
  let floor = height - NAME_PX / 2;
  for (const place of [...largest].sort((a, b) => b.y - a.y)) {
    place.y = Math.min(place.y, floor);
    floor = place.y - NAME_PX;
  }
  let roof = NAME_PX / 2;
  for (const place of [...largest].sort((a, b) => a.y - b.y)) {
    place.y = Math.max(place.y, roof);
    roof = place.y + NAME_PX;
  }
  return largest;
}
