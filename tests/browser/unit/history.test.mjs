/** The memory of a session: what is kept, for how long, and what a ribbon makes of it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { History, UNSURE } from "../../../static/js/session/history.js";
import { ABSENT, pixels, runs } from "../../../static/js/session/ribbon.js";
import { EMOTIONS, face, reading } from "./support.mjs";

const HAPPY = EMOTIONS.indexOf("happy");
const NEUTRAL = EMOTIONS.indexOf("neutral");

/** `seconds` of 25 answers a second. */
function lived(seconds, facesAt, options) {
  const history = new History(EMOTIONS, options);
  for (let i = 0; i < seconds * 25; i++) history.add(reading(i / 25, facesAt(i / 25), i));
  return history;
}

test("an empty history has no time and no faces", () => {
  const history = new History(EMOTIONS);
  assert.deepEqual(history.tracks(), []);
  assert.ok(Number.isNaN(history.startS));
  assert.equal(history.gapAt(0), null);
});

test("ten samples a second are kept for ten minutes, and means of seconds before that", () => {
  const [track] = lived(20 * 60, (t) => [face(1, t < 300 ? "happy" : "neutral", 0.6)]).tracks();
  const fine = 600 * 10;
  assert.ok(track.length > fine + 600 && track.length < fine + 40 * 10 + 601, `${track.length} samples`);
  assert.equal(track.sample(0).key, HAPPY);
  assert.equal(track.sample(700).key, NEUTRAL);
  assert.ok(Math.abs(track.sample(0).confidence - 0.6) < 1e-6);
  assert.ok(Math.abs([...track.sample(0).vector].reduce((a, b) => a + b) - 1) < 1e-5);
  assert.equal(track.at(299.5).key, HAPPY);
  assert.equal(track.at(1199).key, NEUTRAL);
});

test("a recording keeps every answer", () => {
  const [track] = lived(700, () => [face(1)], { keepAll: true }).tracks();
  assert.equal(track.length, 700 * 25);
});

test("a second's mean shows what was shown longest", () => {
  const history = lived(700, (t) => [face(1, t % 1 < 0.65 ? "happy" : "sad", 0.9)]);
  const [track] = history.tracks();
  for (const row of [0, 5, 20]) assert.equal(track.sample(row).key, HAPPY);
  assert.ok(track.sample(3).vector[HAPPY] > 0.5 && track.sample(3).vector[HAPPY] < 0.7);
});

test("a face ends where an answer lacks it, and a second after the last answer", () => {
  const history = lived(4, (t) => (t < 2 ? [face(1), face(2)] : [face(2)]));
  const [one, two] = history.tracks();
  assert.equal(one.to_s, 2);
  assert.equal(one.at(2.5), null);
  assert.ok(Math.abs(two.to_s - 4.9) < 0.05);
  assert.equal(history.endS, 3.96);
});

test("an interruption is a band with a name, and faces end there", () => {
  const history = lived(3, () => [face(1)]);
  history.open("paused", 3);
  history.open("paused", 3.5);
  history.reach(9);
  assert.deepEqual(history.gaps, [{ kind: "paused", from_s: 3, to_s: null }]);
  history.open("hidden", 10);
  history.close(12);
  history.close(13);
  assert.deepEqual(history.gaps, [{ kind: "paused", from_s: 3, to_s: 10 }, { kind: "hidden", from_s: 10, to_s: 12 }]);
  assert.equal(history.tracks()[0].to_s, 3);
  assert.equal(history.gapAt(11).kind, "hidden");
  assert.equal(history.gapAt(12.5), null);
});

test("what the page shows is what the history holds", () => {
  const history = new History(EMOTIONS);
  const vector = EMOTIONS.map((name) => (name === "sad" ? 1 : 0));
  history.add(reading(0, [face(1, "happy", 0.8, { shown: { key: "sad", vector } })]));
  history.add(reading(0.2, [face(1, "happy", 0.8, { shown: { key: "unsure", vector } })]));
  const [track] = history.tracks();
  assert.equal(track.sample(0).key, EMOTIONS.indexOf("sad"));
  assert.equal(track.sample(1).key, UNSURE);
});

test("a ribbon has the emotion, its height and gaps at each pixel", () => {
  const history = lived(10, (t) => (t >= 4 && t < 6 ? [] : [face(1, t < 4 ? "happy" : "neutral", t < 4 ? 0.9 : 0.5)]), { keepAll: true });
  const { keys, heights } = pixels(history.tracks()[0], 0, 10, 100);
  assert.equal(keys[10], HAPPY);
  assert.equal(keys[50], ABSENT);
  assert.equal(keys[80], NEUTRAL);
  assert.ok(Math.abs(heights[10] - 0.9) < 1e-5 && Math.abs(heights[80] - 0.5) < 1e-5);
  assert.equal(heights[50], 0);
  const found = runs(keys);
  assert.deepEqual(found.map(({ key }) => key), [HAPPY, NEUTRAL]);
  assert.deepEqual([found[0].from, found[0].to, found[0].hasGlyph], [0, 40, true]);
});

test("many samples under one pixel: the longest gives the emotion", () => {
  const history = lived(100, (t) => [face(1, t % 1 < 0.7 ? "happy" : "fear", 0.8)], { keepAll: true });
  const { keys } = pixels(history.tracks()[0], 0, 100, 20);
  assert.ok(keys.every((key) => key === HAPPY || key === EMOTIONS.indexOf("fear")));
  const narrow = runs(pixels(history.tracks()[0], 0, 10, 100).keys);
  assert.ok(narrow.every(({ from, to, hasGlyph }) => hasGlyph === to - from >= 14));
  assert.ok(narrow.length > 10 && !narrow[0].hasGlyph);
});

test("a window before or after the history is empty", () => {
  const history = lived(2, () => [face(1)]);
  for (const [from, to] of [[-10, -1], [50, 60]]) assert.ok(pixels(history.tracks()[0], from, to, 30).keys.every((key) => key === ABSENT));
});
