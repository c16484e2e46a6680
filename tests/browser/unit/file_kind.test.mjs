/** What a file is, by its first bytes. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { kindOf, kindOfHead } from "../../../static/js/shared/file_kind.js";

const head = (...parts) => Uint8Array.from(parts.flatMap((part) => (typeof part === "string" ? [...part].map((c) => c.charCodeAt(0)) : part)));
const box = (brand) => head([0, 0, 0, 32], brand, [0, 0, 2, 0]);

const CASES = [
  [head([0xff, 0xd8, 0xff, 0xe0], "12345678"), "picture", "JPEG"],
  [head([0x89], "PNG", [13, 10, 26, 10], "1234"), "picture", "PNG"],
  [head("RIFF", [1, 10, 3, 4], "WEBP"), "picture", "WebP"],
  [head("GIF89a123456"), "picture", "GIF"],
  [head("BM", [70, 0, 0, 0, 0, 0, 0, 0, 54]), "picture", "BMP"],
  [head("II*", [0, 8]), "picture", "TIFF"],
  [box("ftypavif"), "picture", "AVIF"],
  [box("ftypheic"), "picture", "HEIC"],
  [box("ftypisom"), "video", "MP4"],
  [box("ftypqt  "), "video", "MOV"],
  [box("moov"), "video", "MOV"],
  [box("ftypM4A "), "sound", "M4A"],
  [head([0x1a, 0x45, 0xdf, 0xa3], "....B", [0x82], "webm"), "video", "WebM"],
  [head([0x1a, 0x45, 0xdf, 0xa3], "matroska"), "video", "MKV"],
  [head("RIFF1234AVI LIST"), "video", "AVI"],
  [head("RIFF1234WAVEfmt "), "sound", "WAV"],
  [head([0xff, 0xfb, 0x90, 0]), "sound", "MP3"],
  [head("%PDF-1.7"), "document", "PDF"],
  [head("PK", [3, 4]), "archive", "ZIP"],
  [head("not a video"), "text", ""],
  [head("BM is how this text begins"), "text", ""],
  [head([0xff, 0xfe], "t", [0]), "text", ""],
  [head("caf", [0xe9]), "text", ""],
  [head([0, 0, 0, 0, 0]), "unknown", "00 00 00 00"],
  [head([1, 2]), "unknown", "01 02"],
  [head(), "unknown", ""],
];

test("the first bytes tell what a file is, whatever its name says", () => {
  for (const [bytes, group, kind] of CASES) assert.deepEqual(kindOfHead(bytes), { group, kind }, `${kind || group} ${bytes}`);
});

test("a file is asked for its beginning alone", async () => {
  assert.deepEqual(await kindOf(new Blob(["GIF89a", new Uint8Array(5000)])), { group: "picture", kind: "GIF" });
  await assert.rejects(kindOf({ size: 4096, slice: () => ({ arrayBuffer: () => Promise.reject(new Error("a folder")) }) }));
});
