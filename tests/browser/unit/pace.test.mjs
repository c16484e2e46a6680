import assert from "node:assert/strict";
import test from "node:test";
import { CALM_RATE, FAR_RATE, Pace, SPARING_RATE } from "../../../static/js/live/pace.js";
import { frameSize } from "../../../static/js/live/picture_size.js";
import { fill, fileStamp, minutes, percent, quantile } from "../../../static/js/shared/format.js";
import { Path, Viewer, markAges, quantile as at, refused, run, since } from "./path.mjs";

const LIMITS = { maxRate: 30, maxInFlight: 8 };
const FRAME = { ackMs: 30, serverMs: 10, bytes: 20_000, width: 640, height: 360, quality: 0.75, encodeMs: 5 };

/** Ten seconds to settle, twenty that count. */
function settled(viewers) {
  run(viewers, 10);
  run(viewers, 20, { fromMs: 10_000 });
  return viewers.map(({ answers }) => since(answers, 10_000));
}

test("every path gets a steady rate, young answers and no queue, and keeps much of the uplink free", () => {
  for (const [rttMs, uplinkKbps, minRate, maxAgeMs, maxArrivedMs = maxAgeMs] of [
    [0, Infinity, 11.5, 60, 50], [100, 8000, 19, 160], [200, 2500, 10, 280], [300, 1000, 6, 450], [60, 500, 5, 400], [600, 50_000, 11.5, 700],
  ]) {
    const name = `${rttMs} ms, ${uplinkKbps} kbit/s`;
    const path = new Path({ rttMs, uplinkKbps });
    const [answers] = settled([new Viewer(path)]);
    assert.ok(answers.length / 20 >= minRate, `${name}: ${answers.length / 20} answers a second`);
    assert.ok(at(answers.map(({ ageMs }) => ageMs), 0.5) <= maxArrivedMs, `${name}: old when they come`);
    assert.ok(at(markAges(answers), 0.5) <= maxAgeMs, `${name}: ${at(markAges(answers), 0.5)} ms`);
    assert.ok(at(since(path.waits, 10_000).map(({ ms }) => ms), 0.95) <= 80, name);
    assert.ok(path.carriedBytes / 30 <= 0.6 * uplinkKbps * 125, `${name}: ${path.carriedBytes / 30} bytes a second`);
  }
});

test("jitter is not taken for a queue: the rate stays, and pictures keep the size that they have without it", () => {
  for (const facePx of [90, 120]) {
    const [calm, shaken] = [0, 30].map((jitterMs) => {
      const [answers] = settled([new Viewer(new Path({ rttMs: 200, uplinkKbps: 2500, jitterMs }), { facePx })]);
      return { rate: answers.length / 20, width: at(answers.map(({ width }) => width), 0.5) };
    });
    assert.ok(shaken.rate >= 10 && shaken.rate >= 0.75 * calm.rate, `${shaken.rate} a second instead of ${calm.rate}`);
    assert.ok(shaken.width >= calm.width, `${shaken.width} px instead of ${calm.width} px`);
    assert.ok((shaken.width * facePx) / 640 >= 56, `a face of ${(shaken.width * facePx) / 640} px`);
  }
});

test("a second viewer behind the same uplink gets as much as the first, and neither waits long behind the other", () => {
  for (const rttMs of [60, 120]) {
    for (const facePx of [60, 91, 120, 180]) {
      for (const [jitterMs, startsMs] of [[0, 5000], [2, 3000], [5, 5400], [10, 5000]]) {
        const name = `${rttMs} ms, faces of ${facePx} px, jitter ${jitterMs} ms`;
        const path = new Path({ rttMs, uplinkKbps: 2500, jitterMs, seed: startsMs + facePx });
        const [first, second] = [new Viewer(path, { facePx }), new Viewer(path, { facePx })];
        run([first], startsMs / 1000);
        run([first, second], 20, { fromMs: startsMs });
        const settledMs = startsMs + 8000;
        const [a, b] = [first, second].map(({ answers }) => since(answers, settledMs).length);
        assert.ok(Math.max(a, b) / Math.min(a, b) <= 1.25, `${name}: ${a} and ${b} answers`);
        const waitMs = at(since(path.waits, settledMs).map(({ ms }) => ms), 0.95);
        assert.ok(waitMs <= 60, `${name}: packets wait ${waitMs} ms`);
      }
    }
  }
});

test("after a stall a fresh answer comes within a second and the rate within two", () => {
  for (const seconds of [1, 3, 10]) {
    const path = new Path({ rttMs: 100, uplinkKbps: 8000 });
    const viewer = new Viewer(path);
    run([viewer], 5);
    const end = 5000 + 1000 * seconds;
    path.stalledUntilMs = end;
    run([viewer], seconds + 4, { fromMs: 5000 });
    const fresh = viewer.answers.find(({ nowMs, ageMs }) => nowMs > end && ageMs < 1000);
    assert.ok(fresh.nowMs - end <= 1000, `${seconds} s`);
    assert.ok(since(viewer.answers, end + 2000).length / 2 >= 10, `${seconds} s`);
  }
});

test("an uplink that narrows is used less, and one that widens more", () => {
  const path = new Path({ rttMs: 40, uplinkKbps: 8000 });
  const viewer = new Viewer(path);
  run([viewer], 10);
  const wide = viewer.answers.at(-1).width;
  path.uplinkKbps = 1000;
  run([viewer], 20, { fromMs: 10_000 });
  const narrow = viewer.answers.at(-1).width;
  assert.ok(narrow < wide, `${narrow} px after ${wide} px`);
  assert.ok(at(since(path.waits, 20_000).map(({ ms }) => ms), 0.95) <= 80);
  path.uplinkKbps = 20_000;
  run([viewer], 10, { fromMs: 30_000 });
  assert.equal(viewer.answers.at(-1).width, wide);
});

test("an overloaded server gets fewer frames, down to two a second, and all of them again once it is free", () => {
  const path = new Path({ serverMs: 700 });
  const viewer = new Viewer(path);
  run([viewer], 20);
  assert.ok(viewer.pace.rate <= 4 && viewer.pace.rate >= 2, viewer.pace.rate);
  path.serverMs = 8;
  run([viewer], 4, { fromMs: 20_000 });
  assert.ok(viewer.pace.rate >= 11, viewer.pace.rate);
});

test("a long path gets more and smaller pictures a second, in no more bytes, and small faces stay large enough", () => {
  const [near, far] = [new Path({ rttMs: 20, uplinkKbps: 8000 }), new Path({ rttMs: 100, uplinkKbps: 8000 })];
  const [nearly, farther] = settled([new Viewer(near), new Viewer(far)]);
  assert.ok(Math.abs(farther.length / 20 - FAR_RATE) <= 1, farther.length / 20);
  assert.ok(farther.at(-1).width < nearly.at(-1).width);
  assert.ok((120 * farther.at(-1).width) / 640 >= 70, "a face of 120 px keeps 70");
  assert.ok(far.carriedBytes <= near.carriedBytes);
  const [small] = settled([new Viewer(new Path({ rttMs: 100, uplinkKbps: 8000 }), { facePx: 70 })]);
  assert.equal(small.at(-1).width, 640);
});

test("one slow encoding changes nothing, and the first, which waits for the encoder to start, does not count", () => {
  const pace = new Pace(LIMITS);
  const faces = { smallestPx: 100, widthsPerS: 0 };
  pace.answered({ ...FRAME, encodeMs: null }, faces, 640, 0);
  for (let i = 1; i < 8; i++) pace.answered({ ...FRAME, encodeMs: i === 4 ? 400 : 5 }, faces, 640, 50 * i);
  assert.equal(pace.plan(640).longSide, 640);
});

test("after busy, nothing is sent for as long as the server asks", () => {
  const pace = new Pace(LIMITS);
  pace.busy(800, 1000);
  assert.equal(pace.isDue(1700, 0), false);
  assert.equal(pace.isDue(1801, 0), true);
});

test("twelve frames a second while nothing moves fast, and as many as the server takes while a face does", () => {
  const calm = new Viewer(new Path({ rttMs: 20 }));
  const fast = new Viewer(new Path({ rttMs: 20 }), { widthsPerS: 2 });
  const eager = new Viewer(new Path({ rttMs: 20 }), { pace: { eager: true } });
  const [calmly, quickly, eagerly] = [settled([calm])[0], settled([fast])[0], settled([eager])[0]].map((list) => list.length / 20);
  assert.ok(calmly <= CALM_RATE + 0.5 && calmly >= CALM_RATE - 0.5, calmly);
  assert.ok(quickly > 29.5 && quickly <= 30.1, quickly);
  assert.ok(eagerly > 29.5 && eagerly <= 30.1, eagerly);
});

test("a server that takes thirty frames a second refuses none of an eager page's, in spite of jitter and a stall", () => {
  const path = new Path({ rttMs: 40, jitterMs: 30 });
  const viewer = new Viewer(path, { pace: { eager: true } });
  run([viewer], 60);
  path.stalledUntilMs = 60_400;
  run([viewer], 60, { fromMs: 60_000 });
  assert.ok(since(viewer.answers, 90_000).length / 30 > 29);
  const arrivalsMs = viewer.sentMs.map((ms, i) => Math.max(ms, ms >= 60_000 ? path.stalledUntilMs : 0) + ((i * 37) % 100));
  assert.equal(refused(arrivalsMs, 30), 0);
});

test("a camera that is not punctual loses no frame and gets no more", () => {
  for (const [options, rate] of [[{ eager: true }, 29.97], [{}, CALM_RATE]]) {
    const pace = Object.assign(new Pace(LIMITS), options);
    for (let i = 0; i < 10; i++) pace.answered(FRAME, { smallestPx: 120, widthsPerS: 0 }, 640, 0);
    const takenMs = [];
    for (let i = 0; i < 1800; i++) {
      const nowMs = (1000 * i) / 30 + 10 * (((i * 7919) % 101) / 101); // up to 10 ms late
      if (!pace.isDue(nowMs, 0)) continue;
      pace.taken(nowMs);
      takenMs.push(nowMs);
    }
    assert.ok(Math.abs(takenMs.length / 60 - rate) < 0.2, `${takenMs.length / 60} frames a second`);
    const longestMs = Math.max(...takenMs.slice(1).map((ms, i) => ms - takenMs[i]));
    assert.ok(longestMs < (rate > 20 ? 70 : 120), `${longestMs} ms between two frames`);
  }
});

test("with data saving, frames begin small and six a second are sent", () => {
  const viewer = new Viewer(new Path({ rttMs: 40 }), { pace: { sparing: true, eager: true } });
  const [answers] = settled([viewer]);
  assert.equal(viewer.answers[0].width, 320);
  assert.ok(answers.length / 20 <= SPARING_RATE + 0.5);
});

test("slow encoding makes pictures smaller, not rarer", () => {
  const viewer = new Viewer(new Path({}), { encodeMs: (pixels) => (110 * pixels) / (640 * 480) });
  const [answers] = settled([viewer]);
  assert.ok(answers.length / 20 >= 11);
  assert.ok(at(answers.map(({ width }) => width), 0.5) <= 320);
});

test("small faces are sent larger, large faces smaller, within the camera's size", () => {
  const after = (smallestPx) => {
    const pace = new Pace(LIMITS);
    for (let now = 0; now < 12_000; now += 50) pace.answered(FRAME, { smallestPx, widthsPerS: 0 }, 1280, now);
    return pace;
  };
  assert.equal(after(40).plan(1280).longSide, 1280);
  assert.equal(after(40).plan(640).longSide, 640);
  assert.ok(after(220).plan(1280).longSide < 640);
});

test("the size settles: it doesn't change with every answer", () => {
  const pace = new Pace(LIMITS);
  const sizes = new Set();
  for (let now = 0; now < 2000; now += 50) {
    pace.answered(FRAME, { smallestPx: 40, widthsPerS: 0 }, 1280, now);
    sizes.add(pace.plan(1280).longSide);
  }
  assert.ok(sizes.size <= 2, [...sizes].join());
});

test("a frame that came out too large makes the next one smaller", () => {
  const pace = new Pace(LIMITS);
  const { longSide, quality } = pace.plan(1280);
  pace.tooLarge(0);
  const next = pace.plan(1280);
  assert.ok(next.longSide < longSide || next.quality < quality);
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
  assert.equal(percent("en", 0.816), "82%");
  assert.equal(minutes(83_400), "1:23");
  assert.equal(fileStamp(new Date(2026, 10, 22, 7, 5, 3)), "2026-11-22_07-05-03");
  assert.equal(quantile([3, 1, 2], 0.5), 2);
  assert.ok(Number.isNaN(quantile([], 0.5)));
});
