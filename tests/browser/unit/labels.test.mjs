/** The classes of a model trained on other pictures, as the page shows them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { COLOURS, EMOTIONS, LABELS, SHAPES, glyphOf, styleOf, toVector, useLabels } from "../../../static/js/faces/emotions.js";
import { asName } from "../../../static/js/shared/format.js";

test("the seven emotions keep their own looks", () => {
  assert.deepEqual(LABELS, EMOTIONS);
  for (const name of [...EMOTIONS, "unsure"]) assert.equal(styleOf(name), name);
  useLabels(undefined);
  assert.deepEqual(LABELS, EMOTIONS);
});

test("other classes are read in their own order and look unlike each other", () => {
  useLabels(["asleep", "awake", "yawning"]);
  assert.deepEqual(toVector({ yawning: 0.1, asleep: 0.2, awake: 0.7 }), [0.2, 0.7, 0.1]);
  const styles = LABELS.map(styleOf);
  assert.equal(new Set(styles).size, 3);
  for (const style of styles) assert.ok(COLOURS[style] && SHAPES[style]);
  assert.ok(glyphOf("yawning"));
  useLabels(EMOTIONS);
});

test("a folder's name becomes a word", () => {
  assert.equal(asName("half_asleep"), "Half asleep");
});
