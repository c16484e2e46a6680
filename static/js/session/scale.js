/** Calculates the visible window of a timeline, and converts between times and pixels. */
export { clock } from "../shared/format.js";

/** The windows to choose from, in seconds; 0 shows everything. */
export const WINDOWS_S = Object.freeze([30, 120, 0]);

/**
 * @typedef {object} View
 * @property {number} startS of the history
 * @property {number} endS of the history
 * @property {number} windowS length of the window, 0 for everything
 * @property {number | null} cursorS time of the cursor; null follows the end
 */

/**
 * The edges of the window. Without a cursor, the window fills from the left and then moves with the end. A cursor is in the
 * middle, except near the ends of the history.
 * @param {View} view
 * @returns {{fromS: number, toS: number}}
 */
export function edges({ startS, endS, windowS, cursorS }) {
  if (!windowS) return { fromS: startS, toS: Math.max(endS, startS + 1) };
  const last = Math.max(endS, startS + windowS);
  const toS = cursorS === null ? last : Math.min(Math.max(cursorS + windowS / 2, startS + windowS), last);
  return { fromS: toS - windowS, toS };
}

/** Edges that move by whole pixels only, so that a ribbon does not shimmer while it moves. */
export function onPixels({ fromS, toS }, width) {
  const perPixel = (toS - fromS) / width;
  const moved = Math.ceil(toS / perPixel - 1e-9) * perPixel;
  return { fromS: moved - (toS - fromS), toS: moved };
}

/** A time in the scale of a window. @returns {number} pixels from its left edge */
export const xOf = (timeS, { fromS, toS }, width) => ((timeS - fromS) / (toS - fromS)) * width;

/** @returns {number} the time under a pixel */
export const timeAt = (x, { fromS, toS }, width) => fromS + (x / width) * (toS - fromS);
