/** A recording: columns of numbers, marks and ranges, summary, and the files made of it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Columns } from "../../../static/js/session/columns.js";
import { changeFrom, meanOf, quietStretch } from "../../../static/js/session/baseline.js";
import { cell, columns, csv, json, toBlob } from "../../../static/js/session/export.js";
import { ReadingLog } from "../../../static/js/session/log.js";
import { Memory } from "../../../static/js/session/memory.js";
import { events, marksOf, newRecording, withRange } from "../../../static/js/session/recording.js";
import { summarise, wholeSeconds } from "../../../static/js/session/statistics.js";
import { faceLine, timeLines } from "../../../static/js/session/summary.js";
import { EMOTIONS, STARTED_MS, face, reading } from "./support.mjs";

function recorded(readings, more = {}) {
  const log = new ReadingLog(EMOTIONS);
  for (const one of readings) log.add(one);
  return newRecording({ log, startedUtcMs: STARTED_MS, model: { name: "emotion", version: "1234abcd", ece: 0.01 }, pageVersion: "v", ...more });
}

const text = (pieces) => [...pieces].join("");
const table = (recording) => {
  const [head, ...rows] = text(csv(recording)).trimEnd().split("\r\n").map((line) => line.split(","));
  return rows.map((row) => Object.fromEntries(head.map((name, i) => [name, row[i]])));
};

test("columns grow, are cut at the start, stored and added again", () => {
  const made = new Columns({ time: [Float64Array, 1], pair: [Float32Array, 2] }, 2);
  for (let i = 0; i < 9; i++) made.push({ time: i, pair: [i, -i] });
  made.dropFirst(4);
  assert.equal(made.length, 5);
  assert.deepEqual([...made.row("pair", 0)], [4, -4]);
  const other = new Columns({ time: [Float64Array, 1], pair: [Float32Array, 2] }, 1);
  other.append(made.slice(1));
  assert.deepEqual([other.length, other.get("time", 3)], [4, 8]);
  assert.deepEqual([made.after("time", 5), made.after("time", 99), made.after("time", -1)], [2, 5, 0]);
});

test("a log gives back what was read, with times that strictly rise", () => {
  const log = new ReadingLog(EMOTIONS);
  const given = [reading(5, [face(1, "happy", 0.75), face(7, "sad", 0.5, { uncertain: true })]), reading(5.0001, []), reading(5.0002, [face(1)])];
  for (const one of given) log.add(one, 4.5);
  const back = [...log.readings("live")];
  assert.deepEqual(back.map(({ timestamp_s }) => timestamp_s), [0.5, 0.501, 0.502]);
  assert.deepEqual(back.map(({ faces }) => faces.map(({ id }) => id)), [[1, 7], [], [1]]);
  assert.equal(back[0].faces[1].uncertain, true);
  assert.equal(back[0].faces[0].dominant_emotion, "happy");
  assert.deepEqual(back[0].faces[0].box, [10, 20, 100, 120]);
  assert.ok(Math.abs(back[0].faces[0].emotions.happy - 0.75) < 1e-6);
  assert.equal(log.frameAt(0.5015), 1);
  assert.equal(log.frameAt(0.1), -1);
});

test("a log forgets its beginning and is put together from parts", () => {
  const log = new ReadingLog(EMOTIONS);
  for (let i = 0; i < 100; i++) log.add(reading(i / 10, i % 3 ? [face(1), face(2)] : [], i));
  const copy = new ReadingLog(EMOTIONS);
  copy.append(log.part(0));
  log.dropBefore(5);
  assert.equal(log.length, 50);
  assert.deepEqual(log.reading(1, "live"), copy.reading(51, "live"));
  const second = new ReadingLog(EMOTIONS);
  for (let i = 0; i < 40; i++) second.add(reading(i, i % 2 ? [face(i)] : []));
  const joined = new ReadingLog(EMOTIONS);
  for (let saved = 0; saved < 40; saved += 10) {
    const soFar = new ReadingLog(EMOTIONS);
    for (let i = 0; i < saved + 10; i++) soFar.add(reading(i, i % 2 ? [face(i)] : []));
    joined.append(soFar.part(saved));
  }
  assert.deepEqual([...joined.readings("x")], [...second.readings("x")]);
});

test("the table has the columns of ml.predict first, one row a face, values with four decimals", () => {
  const given = recorded([reading(0.0404, [face(1, "happy", 0.91234), face(2)]), reading(0.08, []), reading(0.12, [face(1)])]);
  assert.deepEqual(columns(given), [
    ..."source frame timestamp_s face_id x y width height dominant_emotion confidence uncertain".split(" "), ...EMOTIONS,
    "time_utc", "delay_ms", ...EMOTIONS.map((name) => `smoothed_${name}`),
  ]);
  const rows = table(given);
  assert.deepEqual(rows.map(({ frame, face_id, timestamp_s }) => [frame, face_id, timestamp_s]), [["0", "1", "0.040"], ["0", "2", "0.040"], ["2", "1", "0.120"]]);
  const { x, y, width, height, confidence, uncertain, happy, time_utc, delay_ms, smoothed_happy } = rows[0];
  assert.deepEqual([x, y, width, height], ["10", "20", "100", "120"]);
  assert.deepEqual([confidence, uncertain, happy, smoothed_happy], ["0.9123", "false", "0.9123", "0.9123"]);
  assert.deepEqual([time_utc, delay_ms], ["2026-11-25T12:00:00.040Z", "42.5"]);
  const all = text(csv(given));
  assert.ok(all.endsWith("\r\n") && !all.includes("\r\n\r\n") && !all.startsWith("\uFEFF"));
});

test("the table of an empty recording has only a header", () => {
  assert.equal(text(csv(recorded([]))).split("\r\n").length, 2);
  const { frames, events } = JSON.parse(text(json(recorded([]))));
  assert.deepEqual([frames, events], [[], []]);
});

test("no cell is a formula, and none breaks its row", () => {
  for (const start of "=+-@") assert.equal(cell(`${start}x.mp4`, "./"), `./${start}x.mp4`);
  assert.equal(cell('a "b", c'), '"a ""b"", c"');
  assert.equal(cell("=1+1"), "'=1+1");
  assert.equal(table(recorded([reading(0, [face(1)])], { source: "=cmd.mp4" }))[0].source, "./=cmd.mp4");
});

test("markers and excluded ranges are columns where there are any", () => {
  const readings = Array.from({ length: 10 }, (_, i) => reading(i, i === 4 ? [] : [face(1), face(2)], i));
  const rows = table(recorded(readings, { markers: [{ t_s: 3.5, name: "Song" }, { t_s: 3.8, name: "=2" }, { t_s: 99, name: "End" }], excluded: [{ from_s: 6, to_s: 7.5 }] }));
  assert.deepEqual(rows.filter(({ marker }) => marker).map(({ timestamp_s, face_id, marker }) => [timestamp_s, face_id, marker]),
    [["5.000", "1", "Song; =2"], ["9.000", "2", "End"]]);
  assert.deepEqual(rows.filter(({ excluded }) => excluded === "true").map(({ timestamp_s }) => timestamp_s), ["6.000", "6.000", "7.000", "7.000"]);
  const [only] = table(recorded(readings, { markers: [{ t_s: 0, name: "=2" }] }));
  assert.equal(only.marker, "'=2");
  assert.ok(!("excluded" in only));
});

test("a change from a person's neutral is the difference of log-odds", () => {
  assert.deepEqual(changeFrom([0.5, 0.2], [0.5, 0.2]), [0, 0]);
  assert.ok(Math.abs(changeFrom([0.5], [0.8])[0] - Math.log(4)) < 1e-9);
  assert.ok(changeFrom([0, 1], [1, 0]).every(Number.isFinite));
  const baseline = EMOTIONS.map(() => 1 / 7);
  const rows = table(recorded([reading(0, [face(1), face(2)])], { baselines: { 1: { vector: baseline, from_s: 0 } } }));
  assert.ok(Number(rows[0].baseline_neutral) > 1);
  assert.equal(rows[1].baseline_neutral, "");
});

test("the document holds every frame and what happened beside them", () => {
  const given = recorded([reading(0, [face(1)]), reading(1, []), reading(2, []), reading(3, [face(1)])], {
    gaps: [{ kind: "paused", from_s: 3.5, to_s: 6 }], markers: [{ t_s: 2.5, name: "Song" }], names: { 1: "Ann" },
  });
  const document = JSON.parse(text(json(given)));
  assert.equal(document.schema, "emotion-session/1");
  assert.deepEqual(document.model, { name: "emotion", version: "1234abcd", ece: 0.01 });
  assert.equal(document.started_utc, "2026-11-25T12:00:00.000Z");
  assert.deepEqual(document.frames.map(({ faces }) => faces.length), [1, 0, 0, 1]);
  assert.equal(document.frames[0].faces[0].emotions.neutral, 0.8);
  assert.deepEqual(document.events, [
    { t_s: 1, kind: "nobody", to_s: 3 }, { t_s: 2.5, kind: "marker", name: "Song" }, { t_s: 3.5, kind: "paused", to_s: 6 },
  ]);
  assert.deepEqual(events(recorded([])), []);
});

test("ranges that touch become one", () => {
  let ranges = withRange([], { from_s: 5, to_s: 3 });
  ranges = withRange(ranges, { from_s: 8, to_s: 9 });
  assert.deepEqual(ranges, [{ from_s: 3, to_s: 5 }, { from_s: 8, to_s: 9 }]);
  assert.deepEqual(withRange(ranges, { from_s: 4, to_s: 8.5 }), [{ from_s: 3, to_s: 9 }]);
});

test("a summary weighs frames by the time they stand for", () => {
  const readings = [];
  for (let i = 0; i < 100; i++) {
    const t = i / 10;
    readings.push(reading(t, t < 6 ? [face(1, "neutral")] : t < 8 ? [face(1, "happy"), face(2, "sad", 0.4, { uncertain: true })] : []));
  }
  const { duration_s, unsure, nobody, faces } = summarise(recorded(readings));
  assert.ok(Math.abs(duration_s - 9.9) < 1e-6);
  assert.ok(Math.abs(nobody - 1.9 / 9.9) < 1e-6);
  assert.ok(Math.abs(unsure - 2 / 10) < 1e-6);
  assert.deepEqual(faces.map(({ id }) => id), [1, 2]);
  assert.equal(faces[0].mostly, EMOTIONS.indexOf("neutral"));
  assert.equal(faces[0].next, EMOTIONS.indexOf("happy"));
  assert.ok(Math.abs(faces[0].seconds[EMOTIONS.indexOf("happy")] - 2) < 1e-6);
  assert.deepEqual([faces[0].change.key, faces[0].change.from_s, faces[0].change.to_s], [EMOTIONS.indexOf("happy"), 6, 8]);
  assert.equal(faces[1].mostly, -1);
  assert.equal(faces[1].change, null);
});

test("the times of a face add up to its time in view, in whole seconds too", () => {
  const labels = { happy: 3.6, neutral: 2.6, sad: 0.3 };
  const readings = [];
  let t = 0;
  for (const [name, seconds] of Object.entries(labels)) for (const end = t + seconds; t < end - 1e-6; t += 0.1) readings.push(reading(t, [face(1, name)]));
  for (const end = t + 1.4; t < end; t += 0.1) readings.push(reading(t, [face(1, "fear", 0.4, { uncertain: true })]));
  const [one] = summarise(recorded([...readings, reading(t, [])])).faces;
  assert.ok(Math.abs(one.times.reduce((sum, { seconds }) => sum + seconds, 0) - one.seen_s) < 1e-6);
  assert.equal(one.times.reduce((sum, { whole_s }) => sum + whole_s, 0), Math.floor(one.seen_s + 1e-6));
  assert.deepEqual(one.times.map(({ key }) => EMOTIONS[key] ?? key), ["happy", "sad", "neutral", "unsure"]);
  const page = { t: (key, values = {}) => [key, ...Object.values(values)].join(" "), labels: { styleOf: (label) => label } };
  assert.deepEqual(timeLines(one, EMOTIONS, page).map(({ text }) => text), ["emotion.happy 0:04", "emotion.neutral 0:03", "timeline.unsure 0:01"]);
  assert.equal(faceLine(one, EMOTIONS, page), "summary.seen 0:08list.semicolonsummary.mostly emotion.happylist.semicolonemotion.neutral 0:03");
  assert.deepEqual(wholeSeconds([]), []);
  assert.deepEqual(wholeSeconds([0.5, 0.5, 0.6]), [0, 0, 1]);
});

test("pauses and excluded ranges have no weight in the summary", () => {
  const readings = [reading(0, [face(1)]), reading(1, [face(1)]), reading(60, [face(1)]), reading(61, [face(1)])];
  assert.equal(summarise(recorded(readings, { gaps: [{ kind: "paused", from_s: 1, to_s: 60 }] })).read_s, 2);
  const without = summarise(recorded(readings, { excluded: [{ from_s: 60, to_s: 61 }], gaps: [{ kind: "paused", from_s: 2, to_s: 4 }] }));
  assert.equal(without.read_s, 2);
  assert.deepEqual(without.gaps, [["paused", 2], ["left_out", 1]], "the heading names what its length holds besides");
  assert.equal(summarise(recorded([])).duration_s, 0);
});

test("half an hour of two faces becomes files in seconds, in pieces", async () => {
  const log = new ReadingLog(EMOTIONS);
  const faces = [face(1, "happy", 0.9), face(2)];
  for (let i = 0; i < 30 * 60 * 25; i++) log.add({ source: "live", timestamp_s: i / 25, faces, time_utc: STARTED_MS + i * 40, delay_ms: 50 });
  const recording = newRecording({ log });
  const started = process.cpuUsage().user;
  const blob = await toBlob(csv(recording), "text/csv");
  const seconds = (process.cpuUsage().user - started) / 1e6;
  assert.ok(blob.size > 90_000 * 150, `${blob.size} bytes`);
  assert.ok(seconds < 5, `${seconds} s of processor time`);
  for (const piece of csv(newRecording({ log }))) {
    assert.ok(piece.length < 2_000_000);
    break;
  }
});

test("a person's neutral is the quietest stretch in which they look neutral", () => {
  const NEUTRAL = EMOTIONS.indexOf("neutral");
  const vector = (name, value) => EMOTIONS.map((label) => (label === name ? value : (1 - value) / 6));
  const times = Array.from({ length: 200 }, (_, i) => i / 10);
  const shown = times.map((t) => (t < 5 ? vector("happy", 0.9) : t < 9 ? vector("neutral", t % 1 < 0.5 ? 0.9 : 0.3) : t < 13 ? vector("neutral", 0.8) : vector("sad", 0.9)));
  const { from, to } = quietStretch(times, shown, NEUTRAL);
  assert.ok(times[from] >= 9 && times[to - 1] < 13 && to - from >= 30, `${times[from]}–${times[to - 1]}`);
  assert.ok(Math.abs(meanOf(shown.slice(from, to))[NEUTRAL] - 0.8) < 1e-9);
  assert.equal(quietStretch([], [], NEUTRAL), null);
  assert.equal(quietStretch([0, 1, 2], shown.slice(0, 3), NEUTRAL), null);
  assert.equal(quietStretch([0, 2, 4], shown.slice(0, 3), NEUTRAL), null, "too few readings");
});

test("marks lie on the clock of the timeline; what has not ended has no end", () => {
  const made = recorded([reading(0, []), reading(4, [])], { markers: [{ t_s: 1, name: "here" }], excluded: [{ from_s: 2, to_s: 3 }] });
  assert.deepEqual(marksOf(null, 10, false, null), { recorded: null, excluded: [], markers: [] });
  assert.deepEqual(marksOf(made, 10, false, 3.5), {
    recorded: { from_s: 10, to_s: 14 }, excluded: [{ from_s: 12, to_s: 13 }], markers: [{ t_s: 11, name: "here" }],
  });
  const running = marksOf(made, 10, true, 3.5);
  assert.deepEqual(running.recorded, { from_s: 10, to_s: null });
  assert.deepEqual(running.excluded.at(-1), { from_s: 13.5, to_s: null });
});

test("a session that is not recorded is remembered for ten minutes, with the names of its faces", () => {
  const memory = Memory.begun(EMOTIONS);
  assert.equal(memory.nowS, 0);
  for (let s = 0; s <= 1200; s += 1) memory.add(reading(s, [face(1, "happy", 0.8, { shown: { key: "happy", vector: [0, 0, 0, 1, 0, 0, 0], name: s < 5 ? "" : "Ada" } })]));
  const kept = memory.asRecording({ source: "live" });
  const times = [...kept.log.readings("live")].map(({ timestamp_s }) => timestamp_s);
  assert.ok(times[0] >= 540 && times[0] <= 600, `the first kept second is ${times[0]}`);
  assert.equal(times.at(-1), 1200);
  assert.equal(memory.history.endS, 1200, "the timeline keeps all of it");
  assert.equal(memory.names.get(1), "Ada");
  assert.equal(kept.recorded, false);
  assert.ok(Math.abs(memory.nowS) < 60, "the clock began with the first reading");
});
