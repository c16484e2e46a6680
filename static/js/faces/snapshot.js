/** Saves a picture with its marks, never mirrored, as a PNG. */
import { fileStamp } from "../shared/format.js";
import { contain, project } from "./geometry.js";
import { drawMarks, plateText } from "./marks.js";

const LONG_SIDE = 1280;

/**
 * @param {ImageBitmap} picture
 * @param {import("./faces.js").ShownFace[]} faces
 * @param {import("./text.js").Words} page
 * @returns {Promise<Blob>} PNG
 */
export async function takeSnapshot(picture, faces, page) {
  // Small pictures are drawn larger, so that the words stay readable.
  const scale = Math.max(1, LONG_SIDE / Math.max(picture.width, picture.height));
  const canvas = Object.assign(document.createElement("canvas"), {
    width: Math.round(picture.width * scale), height: Math.round(picture.height * scale),
  });
  const context = canvas.getContext("2d");
  context.drawImage(picture, 0, 0, canvas.width, canvas.height);
  const view = contain(canvas.width, canvas.height, canvas.width, canvas.height);
  const marks = faces.map((face) => ({ face, box: project(face.box, view, false), alpha: 1, text: plateText(face, faces.length, page) }));
  marks.sort((a, b) => b.box.w * b.box.h - a.box.w * a.box.h);
  drawMarks(context, marks, { x: 8, y: 8, w: canvas.width - 16, h: canvas.height - 16 });
  return new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
}

/** Hands a file to the browser's downloads. */
export function save(blob, prefix, extension) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = `${prefix}_${fileStamp(new Date())}.${extension}`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}
