/** Heat maps: which parts of a face support the shown emotion, and which oppose it. */
import { analyse } from "./upload.js";

/** Colours of the strongest values: red and blue, which are distinct in every kind of colour vision. */
const FOR_RGB = [230, 60, 20];
const AGAINST_RGB = [40, 110, 255];
const STRONGEST_ALPHA = 190;

/**
 * Asks the server once per photograph.
 * @param {Blob} picture as it was sent
 * @returns {Promise<(number[][] | undefined)[] | null>} a grid of values from −1 to 1 per face, in the order of the
 *   reading; null where the server does not answer
 */
export async function heatMaps(picture) {
  const answer = await analyse(picture, () => {}, { explain: true }).answer;
  return answer.ok ? answer.faces.map(({ heat }) => heat) : null;
}

/**
 * @param {number[][]} heat rows from the top, −1 to 1
 * @returns {Uint8ClampedArray} RGBA of a picture with one pixel per value
 */
export function heatPixels(heat) {
  const strongest = Math.max(1e-6, ...heat.flat().map(Math.abs));
  return Uint8ClampedArray.from(heat.flat().flatMap((value) =>
    [...(value > 0 ? FOR_RGB : AGAINST_RGB), STRONGEST_ALPHA * (Math.abs(value) / strongest)]));
}

/** The same as a small canvas, to be drawn over the face. */
export function heatPicture(heat) {
  const canvas = Object.assign(document.createElement("canvas"), { width: heat[0].length, height: heat.length });
  canvas.getContext("2d").putImageData(new ImageData(heatPixels(heat), canvas.width), 0, 0);
  return canvas;
}
