import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import { COLOURS, GLYPHS, SHAPES } from "../../../static/js/faces/emotions.js";
import { Faces, facesOfPhoto, opacity } from "../../../static/js/faces/faces.js";
import { EMOTIONS, Labels, best } from "../../../static/js/shared/labels.js";

const labels = new Labels();
const newFaces = (model = {}) => new Faces({ labels, model });

const read = (path) => readFileSync(new URL(`../../../${path}`, import.meta.url), "utf8");
const spread = (name, value = 0.7) => Object.fromEntries(EMOTIONS.map((e) => [e, e === name ? value : (1 - value) / 6]));
const face = (id, raw, smoothed = raw, uncertain = false) => ({
  id, box: [100, 100, 50, 50], emotions: spread(raw), smoothed: spread(smoothed), uncertain,
});
const result = (...faces) => ({ image: { width: 640, height: 480 }, faces });

test("the order is the server's", () => {
  const contract = read("ml/inference/contract.py").match(/EMOTIONS = \(([^)]*)\)/)[1];
  assert.deepEqual(EMOTIONS, contract.match(/\w+/g));
});

test("every emotion has a name, a colour, a shape and a glyph; the video's colours are the sheet's dark ones", () => {
  const names = JSON.parse(read("static/locales/en.json")).emotion;
  const css = read("static/css/app.css");
  for (const name of EMOTIONS) {
    assert.ok(names[name] && SHAPES[name] && GLYPHS[name]);
    const dark = css.match(new RegExp(`--${name}: light-dark\\(#\\w+, (#\\w+)\\)`))[1];
    assert.equal(COLOURS[name].toLowerCase(), dark);
  }
  assert.equal(new Set(EMOTIONS.map((name) => SHAPES[name])).size, 7);
});

test("the best come first, ties in label order", () => {
  assert.deepEqual(best([0.1, 0.4, 0.4, 0.1, 0, 0, 0], 2), [1, 2]);
  assert.deepEqual(labels.vector(spread("angry", 1)), [1, 0, 0, 0, 0, 0, 0]);
});

test("no faces, nothing shown", () => {
  const faces = newFaces();
  faces.update(result(), 0);
  assert.deepEqual(faces.list(), []);
});

test("off shows raw values, normal the server's, strong is slower still", () => {
  const shown = (smoothing) => {
    const faces = newFaces();
    faces.smoothing = smoothing;
    faces.update(result(face(1, "happy")), 0);
    faces.update(result(face(1, "sad", "surprise")), 100);
    faces.settle();
    return faces.list()[0].vector;
  };
  assert.ok(Math.abs(shown("off")[4] - 0.7) < 1e-9);
  assert.ok(Math.abs(shown("normal")[5] - 0.7) < 1e-9);
  const strong = shown("strong");
  assert.ok(strong[3] > 0.6 && strong[5] > 0.05 && strong[5] < 0.2, strong);
  assert.ok(Math.abs(strong.reduce((a, b) => a + b) - 1) < 1e-9);
});

test("uncertainty follows the shown values, or the server's own where smoothing is off", () => {
  const faces = newFaces({ uncertain_below: 0.8 });
  faces.update(result(face(1, "happy")), 0);
  assert.equal(faces.list()[0].word.key, "unsure");
  faces.clear();
  faces.smoothing = "off";
  faces.update(result(face(1, "happy")), 0);
  assert.equal(faces.list()[0].word.key, "happy");
});

test("a face that was gone for a second is forgotten, another keeps its own values", () => {
  const faces = newFaces();
  faces.update(result(face(1, "happy"), face(2, "sad")), 0);
  faces.update(result(face(2, "sad")), 900);
  assert.deepEqual(faces.list().map(({ id, present }) => [id, present]), [[1, false], [2, true]]);
  faces.prune(1000);
  assert.deepEqual(faces.list().map(({ id }) => id), [2]);
});

test("values change at most four times a second and all together, words at once", () => {
  const faces = newFaces();
  faces.smoothing = "off";
  const put = (name, value, ms) => {
    faces.update(result({ ...face(1, name), emotions: spread(name, value) }, face(2, "sad")), ms);
    const { vector, word } = faces.list()[0];
    if (word.number !== null) assert.equal(word.number, Math.max(...vector));
    return word.number;
  };
  assert.equal(put("happy", 0.7, 0), 0.7);
  assert.equal(put("happy", 0.9, 200), 0.7);
  assert.equal(put("happy", 0.9, 250), 0.9);
  assert.equal(put("happy", 0.8, 300), 0.9);
  assert.equal(put("angry", 0.8, 400), null, "the old word is held, without its number, from the first answer on");
  assert.equal(put("angry", 0.8, 620), 0.8, "a clear lead changes the word as soon as the old one has had its time");
});

test("a photograph's faces are counted from one, and none is smoothed", () => {
  const shown = facesOfPhoto(result(face(undefined, "happy"), face(undefined, "sad", "happy", true)), labels);
  assert.deepEqual(shown.map(({ id, word }) => [id, word.key]), [[1, "happy"], [2, "unsure"]]);
});

test("a name stays with its face until a session begins", () => {
  const faces = newFaces();
  faces.update(result(face(3, "happy")), 0);
  faces.rename(3, "Ann");
  faces.clear();
  faces.update(result(face(3, "happy")), 100);
  assert.equal(faces.list()[0].name, "Ann");
  faces.reset();
  faces.update(result(face(3, "happy")), 200);
  assert.equal(faces.list()[0].name, "");
});

test("marks fade after half a second and are gone after one", () => {
  assert.equal(opacity(0), 1);
  assert.equal(opacity(500), 1);
  assert.equal(opacity(750), 0.5);
  assert.equal(opacity(1000), 0);
  assert.equal(opacity(5000), 0);
});

test("when answers stop, the newest values are shown", () => {
  const faces = newFaces();
  faces.update(result(face(1, "happy")), 0);
  faces.update({ ...result(), faces: [{ ...face(1, "happy"), emotions: spread("happy", 0.9), smoothed: spread("happy", 0.9) }] }, 100);
  assert.equal(faces.list()[0].word.number, 0.7);
  faces.settle();
  assert.equal(faces.list()[0].word.number, 0.9);
  assert.equal(Math.max(...faces.list()[0].vector), 0.9);
});
