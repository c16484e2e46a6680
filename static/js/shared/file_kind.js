/** What a file is, told by its first bytes: its name and its type may say anything. */

const HEAD_BYTES = 512;

/**
 * @typedef {"picture" | "video" | "sound" | "document" | "archive" | "text" | "unknown"} Group
 * @typedef {{group: Group, kind: string}} Found `kind` is what people call the format, "" for text, the first bytes of what is unknown
 */

/** How files begin, each byte as one character. @type {[RegExp, Group, string][]} */
const BEGINNINGS = [
  [/^\xff\xd8\xff/, "picture", "JPEG"],
  [/^\x89PNG/, "picture", "PNG"],
  [/^RIFF.{4}WEBP/s, "picture", "WebP"],
  [/^GIF8[79]a/, "picture", "GIF"],
  [/^.{4}ftypavi[fs]/s, "picture", "AVIF"],
  [/^.{4}ftyp(hei[cfmsx]|hev[cmsx]|mif1|msf1)/s, "picture", "HEIC"],
  [/^(II\*\0|MM\0\*)/, "picture", "TIFF"],
  [/^BM.{4}\0{4}/s, "picture", "BMP"],
  [/^.{4}ftypM4A/s, "sound", "M4A"],
  [/^.{4}(ftypqt|moov|mdat|wide|pnot)/s, "video", "MOV"],
  [/^.{4}ftyp/s, "video", "MP4"],
  [/^\x1a\x45\xdf\xa3.*webm/s, "video", "WebM"],
  [/^\x1a\x45\xdf\xa3/, "video", "MKV"],
  [/^RIFF.{4}AVI /s, "video", "AVI"],
  [/^OggS/, "video", "Ogg"],
  [/^FLV\x01/, "video", "FLV"],
  [/^\x30\x26\xb2\x75/, "video", "WMV"],
  [/^\0\0\x01[\xba\xb3]/, "video", "MPEG"],
  [/^G.{187}G/s, "video", "MPEG-TS"],
  [/^RIFF.{4}WAVE/s, "sound", "WAV"],
  [/^fLaC/, "sound", "FLAC"],
  [/^(ID3|\xff[\xe2\xe3\xf2\xf3\xfa\xfb])/, "sound", "MP3"],
  [/^%PDF-/, "document", "PDF"],
  [/^PK(\x03\x04|\x05\x06)/, "archive", "ZIP"],
  [/^\x1f\x8b/, "archive", "GZIP"],
  [/^7z\xbc\xaf/, "archive", "7z"],
  [/^Rar!/, "archive", "RAR"],
  [/^(\xff\xfe|\xfe\xff)/, "text", ""],
  [/^[^\0-\x08\x0e-\x1a\x1c-\x1f]+$/, "text", ""],
];

/** @param {Uint8Array} head the first bytes of a file @returns {Found} */
export function kindOfHead(head) {
  const text = Array.from(head, (byte) => String.fromCharCode(byte)).join("");
  const [, group, kind] = BEGINNINGS.find(([beginning]) => beginning.test(text)) ?? [null, "unknown", hex(head)];
  return { group, kind };
}

/** @param {Blob} file @returns {Promise<Found>} rejects where the file cannot be read: a folder, or a file that was taken away */
export async function kindOf(file) {
  const head = file.size ? file.slice(0, HEAD_BYTES) : file; // a file that was taken away has no size, and only reading it fails
  return kindOfHead(new Uint8Array(await head.arrayBuffer()));
}

const hex = (head) => Array.from(head.slice(0, 4), (byte) => byte.toString(16).padStart(2, "0")).join(" ");
