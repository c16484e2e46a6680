/** Photographs: which are sent as they are, in which order they are read, and what an answer means. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { fitted, sendable } from "../../../static/js/photo/convert.js";
import { heatPixels } from "../../../static/js/photo/heat.js";
import { Queue } from "../../../static/js/photo/queue.js";
import { photoState } from "../../../static/js/photo/upload.js";

test("what the server reads is sent as it is", async () => {
  const file = new Blob(["…"]);
  for (const kind of ["JPEG", "PNG", "WebP"]) assert.equal(await sendable(file, { group: "picture", kind }), file);
});

test("a picture is made smaller to fit, never larger, never empty", () => {
  assert.deepEqual(fitted({ width: 4000, height: 1000 }), { width: 2000, height: 500 });
  assert.deepEqual(fitted({ width: 300, height: 200 }), { width: 300, height: 200 });
  assert.deepEqual(fitted({ width: 9000, height: 1 }), { width: 2000, height: 1 });
});

test("two are read at a time, the first chosen first, and one that was taken away is not read", async () => {
  const begun = [];
  const ends = [];
  const queue = new Queue((shot) => (begun.push(shot), new Promise((resolve) => ends.push(resolve))));
  for (const shot of ["a", "b", "c", "d"]) queue.add(shot);
  assert.deepEqual(begun, ["a", "b"]);
  queue.remove("c");
  ends[1]();
  await new Promise(setImmediate);
  assert.deepEqual(begun, ["a", "b", "d"]);
});

test("support for the word is red, opposition blue, in proportion to the strongest value", () => {
  const [r, g, b, a, r2, , b2, a2, , , , none] = heatPixels([[0.5, -0.25, 0]]);
  assert.ok(r > b && b2 > r2 && g < r);
  assert.equal(a, 2 * a2);
  assert.equal(none, 0);
});

test("answers by their code", () => {
  assert.equal(photoState({ ok: true, faces: [{}] }), "done");
  assert.equal(photoState({ ok: true, faces: [] }), "nobody");
  assert.equal(photoState({ ok: false, code: "bad_image" }), "damaged");
  assert.equal(photoState({ ok: false, code: "offline" }), "offline");
  assert.equal(photoState({ ok: false, code: "internal" }), "error");
});
