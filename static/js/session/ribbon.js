/** Turns a face's history into a ribbon: emotion and height of each pixel, and positions of the glyphs. */
import { UNSURE } from "./history.js";

/** A change gets its glyph where it is at least this wide. */
const GLYPH_FROM_PX = 14;

/** Nothing is known of the face at this pixel. */
export const ABSENT = 254;

/**
 * What each pixel of a window shows. Of several emotions under one pixel it is the one shown longest, and the height is their mean.
 * @param {import("./history.js").Track} track
 * @param {number} fromS left edge
 * @param {number} toS right edge
 * @param {number} width in pixels
 * @returns {{keys: Uint8Array, heights: Float32Array}} an index of a label, `UNSURE` or `ABSENT`; 0–1
 */
export function pixels(track, fromS, toS, width) {
  const keys = new Uint8Array(width).fill(ABSENT);
  const heights = new Float32Array(width);
  const covered = new Float32Array(width);
  const kinds = track.width + 1; // the labels, and unsure
  const shown = new Float32Array(width * kinds);
  const perS = width / (toS - fromS);
  for (let row = Math.max(0, track.rowAt(fromS)); row < track.length; row++) {
    const sample = track.sample(row);
    if (sample.from_s >= toS) break;
    const left = Math.max(0, (sample.from_s - fromS) * perS);
    const right = Math.min(width, (sample.to_s - fromS) * perS);
    for (let x = Math.floor(left); x < right; x++) {
      const part = Math.min(x + 1, right) - Math.max(x, left);
      covered[x] += part;
      heights[x] += part * sample.confidence;
      shown[x * kinds + Math.min(sample.key, track.width)] += part;
    }
  }
  for (let x = 0; x < width; x++) {
    if (!covered[x]) continue;
    heights[x] /= covered[x];
    const votes = shown.subarray(x * kinds, (x + 1) * kinds);
    const most = votes.indexOf(Math.max(...votes));
    keys[x] = most === track.width ? UNSURE : most;
  }
  return { keys, heights };
}

/**
 * Stretches of one emotion.
 * @param {Uint8Array} keys as `pixels` gives them
 * @returns {{from: number, to: number, key: number, hasGlyph: boolean}[]} in pixels, `to` not included
 */
export function runs(keys) {
  const found = [];
  for (let from = 0, to; from < keys.length; from = to) {
    for (to = from + 1; to < keys.length && keys[to] === keys[from]; ) to += 1;
    if (keys[from] !== ABSENT) found.push({ from, to, key: keys[from], hasGlyph: to - from >= GLYPH_FROM_PX });
  }
  return found;
}

export { UNSURE };
