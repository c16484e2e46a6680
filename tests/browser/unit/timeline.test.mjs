/** The timeline's arithmetic: windows, clocks, table rows, and which moment of a video is which moment of the session. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { mediaOfTime, timeOfMedia } from "../../../static/js/session/camera_video.js";
import { History } from "../../../static/js/session/history.js";
import { clock, edges, onPixels, timeAt, xOf } from "../../../static/js/session/scale.js";
import { rows } from "../../../static/js/session/table.js";
import { EMOTIONS, face, reading } from "./support.mjs";

test("a window fills from the left, then moves with the end", () => {
  assert.deepEqual(edges({ startS: 0, endS: 7, windowS: 30, cursorS: null }), { fromS: 0, toS: 30 });
  assert.deepEqual(edges({ startS: 0, endS: 100, windowS: 30, cursorS: null }), { fromS: 70, toS: 100 });
  assert.deepEqual(edges({ startS: 0, endS: 100, windowS: 0, cursorS: 12 }), { fromS: 0, toS: 100 });
});

test("the cursor is in the middle of the window, which never leaves the history", () => {
  const at = (cursorS) => edges({ startS: 10, endS: 110, windowS: 20, cursorS });
  assert.deepEqual(at(50), { fromS: 40, toS: 60 });
  assert.deepEqual(at(11), { fromS: 10, toS: 30 });
  assert.deepEqual(at(109), { fromS: 90, toS: 110 });
});

test("the scale moves by whole pixels", () => {
  const perPixel = 30 / 600;
  const first = onPixels({ fromS: 70.01, toS: 100.01 }, 600);
  const second = onPixels({ fromS: 70.26, toS: 100.26 }, 600);
  const moved = (second.toS - first.toS) / perPixel;
  assert.ok(Math.abs(moved - Math.round(moved)) < 1e-6);
  assert.ok(first.toS >= 100.01 && first.toS < 100.01 + perPixel);
  assert.ok(Math.abs(timeAt(xOf(88, first, 600), first, 600) - 88) < 1e-9);
});

test("times are read in minutes, and in hours from one on", () => {
  assert.deepEqual([0, 59.9, 61, 3600, 3723].map(clock), ["0:00", "0:59", "1:01", "1:00:00", "1:02:03"]);
});

test("the table has a row for every five seconds with what was shown longest", () => {
  const history = new History(EMOTIONS);
  assert.deepEqual(rows(history, { fromS: 0, toS: 10 }), []);
  for (let t = 0; t < 21; t += 0.1) {
    if (t > 10 && t < 14) continue;
    history.add(reading(t, [face(1, t < 3 ? "sad" : "happy", 0.8), ...(t > 14 ? [face(2)] : [])]));
    if (t > 9.85 && t < 9.95) history.open("paused", 10);
    if (t > 13.95 && t < 14.15) history.close(14);
  }
  const found = rows(history, { fromS: 0, toS: 21 });
  assert.deepEqual(found.map(({ timeS }) => timeS), [0, 5, 10, 15, 20]);
  assert.equal(found[0].cells[0].key, EMOTIONS.indexOf("sad"));
  assert.equal(found[1].cells[0].key, EMOTIONS.indexOf("happy"));
  assert.equal(found[0].cells[1], null);
  assert.equal(found[2].gap, "paused");
  assert.deepEqual(rows(history, { fromS: 7, toS: 16 }).map(({ timeS }) => timeS), [10, 15]);
});

test("times of a video account for its pauses", () => {
  const anchors = [{ media_s: 0, t_s: 0.5 }, { media_s: 10, t_s: 30.5 }];
  assert.equal(timeOfMedia(anchors, 4), 4.5);
  assert.equal(timeOfMedia(anchors, 12), 32.5);
  assert.equal(mediaOfTime(anchors, 4.5), 4);
  assert.equal(mediaOfTime(anchors, 20), 10);
  assert.equal(mediaOfTime(anchors, 32.5), 12);
  assert.equal(mediaOfTime(anchors, 0), 0);
  assert.equal(timeOfMedia([], 3), 3);
});

test("small screens show few ribbons: those seen longest in the window and the selected one", async () => {
  globalThis.matchMedia = (query) => ({ matches: query.includes("max-width") });
  const { RibbonRows } = await import("../../../static/js/session/ribbon_rows.js");
  const rows = new RibbonRows();
  const tracks = [1, 2, 3, 4].map((id) => ({ id, from_s: 0, to_s: id }));
  const ids = (selected) => rows.visible(tracks, { fromS: 0, toS: 10 }, selected).map(({ id }) => id);
  assert.deepEqual(ids(null), [3, 4]);
  assert.deepEqual(ids(1), [1, 4]);
  assert.deepEqual(rows.visible(tracks.slice(0, 2), { fromS: 0, toS: 10 }, null).map(({ id }) => id), [1, 2]);
  rows.isExpanded = true;
  assert.deepEqual(ids(null), [1, 2, 3, 4]);
});

test("ribbons share the room of the view, and keep their height once unfolded", async () => {
  globalThis.matchMedia = () => ({ matches: false });
  const { RibbonRows } = await import("../../../static/js/session/ribbon_rows.js");
  const rows = new RibbonRows();
  assert.equal(rows.heightPx(0, 3), 9, "a room that is not known yet");
  assert.equal(rows.heightPx(84, 3), 28);
  assert.equal(rows.heightPx(200, 2), 28);
  assert.equal(rows.heightPx(60, 9), 15, "four of nine are shown");
  rows.isExpanded = true;
  assert.equal(rows.heightPx(60, 9), 28);
});
