import assert from "node:assert/strict";
import test from "node:test";
import { Movement } from "../../../static/js/live/movement.js";

const answer = (x, id = 1) => ({ image: { width: 640, height: 480 }, faces: [{ id, box: [x, 100, 100, 100] }] });

/** The speeds that are told for a face at these places, 33 ms apart. */
const speeds = (places) => {
  const movement = new Movement();
  return places.map((x, i) => movement.update(answer(x), 33 * i));
};

test("nothing moves before there is something to compare with", () => {
  const movement = new Movement();
  assert.equal(movement.update({ image: { width: 640, height: 480 }, faces: [] }, 0), 0);
  assert.equal(movement.update(answer(10), 33), 0);
});

test("a box that jitters by a few pixels does not move fast", () => {
  const told = speeds(Array.from({ length: 40 }, (_, i) => 200 + (i % 2 ? 4 : -4)));
  assert.ok(Math.max(...told) < 0.5, Math.max(...told));
});

test("a face that crosses the picture moves by its widths a second", () => {
  const told = speeds(Array.from({ length: 40 }, (_, i) => 50 + 6.6 * i)); // 200 px a second
  assert.ok(Math.abs(told.at(-1) - 2) < 0.1, told.at(-1));
});

test("another face is not compared", () => {
  const movement = new Movement();
  movement.update(answer(10), 0);
  assert.equal(movement.update(answer(500, 2), 400), 0);
});
