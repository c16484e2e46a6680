/** The classes of a model trained on other pictures, as the page shows them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { COLOURS, SHAPES, glyphOf } from "../../../static/js/faces/emotions.js";
import { asName } from "../../../static/js/shared/format.js";
import { EMOTIONS, Labels } from "../../../static/js/shared/labels.js";

test("the seven emotions keep their own looks", () => {
  const labels = new Labels(undefined);
  assert.deepEqual(labels.names, EMOTIONS);
  for (const name of [...EMOTIONS, "unsure"]) assert.equal(labels.styleOf(name), name);
  assert.deepEqual(new Labels([]).names, EMOTIONS);
});

test("other classes are read in their own order and look unlike each other", () => {
  const labels = new Labels(["asleep", "awake", "yawning"]);
  assert.deepEqual(labels.vector({ yawning: 0.1, asleep: 0.2, awake: 0.7 }), [0.2, 0.7, 0.1]);
  const styles = labels.names.map((name) => labels.styleOf(name));
  assert.equal(new Set(styles).size, 3);
  for (const style of styles) assert.ok(COLOURS[style] && SHAPES[style]);
  assert.ok(glyphOf("yawning"));
});

test("a folder's name becomes a word", () => {
  assert.equal(asName("half_asleep"), "Half asleep");
});
