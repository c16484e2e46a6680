import assert from "node:assert/strict";
import test from "node:test";
import { Pace, frameSize } from "../../../static/js/live/pace.js";
import { fill, fileStamp, minutes, percent, quantile } from "../../../static/js/shared/format.js";

const CAMERA = 1280;

function run(pace, { ackMs, facePx, seconds, from = 0 }) {
  for (let now = from; now < from + seconds * 1000; now += 50) pace.answered(ackMs, facePx, CAMERA, now);
  return from + seconds * 1000;
}

test("a quick server gets more frames, never more than it takes", () => {
  const pace = new Pace(30);
  const before = pace.rate;
  run(pace, { ackMs: 20, facePx: 120, seconds: 10 });
  assert.ok(pace.rate > before && pace.rate < 30, pace.rate);
});

test("a slow server gets fewer, down to two a second, smaller and coarser", () => {
  const pace = new Pace(30);
  run(pace, { ackMs: 700, facePx: 120, seconds: 30 });
  assert.ok(pace.rate <= 4, pace.rate);
  assert.ok(pace.rate >= 2);
  assert.ok(pace.plan(CAMERA).longSide < 640);
  assert.ok(pace.plan(CAMERA).quality < 0.75);
});

test("it recovers within a few seconds", () => {
  const pace = new Pace(30);
  const now = run(pace, { ackMs: 700, facePx: null, seconds: 20 });
  run(pace, { ackMs: 20, facePx: null, seconds: 4, from: now });
  assert.ok(pace.rate > 15, pace.rate);
});

test("busy rests for as long as the server asks", () => {
  const pace = new Pace(30);
  pace.busy(800, 1000);
  assert.equal(pace.isDue(0, 1700), false);
  assert.equal(pace.isDue(0, 1801), true);
});

test("small faces are sent larger, large faces smaller, within the camera's size", () => {
  const small = new Pace(30);
  run(small, { ackMs: 30, facePx: 40, seconds: 12 });
  assert.equal(small.plan(CAMERA).longSide, 1280);
  assert.equal(small.plan(640).longSide, 640);
  const large = new Pace(30);
  run(large, { ackMs: 30, facePx: 220, seconds: 12 });
  assert.ok(large.plan(CAMERA).longSide < 640);
});

test("the size settles: it doesn't change with every answer", () => {
  const pace = new Pace(30);
  const sizes = new Set();
  for (let now = 0; now < 2000; now += 50) {
    pace.answered(30, 40, CAMERA, now);
    sizes.add(pace.plan(CAMERA).longSide);
  }
  assert.ok(sizes.size <= 2, [...sizes].join());
});

test("a frame that came out too large makes the next one smaller", () => {
  const pace = new Pace(30);
  pace.tooLarge(0);
  assert.equal(pace.plan(CAMERA).longSide, 480);
});

test("frames keep the camera's aspect, are never enlarged and never empty", () => {
  assert.deepEqual(frameSize(1280, 720, 640), { width: 640, height: 360 });
  assert.deepEqual(frameSize(720, 1280, 640), { width: 360, height: 640 });
  assert.deepEqual(frameSize(320, 240, 640), { width: 320, height: 240 });
  assert.deepEqual(frameSize(2000, 1, 320), { width: 320, height: 1 });
});

test("templates are filled, and a missing value is an error", () => {
  assert.equal(fill("{a} and {b}", { a: 1, b: "two" }), "1 and two");
  assert.throws(() => fill("{a}", {}), /expected a value for \{a\}/);
});

test("numbers and times", () => {
  assert.equal(percent("en", 0.816), "82\u00a0%");
  assert.equal(minutes(83_400), "1:23");
  assert.equal(fileStamp(new Date(2026, 10, 22, 7, 5, 3)), "2026-11-22_07-05-03");
  assert.equal(quantile([3, 1, 2], 0.5), 2);
  assert.ok(Number.isNaN(quantile([], 0.5)));
});
