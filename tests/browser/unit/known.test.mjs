import assert from "node:assert/strict";
import test from "node:test";
import { KnownFaces } from "../../../static/js/live/known.js";

const IMAGE = { width: 640, height: 480 };
const answer = (...ids) => ({ image: IMAGE, faces: ids.map((id) => ({ id, box: [id, 2, 3, 4], emotions: {} })) });
const known = (...ids) => ({ known: { image: IMAGE, faces: ids.map((id) => ({ id, box: [id, 2, 3, 4] })) } });

test("nothing is known before the first answer, and a connection that gave it is told nothing", () => {
  const faces = new KnownFaces();
  assert.deepEqual(faces.details("a", 0), {});
  faces.answered(answer(2, 5), "a", 10);
  assert.deepEqual(faces.details("a", 20), {});
});

test("a new connection gets the known faces with each frame until it answers one", () => {
  const faces = new KnownFaces();
  faces.answered(answer(2, 5), "a", 10);
  assert.deepEqual(faces.details("b", 20), known(2, 5));
  assert.deepEqual(faces.details("b", 30), known(2, 5));
  faces.answered(answer(2), "b", 40);
  assert.deepEqual(faces.details("b", 50), {});
  assert.deepEqual(faces.details("c", 60), known(2));
});

test("a face that is hidden for a moment is kept, one that was last seen long ago is not", () => {
  const faces = new KnownFaces();
  faces.answered(answer(3), "a", 0);
  faces.answered(answer(), "a", 1000);
  assert.deepEqual(faces.details("b", 2000), known(3));
  assert.deepEqual(faces.details("b", 31_000), {});
  faces.answered(answer(), "a", 40_000);
  assert.deepEqual(faces.details("b", 40_001), {});
});

test("a new session has no known faces, and the server gets no more of them than it accepts", () => {
  const faces = new KnownFaces();
  faces.answered(answer(...Array.from({ length: 70 }, (_, i) => i + 1)), "a", 0);
  assert.equal(faces.details("b", 1).known.faces.length, 64);
  faces.forget();
  assert.deepEqual(faces.details("b", 1), {});
});
