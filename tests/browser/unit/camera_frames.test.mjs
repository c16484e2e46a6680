import assert from "node:assert/strict";
import test from "node:test";
import { TrackClock, watchCamera } from "../../../static/js/live/camera_frames.js";

const OFFSET_MS = 27_659_702.9; // a track's clock may count from the start of the machine

/** Largest error of the times of pictures that come late by `lateMs(i)`, after the first few. */
function worstErrorMs(lateMs, { driftPpm = 0, pictures = 3000 } = {}) {
  const clock = new TrackClock();
  let worst = 0;
  for (let i = 0; i < pictures; i++) {
    const takenMs = (1000 * i) / 30;
    const told = clock.capturedMs(OFFSET_MS + takenMs * (1 + driftPpm / 1e6), takenMs + lateMs(i));
    if (i > 30) worst = Math.max(worst, Math.abs(told - takenMs));
  }
  return worst;
}

test("a picture's time is when it was taken, however late it came", () => {
  assert.ok(worstErrorMs((i) => 0.5 + (i % 7) * 6) < 1);
  assert.ok(worstErrorMs((i) => (i % 500 < 3 ? 400 : 1)) < 2);
});

test("a clock that drifts is followed", () => {
  for (const driftPpm of [-200, 200]) assert.ok(worstErrorMs((i) => 0.5 + (i % 5), { driftPpm, pictures: 100_000 }) < 2, driftPpm);
});

test("no picture is told to be taken after it came", () => {
  const clock = new TrackClock();
  for (let i = 0; i < 200; i++) assert.ok(clock.capturedMs(33 * i, 33 * i + 80 - (i % 80)) <= 33 * i + 80 - (i % 80));
});

/** A track whose pictures the test hands over. */
function track() {
  const pictures = new ReadableStream({ start: (controller) => (track.controller = controller) });
  globalThis.MediaStreamTrackProcessor = class {
    readable = pictures;
  };
  return { srcObject: { getVideoTracks: () => [{}] } };
}

const picture = (timestamp) => ({ timestamp, closed: 0, close() { this.closed += 1; } });
const turn = () => new Promise((resolve) => setImmediate(resolve));

test("every picture of the track is handed out once and closed, and none after the end", async () => {
  const video = track();
  const seen = [];
  const stop = watchCamera(video, (capturedMs, frame) => seen.push(frame));
  const pictures = [picture(0), picture(33_000)];
  for (const one of pictures) track.controller.enqueue(one);
  await turn();
  assert.deepEqual(seen, pictures);
  assert.deepEqual(pictures.map(({ closed }) => closed), [1, 1]);
  stop();
  await turn();
  assert.throws(() => track.controller.enqueue(picture(66_000)), TypeError, "the track is still read");
  assert.equal(seen.length, 2);
});

test("where the page cannot read tracks, the video element tells of its pictures", () => {
  delete globalThis.MediaStreamTrackProcessor;
  let shown;
  const seen = [];
  const video = { srcObject: null, requestVideoFrameCallback: (callback) => (shown = callback) };
  const stop = watchCamera(video, (capturedMs, frame) => seen.push([capturedMs, frame]));
  shown(50, { captureTime: 40 });
  shown(80, { presentationTime: 75 });
  stop();
  shown(110, { captureTime: 100 });
  assert.deepEqual(seen, [[40, null], [75, null]]);
});
