/** A saved session: what was written is read back exactly, and everything else is refused with what was found. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { SavedProblem } from "../../../static/js/session/checked.js";
import { csv, json } from "../../../static/js/session/export.js";
import { JsonPieces } from "../../../static/js/session/json_pieces.js";
import { ReadingLog } from "../../../static/js/session/log.js";
import { newRecording } from "../../../static/js/session/recording.js";
import { report } from "../../../static/js/session/report.js";
import { MAX_FILE_BYTES, readSession } from "../../../static/js/session/saved_file.js";
import { Labels } from "../../../static/js/shared/labels.js";
import { EMOTIONS, STARTED_MS, face, reading } from "./support.mjs";

const text = (pieces) => [...pieces].join("");
const open = (content, labels = EMOTIONS) => readSession(new Blob([content]), labels);

/** Values with as many digits as the server sends. */
function uneven(seed) {
  const parts = EMOTIONS.map((_, i) => 1.1 + Math.sin(seed * 12.9898 + i * 78.233));
  const sum = parts.reduce((all, part) => all + part);
  return Object.fromEntries(EMOTIONS.map((name, i) => [name, Number((parts[i] / sum).toFixed(8))]));
}

function recorded() {
  const log = new ReadingLog(EMOTIONS);
  for (let i = 0; i < 240; i++) {
    const faces = i % 50 > 40 ? [] : [1, 7].map((id) => {
      const [emotions, smoothed] = [uneven(i + id), uneven((i + id) / 10)];
      const dominant = EMOTIONS.reduce((most, name) => (emotions[name] > emotions[most] ? name : most));
      return { ...face(id), emotions, smoothed, dominant_emotion: dominant, confidence: emotions[dominant], uncertain: i % 9 === 0, box: [10.04, 20.36, 99.96, 120] };
    });
    log.add({ ...reading(i / 12 + (i % 3) / 7000, faces, i), delay_ms: 30 + i / 7 });
  }
  return newRecording({
    log, startedUtcMs: STARTED_MS, model: { name: "emotion", version: "1234abcd", ece: 0.0123, n: 3589 }, pageVersion: "v",
    markers: [{ t_s: 2.5, name: 'A "song"' }, { t_s: 9.125, name: "=1" }], excluded: [{ from_s: 5, to_s: 6.25 }, { from_s: 8, to_s: 9 }],
    gaps: [{ kind: "paused", from_s: 3, to_s: 3.05 }, { kind: "hidden", from_s: 19.5, to_s: null }], names: { 1: "Ann", 7: "{x}" },
    baselines: { 7: { vector: EMOTIONS.map((_, i) => [0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.4][i]), from_s: 1.25 } },
  });
}

const page = { language: "en", labels: new Labels(), t: (key, values = {}) => `${key} ${JSON.stringify(values)}` };
const files = (recording) => [text(csv(recording)), text(json(recording)), report(recording, page, (id) => recording.names[id] ?? `Face ${id}`)];

test("a session that is opened again gives the same table, document and report", async () => {
  const given = recorded();
  const opened = await open(text(json(given)));
  assert.deepEqual(files(opened), files(given));
  const empty = newRecording({ log: new ReadingLog(EMOTIONS), startedUtcMs: STARTED_MS, source: "clip.mp4" });
  assert.deepEqual(files(await open(text(json(empty)))), files(empty));
  const film = newRecording({ log: new ReadingLog(EMOTIONS, { keepsNumbers: true }), startedUtcMs: STARTED_MS, source: "=clip.mp4" });
  for (const frame of [3, 6, 9]) film.log.add({ frame, timestamp_s: frame / 30, image: { width: 1920, height: 1080 }, faces: [face(2)] });
  assert.deepEqual(files(await open(text(json(film)))), files(film));
});

test("the report names the markers above a ribbon where there is room, and lists what happened one below the other", () => {
  const given = recorded();
  given.markers.push({ t_s: 9.3, name: "too near" }, { t_s: 19.9, name: "the last one" });
  const html = files(given)[2];
  const names = [...html.matchAll(/<text x="([\d.]+)"[^>]*>([^<]*)</g)].map(([, x, name]) => [Number(x), name]);
  assert.deepEqual(names.slice(0, names.length / 2), names.slice(names.length / 2), "in both ribbons");
  assert.deepEqual(names.slice(0, 3).map(([, name]) => name), ["A &#34;song&#34;", "=1", "the last one"]);
  assert.ok(names[2][0] + 12 * 7.5 <= 1000, "a name ends before the ribbon does");
  const events = html.slice(html.indexOf("report.events"));
  assert.match(events, /<dt>0:02<\/dt><dd>A &#34;song&#34;<\/dd><dt>0:03<\/dt><dd>|<dt>0:02<\/dt><dd>A/);
  assert.match(events, /<dt>0:05–0:06<\/dt><dd>timeline\.excluded/);
  assert.match(events, /<dt>0:09<\/dt><dd>too near<\/dd>/);
  assert.match(html, new RegExp(`<time datetime="${new Date(STARTED_MS).toISOString()}">[^<]*2026`));
});

test("other programs may write the document in their own layout", async () => {
  const given = recorded();
  const document = JSON.parse(text(json(given)));
  for (const layout of [JSON.stringify(document), `\uFEFF${JSON.stringify(document, null, 2)}\n\n`, JSON.stringify({ ...document, note: { of: ["}", "\\\""] }, list: [] })]) {
    assert.deepEqual(files(await open(layout)), files(given));
  }
});

test("a document is split at any place into the same pieces", () => {
  const content = '{"a": 1, "b": [{"x": "],}"}, [2, [3]], "\\\\"], "c": {"d": [1]}, "e": [], "f": "{"}';
  const whole = [...new JsonPieces().read(content)];
  assert.deepEqual(whole.filter(({ isItem }) => isItem).map(({ value }) => value), [{ x: "],}" }, [2, [3]], "\\"]);
  for (let at = 0; at <= content.length; at++) {
    const pieces = new JsonPieces();
    assert.deepEqual([...pieces.read(content.slice(0, at)), ...pieces.read(content.slice(at))], whole);
    pieces.end();
  }
});

test("the page can answer while a long session is read", async () => {
  const long = document();
  const frames = long.frames.map((frame) => JSON.stringify(frame));
  const times = Array.from({ length: 50 }, (_, round) => frames.map((frame) => frame.replace(/"timestamp_s":[\d.]+/, (time) => `"timestamp_s":${Number(time.slice(14)) + 21 * round}`)));
  const bytes = new TextEncoder().encode(JSON.stringify({ ...long, frames: [] }).replace('"frames":[]', `"frames":[${times.flat().join()}]`));
  const pieces = Array.from({ length: Math.ceil(bytes.length / 65536) }, (_, i) => bytes.slice(65536 * i, 65536 * (i + 1)));
  const stream = () => new ReadableStream({
    start(controller) { // all of it is there at once, as with a file in the cache of the system
      for (const piece of pieces) controller.enqueue(piece);
      controller.close();
    },
  });
  let turns = 0;
  const counting = setInterval(() => (turns += 1), 1);
  const parts = [];
  const opened = await readSession({ size: bytes.length, stream }, EMOTIONS, { onPart: (part) => parts.push(part) });
  clearInterval(counting);
  assert.equal(opened.log.length, 50 * frames.length);
  assert.ok(turns > 0 && parts.length > 0);
});

const document = () => JSON.parse(text(json(recorded())));
const changed = (change) => {
  const made = document();
  change(made);
  return JSON.stringify(made);
};
const whole = text(json(recorded()));

const REFUSED = {
  "an empty file": ["", "empty", {}],
  "only spaces": [" \n", "empty", {}],
  "another kind of file": ["%PDF-1.7\n1 0 obj", "begin", { found: "%PDF-1.7·1 0 obj" }],
  "a list": ["[1]", "begin", { found: "[1]" }],
  "a document of something else": ['{"type": "FeatureCollection", "features": []}', "other", { found: '{"type": "FeatureCollection", "features"…', known: "emotion-session/1" }],
  "an empty object": ["{}", "missing", { path: "frames", expected: "[…]" }],
  "another schema": ['{"schema": {"a": 1}, "frames": []}', "other", { found: '{"a":1}', known: "emotion-session/1" }],
  "a version that never was": ['{"schema": "emotion-session/0"}', "other", { found: '"emotion-session/0"', known: "emotion-session/1" }],
  "a newer version": ['{"schema": "emotion-session/12"}', "newer", { found: "12", known: "1" }],
  "a document that is cut off": [whole.slice(0, whole.indexOf('{"frame":20,') + 50), "cut", { n: 20 }],
  "a document that is cut off in its first word": ['{"sch', "begin", { found: '{"sch' }],
  "a document that is cut off before its frames": [whole.slice(0, whole.indexOf('"labels"')), "cut", { n: 0 }],
  "a document without its end": [whole.slice(0, whole.lastIndexOf("}")), "cut", { n: 240 }],
  "a damaged frame": [whole.replace('{"frame":20,', '{"frame":20'), "damaged", { n: 20 }],
  "two documents": [whole + whole, "damaged", { n: 240 }],
  "a value without an end": [`{"schema": "emotion-session/1", "x": "${"y".repeat(2 ** 20)}`, "damaged", { n: 0 }],
  "a document of something else that is large": [`{"x": "${"y".repeat(2 ** 21)}`, "begin", { found: `{"x": "${"y".repeat(33)}…` }],
  "other classes": [changed((it) => (it.labels = ["calm", "bored"])), "labels", { found: "calm, bored", known: EMOTIONS.join(", ") }],
};

const VALUES = {
  "started_utc": (it) => (it.started_utc = "yesterday"),
  "source": (it) => (it.source = 5),
  "model": (it) => (it.model = null),
  "model.ece": (it) => (it.model.ece = 7),
  "names.1": (it) => (it.names[1] = {}),
  "frames": (it) => (it.frames = 3),
  "frames[0]": (it) => (it.frames[0] = []),
  "frames[3].frame": (it) => (it.frames[3].frame = -1),
  "frames[3].timestamp_s": (it) => (it.frames[3].timestamp_s = it.frames[2].timestamp_s),
  "frames[239].timestamp_s": (it) => (it.frames[239].timestamp_s = 1e300),
  "frames[3].image.width": (it) => (it.frames[3].image.width = 1e9),
  "frames[3].faces": (it) => delete it.frames[3].faces,
  "frames[3].faces[1].id": (it) => (it.frames[3].faces[1].id = 1.5),
  "frames[3].faces[1].box": (it) => it.frames[3].faces[1].box.push(1),
  "frames[3].faces[1].box[2]": (it) => (it.frames[3].faces[1].box[2] = -4),
  "frames[3].faces[1].emotions.happy": (it) => (it.frames[3].faces[1].emotions.happy = 3.5),
  "frames[3].faces[1].smoothed.sad": (it) => delete it.frames[3].faces[1].smoothed.sad,
  "frames[3].faces[1].dominant_emotion": (it) => (it.frames[3].faces[1].dominant_emotion = "bored"),
  "frames[3].faces[1].confidence": (it) => (it.frames[3].faces[1].confidence = null),
  "frames[3].faces[1].uncertain": (it) => (it.frames[3].faces[1].uncertain = "false"),
  "baselines.7.emotions.fear": (it) => (it.baselines[7].emotions.fear = "0.1"),
  "events[0].kind": (it) => (it.events[0].kind = "party"),
  "events[1].t_s": (it) => (it.events[1].t_s = -1),
};

test("what is no session is refused with what was found", async () => {
  for (const [what, [content, name, values]] of Object.entries(REFUSED)) {
    await assert.rejects(open(content), (error) => {
      assert.ok(error instanceof SavedProblem, `${what}: ${error.stack}`);
      assert.equal(error.name, name, what);
      assert.deepEqual({ ...error.values, ...values }, error.values, what);
      return true;
    });
  }
});

test("a value that cannot be is refused with its place", async () => {
  for (const [path, change] of Object.entries(VALUES)) {
    await assert.rejects(open(changed(change)), (error) => {
      const isMissing = String(change).includes("delete ");
      assert.deepEqual([error.name, error.values.path], [isMissing ? "missing" : "value", path]);
      assert.ok(error.values.expected && (isMissing || error.values.found));
      return true;
    });
  }
});

test("a file that is too large is refused unread, and opening can be aborted", async () => {
  await assert.rejects(readSession({ size: MAX_FILE_BYTES + 1 }, EMOTIONS), { name: "large" });
  const ending = new AbortController();
  ending.abort();
  assert.equal(await readSession(new Blob([whole]), EMOTIONS, { signal: ending.signal }), null);
});
