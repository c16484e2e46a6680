import assert from "node:assert/strict";
import test from "node:test";
import { contain, hidden, hit, placePlates, project, toFractions } from "../../../static/js/faces/geometry.js";

const overlaps = (a, b) => a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h;
const bounds = { x: 0, y: 0, w: 800, h: 450 };

test("a picture of another shape is centred and keeps its aspect", () => {
  assert.deepEqual(contain(640, 480, 1600, 900), { x: 200, y: 0, w: 1200, h: 900 });
  assert.deepEqual(contain(1280, 720, 400, 400), { x: 0, y: 87.5, w: 400, h: 225 });
});

test("before the first frame the whole container counts", () => {
  assert.deepEqual(contain(0, 0, 300, 200), { x: 0, y: 0, w: 300, h: 200 });
});

test("fractions survive a change of resolution", () => {
  assert.deepEqual(toFractions([64, 48, 128, 96], { width: 640, height: 480 }), toFractions([32, 24, 64, 48], { width: 320, height: 240 }));
});

test("mirroring flips the coordinate and nothing else", () => {
  const box = { x: 0.1, y: 0.2, w: 0.25, h: 0.5 };
  const view = { x: 100, y: 0, w: 400, h: 200 };
  assert.deepEqual(project(box, view, false), { x: 140, y: 40, w: 100, h: 100 });
  assert.deepEqual(project(box, view, true), { x: 360, y: 40, w: 100, h: 100 });
});

test("of nested boxes the smaller is hit, outside none", () => {
  const boxes = [{ x: 0, y: 0, w: 100, h: 100 }, { x: 20, y: 20, w: 10, h: 10 }];
  assert.equal(hit(boxes, 25, 25), 1);
  assert.equal(hit(boxes, 90, 90), 0);
  assert.equal(hit(boxes, 101, 50), -1);
  assert.equal(hit([], 1, 1), -1);
});

test("a plate stands above its face when there is room", () => {
  const [plate] = placePlates([{ box: { x: 300, y: 200, w: 100, h: 100 }, size: { w: 160, h: 30 } }], bounds);
  assert.equal(plate.side, "above");
  assert.equal(plate.moved, false);
  assert.ok(plate.y + plate.h <= 200);
});

test("no plate is ever clipped, wherever the face is", () => {
  for (const x of [-50, 0, 350, 760, 820]) {
    for (const y of [-40, 0, 200, 420]) {
      const [plate] = placePlates([{ box: { x, y, w: 90, h: 90 }, size: { w: 220, h: 34 } }], bounds);
      assert.ok(plate.x >= 0 && plate.y >= 0 && plate.x + plate.w <= 800 && plate.y + plate.h <= 450, `${x} ${y}`);
    }
  }
});

test("plates of neighbours don't cover each other", () => {
  const items = [0, 1, 2, 3, 4, 5].map((i) => ({ box: { x: 60 + i * 110, y: 180, w: 90, h: 90 }, size: { w: 240, h: 34 } }));
  const plates = placePlates(items, bounds);
  plates.forEach((a, i) => plates.slice(i + 1).forEach((b) => assert.ok(!overlaps(a, b), JSON.stringify([a, b]))));
});

test("a plate keeps its side while that side is free", () => {
  const item = { box: { x: 300, y: 200, w: 100, h: 100 }, size: { w: 160, h: 30 }, side: "below" };
  assert.equal(placePlates([item], bounds)[0].side, "below");
  const blocked = { ...item, box: { ...item.box, y: 400 } };
  assert.notEqual(placePlates([blocked], bounds)[0].side, "below");
});

test("what plates of others hide of a face", () => {
  const faces = [{ x: 0, y: 0, w: 10, h: 10 }, { x: 20, y: 0, w: 10, h: 10 }];
  const own = { x: 0, y: 0, w: 10, h: 10 };
  assert.equal(hidden([], []), 0);
  assert.equal(hidden([own, { x: 20, y: 0, w: 10, h: 10 }], faces), 0);
  assert.equal(hidden([own, { x: 5, y: 0, w: 10, h: 5 }], faces), 0.25);
});
