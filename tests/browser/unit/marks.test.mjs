/** Words on the picture give way to numbers where they would hide faces. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { drawMarks, plateText } from "../../../static/js/faces/marks.js";

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

const word = { key: "happy", number: 0.9, pair: [] };
const marks = (count, step, side) => Array.from({ length: count }, (_, i) => ({
  face: { id: i + 1, word, style: "happy" }, box: { x: 10 + i * step, y: 60, w: side, h: side }, alpha: 1,
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

test("on a phone no word lies on a neighbour's face", () => {
  const { context, texts } = surface();
  const wide = { x: 0, y: 0, w: 700, h: 120 };
  assert.equal(drawMarks(context, marks(2, 110, 90), { ...wide, w: 312 }).crowd, true);
  assert.deepEqual(texts, ["1", "2"]);
  assert.equal(drawMarks(context, marks(2, 400, 90), { ...wide, h: 400 }).crowd, false);
});

test("a plate says the number only while there is one, and who only where there are several", () => {
  const page = { language: "en", t: (key, values = {}) => ({ "emotion.happy": "Happiness", "emotion.sad": "Sadness", "face.label": `Face ${values.id}`,
    "unsure.colon": "Unsure:", "unsure.pair": `${values.first} or ${values.second}?` })[key] };
  const face = (number) => ({ id: 2, name: "", word: { key: "happy", pair: [], number } });
  assert.deepEqual(plateText(face(0.9), 1, page), { bold: "Happiness 90%", rest: "" });
  assert.deepEqual(plateText(face(null), 2, page), { bold: "Happiness", rest: "  Face 2" });
  assert.deepEqual(plateText({ ...face(0.9), name: "Ann" }, 1, page), { bold: "Happiness 90%", rest: "  Ann" });
  const unsure = { id: 2, name: "", word: { key: "unsure", pair: ["sad", "happy"], number: null } };
  assert.deepEqual(plateText(unsure, 1, page), { bold: "Unsure:", rest: " sadness or happiness?" });
});
