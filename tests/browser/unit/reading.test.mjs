/** What reaches those who listen to a source. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Readings, toReading, withShown } from "../../../static/js/faces/reading.js";

const answer = { ok: true, image: { width: 640, height: 480 }, faces: [{ id: 2, box: [1, 2, 3, 4] }], timing_ms: {} };

test("a reading is the answer's picture and faces, and the moment they belong to", () => {
  const reading = toReading(answer, { source: "live", frame: 7, timestamp_s: 1.5 });
  assert.deepEqual({ ...reading }, { source: "live", frame: 7, timestamp_s: 1.5, image: answer.image, faces: answer.faces });
});

test("every face has what is shown of it", () => {
  const shown = [{ id: 2, word: { key: "happy" }, vector: [0, 0, 0, 1, 0, 0, 0], name: "Ann" }];
  const [face] = withShown(toReading(answer, { source: "live", frame: 0, timestamp_s: 0 }), shown).faces;
  assert.deepEqual(face, { id: 2, box: [1, 2, 3, 4], shown: { key: "happy", vector: [0, 0, 0, 1, 0, 0, 0], name: "Ann" } });
});

test("a listener that fails does not affect others, and one that unsubscribed gets nothing", (t) => {
  const said = t.mock.method(console, "error", () => {});
  const readings = new Readings();
  const heard = [];
  readings.subscribe(() => { throw new Error("broken"); });
  const leave = readings.subscribe((reading) => heard.push(reading.frame));
  readings.subscribeActivity(({ kind }) => heard.push(kind));
  readings.publish({ frame: 1 });
  leave();
  readings.publish({ frame: 2 });
  readings.publishActivity({ kind: "paused" });
  assert.deepEqual(heard, [1, "paused"]);
  assert.equal(said.mock.callCount(), 2);
});
