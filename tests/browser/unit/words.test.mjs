import assert from "node:assert/strict";
import test from "node:test";
import { ShownWord } from "../../../static/js/faces/words.js";
import { Announcer } from "../../../static/js/live/announcer.js";
import { EMOTIONS, best } from "../../../static/js/shared/labels.js";

const newWord = () => new ShownWord(EMOTIONS);

const HAPPY = [0, 0, 0, 0.8, 0, 0.2, 0];
const SURPRISED = [0, 0, 0, 0.2, 0, 0.8, 0];
const AHEAD = [0, 0, 0, 0.43, 0, 0.57, 0];
const CLOSE = [0, 0, 0, 0.47, 0, 0.53, 0];

test("the first word is shown at once", () => {
  assert.deepEqual(newWord().update(HAPPY, false, 0), { key: "happy", pair: [], number: 0.8 });
});

test("a new word must lead by ten points for 300 ms; until then the old one has no number", () => {
  const word = newWord();
  word.update(HAPPY, false, 0);
  assert.deepEqual(word.update(AHEAD, false, 1000), { key: "happy", pair: [], number: null });
  assert.deepEqual(word.update(AHEAD, false, 1290), { key: "happy", pair: [], number: null });
  assert.deepEqual(word.update(AHEAD, false, 1300), { key: "surprise", pair: [], number: 0.57 });
});

test("a lead of 25 points changes the word at once, unless it has just changed", () => {
  const word = newWord();
  word.update(HAPPY, false, 0);
  assert.equal(word.update(SURPRISED, false, 599).key, "happy");
  assert.deepEqual(word.update(SURPRISED, false, 600), { key: "surprise", pair: [], number: 0.8 });
  assert.equal(word.update(HAPPY, false, 2000).key, "happy");
});

test("whatever comes in, a word with a number is the leading one, and the number is its value", () => {
  const word = newWord();
  let random = 1;
  const next = () => (random = (random * 16807) % 2147483647) / 2147483647;
  let held = 0;
  for (let ms = 0; ms < 200_000; ms += 83) {
    const raw = EMOTIONS.map(() => next() ** 4);
    const vector = raw.map((value) => value / raw.reduce((a, b) => a + b));
    const { key, number } = word.update(vector, Math.max(...vector) < 0.4, ms);
    if (number === null) held += 1;
    else assert.deepEqual([EMOTIONS.indexOf(key), number], [best(vector, 1)[0], Math.max(...vector)]);
  }
  assert.ok(held > 100, "no word was ever held: the test shows nothing");
});

test("a lead of less than ten points changes nothing", () => {
  const word = newWord();
  word.update(HAPPY, false, 0);
  for (let ms = 1000; ms < 5000; ms += 50) assert.equal(word.update(CLOSE, false, ms).key, "happy");
});

test("a lead that breaks off starts again", () => {
  const word = newWord();
  word.update(HAPPY, false, 0);
  word.update(AHEAD, false, 1000);
  word.update(HAPPY, false, 1200);
  word.update(AHEAD, false, 1250);
  assert.equal(word.update(AHEAD, false, 1500).key, "happy");
  assert.equal(word.update(AHEAD, false, 1550).key, "surprise");
});

test("whatever comes in, a word holds for 600 ms: at most two changes in any second", () => {
  const word = newWord();
  const changes = [];
  let shown = "";
  for (let ms = 0; ms < 20000; ms += 33) {
    const vector = Math.floor(ms / 350) % 2 ? HAPPY : SURPRISED;
    const { key } = word.update(vector, false, ms);
    if (key !== shown) changes.push(ms);
    shown = key;
  }
  assert.ok(changes.length > 2, "the word never changed: the test shows nothing");
  for (let i = 1; i < changes.length; i += 1) assert.ok(changes[i] - changes[i - 1] >= 600);
});

test("an unsure word names the two best, the stronger one first", () => {
  const pair = (vector) => newWord().update(vector, true, 0).pair;
  assert.deepEqual(pair(CLOSE), ["surprise", "happy"]);
  assert.deepEqual(pair([0, 0, 0, 0.5, 0, 0.4, 0.1]), ["happy", "surprise"]);
  assert.equal(newWord().update(CLOSE, true, 0).key, "unsure");
});

test("an unsure word also comes and goes slowly", () => {
  const word = newWord();
  word.update(HAPPY, false, 0);
  assert.equal(word.update(CLOSE, true, 1000).key, "happy");
  assert.equal(word.update(CLOSE, true, 1300).key, "unsure");
  assert.equal(word.update(HAPPY, false, 1400).key, "unsure");
  assert.equal(word.update(HAPPY, false, 1800).key, "unsure");
  assert.equal(word.update(HAPPY, false, 1900).key, "happy");
});

test("the announcer waits two seconds, and five between messages", () => {
  const announcer = new Announcer();
  const said = [];
  for (let ms = 0; ms < 20000; ms += 250) {
    const text = announcer.update(ms < 6000 ? "Happiness" : Math.floor(ms / 2500) % 2 ? "Sadness" : "Anger", ms);
    if (text) said.push([ms, text]);
  }
  assert.deepEqual(said[0], [2000, "Happiness"]);
  for (let i = 1; i < said.length; i += 1) assert.ok(said[i][0] - said[i - 1][0] >= 5000);
  assert.ok(said.length >= 3);
});

test("what changes within two seconds is never announced", () => {
  const announcer = new Announcer();
  for (let ms = 0; ms < 20000; ms += 250) assert.equal(announcer.update(String(Math.floor(ms / 1500)), ms), null);
});

test("what was spoken on request is not announced again", () => {
  const announcer = new Announcer();
  announcer.update("Neutral", 0);
  announcer.spoke("Neutral", 1900);
  assert.equal(announcer.update("Neutral", 2100), null);
  announcer.update("Happiness", 2200);
  assert.equal(announcer.update("Happiness", 4300), null, "within five seconds of the last words");
  assert.equal(announcer.update("Happiness", 7000), "Happiness");
});
