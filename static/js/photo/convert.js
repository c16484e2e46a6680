/** Pictures that this browser shows and the server does not read (GIF, AVIF, BMP, HEIC in Safari) are sent as JPEG. */

const READ_BY_SERVER = new Set(["JPEG", "PNG", "WebP"]);
const LONG_SIDE = 2000;
const QUALITY = 0.92;

/** @param {{width: number, height: number}} picture @param {number} longSide @returns {{width: number, height: number}} never enlarged */
export function fitted({ width, height }, longSide = LONG_SIDE) {
  const scale = Math.min(1, longSide / Math.max(width, height));
  return { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) };
}

/**
 * The bytes to send for a file.
 * @param {Blob} file
 * @param {import("../shared/file_kind.js").Found} found what it is, whatever its name says
 * @returns {Promise<Blob | null>} the file itself, a JPEG made by this browser, or null if it can't decode the file
 */
export const sendable = async (file, { kind }) => (READ_BY_SERVER.has(kind) ? file : asJpeg(file));

async function asJpeg(file) {
  let picture;
  try {
    picture = await createImageBitmap(file);
  } catch {
    return null;
  }
  const canvas = Object.assign(document.createElement("canvas"), fitted(picture));
  const context = canvas.getContext("2d", { alpha: false });
  context.fillStyle = "#FFFFFF";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(picture, 0, 0, canvas.width, canvas.height);
  picture.close();
  return new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", QUALITY));
}
