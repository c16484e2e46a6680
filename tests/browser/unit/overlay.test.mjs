/** Words on the picture give way to numbers where they would hide faces. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { drawMarks } from "../../../static/js/faces/overlay.js";

globalThis.Path2D = class {};

/** A drawing surface that remembers the text it was given; a letter is 8 px wide. */
function surface() {
  const texts = [];
  const context = new Proxy({}, {
    get: (_, name) => {
      if (name === "measureText") return (text) => ({ width: text.length * 8 });
      if (name === "fillText") return (text) => texts.push(text);
      return () => {};
    },
    set: () => true,
  });
  return { context, texts };
}

const word = { key: "happy", confidence: 0.9, pair: ["happy", "neutral"] };
const marks = (count, step, side) => Array.from({ length: count }, (_, i) => ({
  face: { id: i + 1, word, read: { word } }, box: { x: 10 + i * step, y: 60, w: side, h: side }, alpha: 1,
  text: { bold: "Happiness 90 %", rest: `  Face ${i + 1}` },
}));

test("four faces close together get numbers", () => {
  const { context, texts } = surface();
  assert.equal(drawMarks(context, marks(4, 70, 40), { x: 0, y: 0, w: 300, h: 120 }).crowd, true);
  assert.deepEqual(texts, ["1", "2", "3", "4"]);
});

test("faces with room keep their words, many faces never do", () => {
  const { context, texts } = surface();
  assert.equal(drawMarks(context, marks(2, 400, 80), { x: 0, y: 0, w: 800, h: 400 }).crowd, false);
  assert.ok(texts.includes("Happiness 90 %"));
  assert.equal(drawMarks(context, marks(7, 400, 80), { x: 0, y: 0, w: 3000, h: 400 }).crowd, true);
});
