/** Draws the ribbons: one per face, with bands for interruptions, recorded and excluded ranges, and markers. */
import { ABSENT, UNSURE, pixels, runs } from "./ribbon.js";
import { xOf } from "./scale.js";

const FONT = "14px system-ui, sans-serif";
const SHAPE_PX = 14;
const UNDERLINE_PX = 3;

/**
 * @typedef {object} Scene
 * @property {import("./history.js").Track[]} tracks from top to bottom
 * @property {import("./recording.js").Gap[]} gaps
 * @property {{fromS: number, toS: number}} edges
 * @property {number} rowPx height of a ribbon with the room under it
 * @property {number | null} cursorS
 * @property {import("./recording.js").Range | null} recorded `to_s` null: not ended
 * @property {number} endS of the history
 * @property {import("./recording.js").Range[]} excluded `to_s` null: not ended
 * @property {import("./recording.js").Marker[]} markers
 * @property {(key: number) => string} styleOf an emotion's style by the index of its label
 * @property {(name: string) => string} word of a band
 */

/**
 * @param {CanvasRenderingContext2D} context cleared, in CSS pixels
 * @param {number} width
 * @param {number} height
 * @param {Scene} scene
 * @param {import("./paint.js").Paint} paint
 */
export function drawRibbons(context, width, height, scene, paint) {
  height = Math.min(height, Math.max(1, scene.tracks.length) * scene.rowPx);
  scene.tracks.forEach((track, row) => drawRibbon(context, track, row * scene.rowPx, width, scene, paint));
  const place = (timeS) => Math.min(width, Math.max(0, xOf(timeS, scene.edges, width)));
  for (const { kind, from_s, to_s } of scene.gaps) {
    drawBand(context, place(from_s), place(to_s ?? scene.endS), height, scene.word(`timeline.${kind}`), paint);
  }
  for (const { from_s, to_s } of scene.excluded) drawExcluded(context, place(from_s), place(to_s ?? scene.endS), height, scene.word("timeline.excluded"), paint);
  if (scene.recorded) {
    const [left, right] = [place(scene.recorded.from_s), place(scene.recorded.to_s ?? scene.endS)];
    context.fillStyle = paint.colour("danger");
    context.fillRect(left, height - UNDERLINE_PX, right - left, UNDERLINE_PX);
  }
  for (const { t_s, name } of scene.markers) drawMarker(context, xOf(t_s, scene.edges, width), width, height, name, paint);
  if (scene.cursorS !== null) {
    context.fillStyle = paint.colour("accent");
    context.fillRect(Math.round(xOf(scene.cursorS, scene.edges, width)) - 1, 0, 2, height);
  }
}

function drawRibbon(context, track, top, width, { edges, endS, rowPx, styleOf }, paint) {
  const tall = rowPx - 4;
  const base = top + tall;
  const { keys, heights } = pixels(track, edges.fromS, edges.toS, Math.round(width));
  keys.fill(ABSENT, Math.max(0, Math.ceil(xOf(endS, edges, width)))); // the newest sample reaches a second into the future
  drawBase(context, keys, base, paint);
  for (const { from, to, key, hasGlyph } of runs(keys)) {
    const style = key === UNSURE ? "unsure" : styleOf(key);
    const colour = paint.colour(style);
    context.globalAlpha = 0.16;
    context.fillStyle = colour;
    context.fillRect(from, top, to - from, tall);
    context.globalAlpha = 1;
    context.beginPath();
    context.moveTo(from, base);
    for (let x = from; x < to; x++) {
      const y = base - Math.max(2, heights[x] * tall);
      context.lineTo(x, y);
      context.lineTo(x + 1, y);
    }
    context.lineTo(to, base);
    context.fillStyle = key === UNSURE ? paint.hatch(context) : colour;
    context.fill();
    if (hasGlyph) paint.shape(context, style, from + 1, top + Math.max(0, (tall - SHAPE_PX) / 2), SHAPE_PX);
  }
}

function drawBase(context, keys, base, paint) {
  context.fillStyle = paint.colour("muted");
  for (let x = 0; x < keys.length; x += 5) if (keys[x] === ABSENT) context.fillRect(x, base - 1, 2, 1.5);
}

function drawBand(context, left, right, height, name, paint) {
  if (right - left < 1) return;
  context.fillStyle = paint.colour("surface");
  context.fillRect(left, 0, right - left, height);
  context.globalAlpha = 0.25;
  context.fillStyle = paint.colour("muted");
  context.fillRect(left, 0, right - left, height);
  context.globalAlpha = 1;
  edge(context, left, height, paint.colour("muted"));
  edge(context, right - 1, height, paint.colour("muted"));
  label(context, name, left, right, height / 2, paint.colour("text"));
}

function drawExcluded(context, left, right, height, name, paint) {
  if (right - left < 1) return;
  context.globalAlpha = 0.8;
  context.fillStyle = paint.colour("bg");
  context.fillRect(left, 0, right - left, height);
  context.globalAlpha = 1;
  context.strokeStyle = paint.colour("danger");
  context.lineWidth = 1;
  context.save();
  context.beginPath();
  context.rect(left, 0, right - left, height);
  context.clip();
  context.beginPath();
  for (let x = left - height; x < right; x += 10) {
    context.moveTo(x, 0);
    context.lineTo(x + height, height);
  }
  context.stroke();
  context.restore();
  edge(context, left, height, paint.colour("danger"));
  edge(context, right - 1, height, paint.colour("danger"));
  label(context, name, left, right, height / 2, paint.colour("text"), paint.colour("bg"));
}

function drawMarker(context, x, width, height, name, paint) {
  if (x < 0 || x > width) return;
  context.fillStyle = paint.colour("text");
  context.fillRect(Math.round(x) - 1, 0, 2, height);
  context.font = FONT;
  const wide = context.measureText(name).width + 8;
  const left = Math.min(x, width - wide);
  context.beginPath();
  context.roundRect(left, 0, wide, 18, 3);
  context.fill();
  context.fillStyle = paint.colour("bg");
  context.textBaseline = "middle";
  context.fillText(name, left + 4, 9.5);
}

function edge(context, x, height, colour) {
  context.fillStyle = colour;
  context.fillRect(Math.round(x), 0, 1, height);
}

/** A word in the middle of a stretch, if there is room for all of it. */
function label(context, text, left, right, middle, colour, behind) {
  context.font = FONT;
  const wide = context.measureText(text).width;
  if (wide + 8 > right - left) return;
  const x = (left + right - wide) / 2;
  if (behind) {
    context.fillStyle = behind;
    context.fillRect(x - 4, middle - 10, wide + 8, 20);
  }
  context.fillStyle = colour;
  context.textBaseline = "middle";
  context.fillText(text, x, middle);
}
