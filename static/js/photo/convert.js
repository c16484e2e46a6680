/** Pictures that this browser shows and the server does not read (GIF, AVIF, BMP, HEIC in Safari) are sent as JPEG. */

const READ_BY_SERVER = [
  [0xff, 0xd8, 0xff], // JPEG
  [0x89, 0x50, 0x4e, 0x47], // PNG
];
const LONG_SIDE = 2000;
const QUALITY = 0.92;
const HEAD_BYTES = 12;

/** @param {Uint8Array} head first twelve bytes @returns {boolean} JPEG, PNG or WebP, whatever its name says */
export function isReadByServer(head) {
  if (READ_BY_SERVER.some((mark) => mark.every((byte, i) => head[i] === byte))) return true;
  const text = String.fromCharCode(...head);
  return text.startsWith("RIFF") && text.slice(8, 12) === "WEBP";
}

/** @param {{width: number, height: number}} picture @param {number} longSide @returns {{width: number, height: number}} never enlarged */
export function fitted({ width, height }, longSide = LONG_SIDE) {
  const scale = Math.min(1, longSide / Math.max(width, height));
  return { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) };
}

/**
 * The bytes to send for a file.
 * @param {Blob} file
 * @returns {Promise<Blob | null>} the file itself, a JPEG made by this browser, or null if it can't decode the file
 */
export async function sendable(file) {
  const head = new Uint8Array(await file.slice(0, HEAD_BYTES).arrayBuffer());
  return isReadByServer(head) ? file : asJpeg(file);
}

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

const HEIC = /^(hei[cfsx]|mif1|msf1|hevc)/;

/** Whether a file is a photo of an iPhone, which most browsers do not show. @param {Blob} file */
export async function isHeic(file) {
  return HEIC.test(await file.slice(8, HEAD_BYTES).text());
}
