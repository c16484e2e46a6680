import assert from "node:assert/strict";
import test from "node:test";
import { Motion } from "../../../static/js/live/motion.js";

const [WIDTH, HEIGHT] = [160, 120];
const FACE_PX = 40;

/** A copy in which a textured face has its upper left corner at (x, y), before a wall with some texture of its own. */
function copy(places, capturedMs, noise = 0) {
  const grey = new Uint8Array(WIDTH * HEIGHT);
  let seed = capturedMs + 1;
  const random = () => ((seed = (seed * 1103515245 + 12345) % 2 ** 31) / 2 ** 31 - 0.5) * 2 * noise;
  for (let y = 0; y < HEIGHT; y++) for (let x = 0; x < WIDTH; x++) grey[y * WIDTH + x] = 150 + 10 * Math.sin(x / 9) + random();
  for (const [left, top] of places) {
    for (let y = 0; y < FACE_PX; y++) {
      for (let x = 0; x < FACE_PX; x++) {
        const [px, py] = [left + x, top + y];
        if (px >= 0 && py >= 0 && px < WIDTH && py < HEIGHT) grey[py * WIDTH + px] = 120 + 60 * Math.sin(x / 4) * Math.cos(y / 5) + random();
      }
    }
  }
  return { grey, width: WIDTH, height: HEIGHT, capturedMs };
}

const box = (x, y) => ({ x: x / WIDTH, y: y / HEIGHT, w: FACE_PX / WIDTH, h: FACE_PX / HEIGHT });
const pixels = ({ x, y }) => [Math.round(x * WIDTH), Math.round(y * HEIGHT)];

test("without copies or answers nothing has moved", () => {
  const motion = new Motion();
  assert.deepEqual(motion.shift(1), { x: 0, y: 0 });
  motion.answer([{ id: 1, box: box(10, 10) }], 0);
  assert.deepEqual(motion.shift(1), { x: 0, y: 0 });
});

test("a face is followed from its old picture through every copy since", () => {
  const motion = new Motion();
  for (let i = 0; i <= 8; i++) motion.see(copy([[20 + 4 * i, 30 + i]], 33 * i, 6));
  motion.answer([{ id: 7, box: box(20, 30) }], 0);
  assert.deepEqual(pixels(motion.shift(7)), [32, 8]);
  motion.see(copy([[20 + 36, 39]], 33 * 9, 6));
  assert.deepEqual(pixels(motion.shift(7)), [36, 9]);
});

test("a face that is answered before its picture is shown is followed from that picture on", () => {
  const motion = new Motion();
  motion.see(copy([[10, 30]], 0, 6));
  motion.answer([{ id: 7, box: box(24, 30) }], 100);
  motion.see(copy([[20, 30]], 67, 6)); // older than the answered picture: no measure
  assert.deepEqual(pixels(motion.shift(7)), [0, 0]);
  motion.see(copy([[24, 30]], 101, 6));
  motion.see(copy([[28, 31]], 134, 6));
  assert.deepEqual(pixels(motion.shift(7)), [4, 1]);
});

test("a picture's copy is found although its times differ by some ms", () => {
  const motion = new Motion();
  for (let i = 0; i <= 2; i++) motion.see(copy([[20 + 5 * i, 30]], 33 * i, 6));
  motion.answer([{ id: 7, box: box(20, 30) }], 5);
  assert.deepEqual(pixels(motion.shift(7)), [10, 0]);
});

test("a face whose picture was not copied is followed from the copy next to it", () => {
  for (const copied of [[0, 2, 4], [0, 1, 3, 4]]) {
    const motion = new Motion();
    for (const i of copied) motion.see(copy([[20 + 3 * i, 30]], 33 * i, 6));
    motion.answer([{ id: 7, box: box(20, 30) }], 0);
    motion.answer([{ id: 7, box: box(23, 30) }], 33);
    motion.answer([{ id: 7, box: box(26, 30) }], 66);
    assert.deepEqual(pixels(motion.shift(7)), [6, 0]);
    motion.answer([{ id: 7, box: box(29, 30) }], 99);
    assert.deepEqual(pixels(motion.shift(7)), [3, 0]);
  }
});

test("several faces are followed independently", () => {
  const motion = new Motion();
  motion.see(copy([[10, 10], [100, 60]], 0));
  motion.answer([{ id: 1, box: box(10, 10) }, { id: 2, box: box(100, 60) }], 0);
  for (let i = 1; i <= 5; i++) motion.see(copy([[10 + 3 * i, 10], [100 - 5 * i, 60 + 2 * i]], 33 * i));
  assert.deepEqual(pixels(motion.shift(1)), [15, 0]);
  assert.deepEqual(pixels(motion.shift(2)), [-25, 10]);
});

test("a still face stays although the camera is noisy", () => {
  const motion = new Motion();
  motion.see(copy([[60, 40]], 0, 10));
  motion.answer([{ id: 1, box: box(60, 40) }], 0);
  for (let i = 1; i < 20; i++) motion.see(copy([[60, 40]], 33 * i, 10));
  assert.deepEqual(pixels(motion.shift(1)), [0, 0]);
});

test("a face that is gone leaves its mark where it was", () => {
  const motion = new Motion();
  motion.see(copy([[60, 40]], 0));
  motion.answer([{ id: 1, box: box(60, 40) }], 0);
  motion.see(copy([[64, 40]], 33));
  for (let i = 2; i < 6; i++) motion.see(copy([], 33 * i));
  assert.deepEqual(pixels(motion.shift(1)), [4, 0]);
});

test("a face at the edge of the picture is followed out of it as far as it can be seen", () => {
  const motion = new Motion();
  motion.see(copy([[4, 40]], 0));
  motion.answer([{ id: 1, box: box(4, 40) }], 0);
  for (let i = 1; i <= 4; i++) motion.see(copy([[4 - 4 * i, 40]], 33 * i));
  assert.deepEqual(pixels(motion.shift(1)), [-16, 0]);
});

test("an answer older than every copy, or a picture that turned, moves nothing", () => {
  const motion = new Motion();
  motion.see(copy([[20, 30]], 5000));
  motion.answer([{ id: 1, box: box(20, 30) }], 6000);
  assert.deepEqual(motion.shift(1), { x: 0, y: 0 });
  motion.answer([{ id: 1, box: box(20, 30) }], 5000);
  motion.see({ ...copy([[40, 30]], 5033), width: HEIGHT, height: WIDTH });
  assert.deepEqual(pixels(motion.shift(1)), [0, 0]);
});

test("a face without contrast keeps the speed of its last answers for a moment", () => {
  const motion = new Motion();
  const blank = (capturedMs) => ({ grey: new Uint8Array(WIDTH * HEIGHT).fill(120), width: WIDTH, height: HEIGHT, capturedMs });
  motion.see(blank(0));
  motion.answer([{ id: 1, box: box(20, 40) }], 0);
  motion.see(blank(100));
  motion.answer([{ id: 1, box: box(30, 40) }], 100);
  motion.see(blank(200));
  assert.deepEqual(pixels(motion.shift(1)), [10, 0]);
  motion.see(blank(900));
  assert.deepEqual(pixels(motion.shift(1)), [15, 0]);
});
