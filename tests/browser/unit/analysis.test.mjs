/** When a video is said to end before its stated length. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Analysis } from "../../../static/js/video/analysis.js";

/** Reads a video of so many frames with fakes of decoder, encoder and connection. */
async function read(frames, { framesPerS = Infinity, announcedS, breaks = false, stops = false }) {
  async function* pictures() {
    for (let frame = 0; frame < frames; frame++) yield { frame, timeS: frame / 30, picture: { width: 640, height: 480 }, close: () => {} };
    if (breaks) throw new Error("damaged");
  }
  const answer = { ok: true, image: { width: 640, height: 480 }, faces: [] };
  const analysis = new Analysis(
    {
      decoder: { durationS: announcedS, pictures }, encoder: { encode: async () => new ArrayBuffer(8) },
      makeLane: (onAnswer) => ({ push: async (frame) => onAnswer(frame, answer), finish: async () => stops && analysis.stop(), close: () => {} }),
    },
    { source: "clip.mp4", framesPerS, maxFrameBytes: 100, onReading: () => {}, onFailure: assert.fail },
  );
  return analysis.run();
}

test("a short video may lack a fifth of its stated length, a longer one a second, a long one a fiftieth", async () => {
  for (const [announcedS, missingS] of [[2, 0.4], [5, 1], [20, 1], [100, 2]]) {
    const most = Math.floor((announcedS - missingS) * 30) + 1;
    assert.equal((await read(most + 1, { announcedS })).isShort, false, `${announcedS} s`);
    assert.equal((await read(most - 1, { announcedS })).isShort, true, `${announcedS} s`);
  }
});

test("where few frames are read, the last one may be two of them before the end", async () => {
  assert.equal((await read(30, { announcedS: 1.2, framesPerS: 1 })).isShort, false);
  assert.equal((await read(2, { announcedS: 4, framesPerS: 1 })).isShort, true);
});

test("a damaged video is short, one without a length and one that a person stopped are not", async () => {
  const { frames, isShort } = await read(50, { announcedS: 2, breaks: true });
  assert.deepEqual([frames, isShort], [50, true]);
  assert.equal((await read(1, { announcedS: NaN })).isShort, false);
  assert.equal((await read(1, { announcedS: 100, stops: true })).isShort, false);
});
