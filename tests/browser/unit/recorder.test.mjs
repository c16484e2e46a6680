/** The recorder with a journal in memory: what it keeps, what it writes when, and what a full storage changes. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ReadingLog } from "../../../static/js/session/log.js";
import { Recorder } from "../../../static/js/session/recorder.js";
import { EMOTIONS, face, reading } from "./support.mjs";

/** Keeps what is written, as the browser's database does; can be told to refuse. */
class MemoryJournal {
  stored = new Map();
  held = new Set();
  refuses = null;

  async hold(id) {
    this.held.add(id);
  }

  release(id) {
    this.held.delete(id);
  }

  async write(recording, written) {
    if (this.refuses) throw this.refuses;
    if (!this.stored.has(recording.id)) this.stored.set(recording.id, new ReadingLog(EMOTIONS));
    this.stored.get(recording.id).append(recording.log.part(written.frames));
    return { frames: recording.log.length, video: 0 };
  }

  async forget(id) {
    this.release(id);
    this.stored.delete(id);
  }
}

function made() {
  const state = { nowS: 100, journal: new MemoryJournal(), problems: [], changes: 0 };
  const recorder = new Recorder({
    now: () => state.nowS, openJournal: async () => state.journal, onStorage: (problem) => state.problems.push(problem),
    onChange: () => (state.changes += 1), onVideoEnd: () => {},
  });
  return { recorder, state };
}

test("nothing is recorded before Record and after it ended, and stopping keeps everything", async () => {
  const { recorder, state } = made();
  recorder.add(reading(99, [face(1)]));
  assert.equal(recorder.recording, null);
  recorder.start({ labels: EMOTIONS, source: "live" });
  recorder.add(reading(99.9, [face(1)])); // taken before the button was pressed
  for (state.nowS = 100; state.nowS < 103; state.nowS += 0.5) recorder.add(reading(state.nowS, [face(1)]));
  const recording = await recorder.stop();
  recorder.add(reading(104, [face(1)]));
  assert.deepEqual([...recording.log.readings("live")].map(({ timestamp_s }) => timestamp_s), [0, 0.5, 1, 1.5, 2, 2.5]);
  assert.equal(recorder.isUnsaved, true);
  assert.equal(state.journal.stored.get(recording.id).length, 6);
  await recorder.saved();
  assert.equal(recorder.isUnsaved, false);
  assert.equal(state.journal.stored.size, 0);
});

test("each write adds only what is new", async () => {
  const { recorder, state } = made();
  recorder.start({ labels: EMOTIONS });
  for (let i = 0; i < 4; i++) {
    state.nowS += 1;
    recorder.add(reading(state.nowS, [face(1), face(2)]));
    await recorder.flush();
  }
  const { id, log } = recorder.recording;
  assert.deepEqual([...state.journal.stored.get(id).readings("x")], [...log.readings("x")]);
  await recorder.stop();
});

test("a failing storage is reported once, and recording continues in memory", async () => {
  for (const [name, problem] of [["QuotaExceededError", "full"], ["InvalidStateError", "blocked"], ["SecurityError", "blocked"]]) {
    const { recorder, state } = made();
    state.journal.refuses = Object.assign(new Error("no"), { name });
    recorder.start({ labels: EMOTIONS });
    for (let i = 1; i < 4; i++) {
      recorder.add(reading(100 + i, [face(1)]));
      await recorder.flush();
    }
    const recording = await recorder.stop();
    assert.deepEqual(state.problems, [problem], name);
    assert.equal(recording.log.length, 3);
    assert.equal(recorder.isUnsaved, true);
  }
});

test("markers, excluded ranges and interruptions are on the recording's clock", async () => {
  const { recorder, state } = made();
  recorder.start({ labels: EMOTIONS });
  recorder.add(reading(100.5, [face(1)]));
  state.nowS = 110;
  const marker = recorder.mark("Song");
  recorder.mark("Before", 4);
  recorder.rename(marker, "Dance");
  recorder.exclude({ from_s: -3, to_s: 2 });
  recorder.exclude({ from_s: 9, to_s: 99 });
  recorder.exclude({ from_s: 5, to_s: 5 });
  recorder.toggleExclude(3);
  assert.equal(recorder.excludingFromS, 3);
  recorder.toggleExclude(1);
  recorder.interrupt("paused");
  state.nowS = 115;
  recorder.interrupt("hidden");
  state.nowS = 118;
  recorder.resume();
  state.nowS = 119;
  recorder.interrupt("offline");
  state.nowS = 120;
  const { markers, excluded, gaps } = await recorder.stop();
  assert.deepEqual(markers, [{ t_s: 4, name: "Before" }, { t_s: 10, name: "Dance" }]);
  assert.deepEqual(excluded, [{ from_s: 0, to_s: 3 }, { from_s: 9, to_s: 10 }]);
  assert.deepEqual(gaps, [
    { kind: "paused", from_s: 10, to_s: 15 }, { kind: "hidden", from_s: 15, to_s: 18 }, { kind: "offline", from_s: 19, to_s: 20 },
  ]);
});

test("an excluded range that was begun ends with the recording", async () => {
  const { recorder, state } = made();
  recorder.start({ labels: EMOTIONS });
  state.nowS = 104;
  recorder.toggleExclude();
  state.nowS = 109;
  const { excluded } = await recorder.stop();
  assert.deepEqual(excluded, [{ from_s: 4, to_s: 9 }]);
});

test("a recording that is closed unsaved stays stored and can be recovered", async () => {
  const { recorder, state } = made();
  recorder.start({ labels: EMOTIONS });
  recorder.add(reading(101, [face(1)]));
  const { id } = await recorder.stop();
  recorder.release();
  assert.equal(recorder.recording, null);
  assert.ok(state.journal.stored.has(id) && !state.journal.held.has(id));
});
