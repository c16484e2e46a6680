/** A recording as files: CSV with the columns of `ml.predict` first, and JSON with what interrupted it. Never translated. */
import { changeFrom } from "./baseline.js";
import { events, isExcluded } from "./recording.js";

/** Name and version of the JSON document. A new version is a document that an older page cannot read. */
export const SCHEMA = "emotion-session/1";
/** Rows that are written before the page may handle events. */
const ROWS_AT_ONCE = 2000;
const LINE_END = "\r\n";

/**
 * The columns, in order. `marker` and `excluded` are there when something was marked or excluded, `baseline_*` when a
 * neutral face was taken: a table without them reads like one of `ml.predict` with the two times and the smoothed values.
 * @param {import("./recording.js").Recording} recording
 */
export function columns({ log: { labels }, markers, excluded, baselines }) {
  return [
    "source", "frame", "timestamp_s", "face_id", "x", "y", "width", "height", "dominant_emotion", "confidence", "uncertain",
    ...labels, "time_utc", "delay_ms", ...labels.map((label) => `smoothed_${label}`),
    ...(Object.keys(baselines).length ? labels.map((label) => `baseline_${label}`) : []),
    ...(markers.length ? ["marker"] : []), ...(excluded.length ? ["excluded"] : []),
  ];
}

/** A text cell, quoted if necessary. `./` or an apostrophe before a text keeps spreadsheets from taking it for a formula. */
export function cell(text, guard = "'") {
  const safe = /^[=+\-@\t\r]/.test(text) ? guard + text : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

const decimals = (value, digits) => (Number.isFinite(value) ? value.toFixed(digits) : "");
const pixel = (value) => (Number.isInteger(value) ? String(value) : value.toFixed(1));
const iso = (ms) => (Number.isFinite(ms) ? new Date(ms).toISOString() : "");

/**
 * The table in pieces of some thousand rows.
 * @param {import("./recording.js").Recording} recording
 * @returns {Generator<string>}
 */
export function* csv(recording) {
  const { log, markers, excluded, baselines, source } = recording;
  const { frames, faces, labels } = log;
  const withBaseline = Object.keys(baselines).length > 0;
  const name = cell(source, "./");
  const left = [...markers];
  let lines = [columns(recording).join(",")];
  for (let row = 0; row < log.length; row++) {
    const timeS = frames.get("time_ms", row) / 1000;
    const first = frames.get("first_face", row);
    const count = frames.get("faces", row);
    const begin = `${name},${frames.get("frame", row)},${timeS.toFixed(3)},`;
    const middle = `,${iso(frames.get("utc_ms", row))},${decimals(frames.get("delay_ms", row), 1)},`;
    for (let at = first; at < first + count; at++) {
      const vector = faces.row("emotions", at);
      const cells = [
        begin + faces.get("id", at), ...Array.from(faces.row("box", at), pixel),
        labels[faces.get("dominant", at)], decimals(faces.get("confidence", at), 4), String(faces.get("uncertain", at) === 1),
        Array.from(vector, (value) => value.toFixed(4)).join(",") + middle + Array.from(faces.row("smoothed", at), (value) => value.toFixed(4)).join(","),
      ];
      if (withBaseline) {
        const baseline = baselines[faces.get("id", at)];
        cells.push(...(baseline ? changeFrom(baseline.vector, vector).map((value) => value.toFixed(4)) : labels.map(() => "")));
      }
      // A marker is written to the first row at or after it, or to the last row if there is none.
      if (markers.length) cells.push(cell(takeMarkers(left, at === faces.length - 1 ? Infinity : timeS)));
      if (excluded.length) cells.push(String(isExcluded(excluded, timeS)));
      lines.push(cells.join(","));
    }
    if (lines.length >= ROWS_AT_ONCE) {
      yield lines.join(LINE_END) + LINE_END;
      lines = [];
    }
  }
  yield lines.length ? lines.join(LINE_END) + LINE_END : "";
}

function takeMarkers(left, timeS) {
  const names = [];
  while (left.length && left[0].t_s <= timeS) names.push(left.shift().name);
  return names.join("; ");
}

/**
 * The same as one JSON document in pieces, frames without a face included.
 * @param {import("./recording.js").Recording} recording
 * @returns {Generator<string>}
 */
export function* json(recording) {
  const { log, startedUtcMs, model, pageVersion, baselines, names, source } = recording;
  const head = {
    schema: SCHEMA, started_utc: iso(startedUtcMs), source,
    model: { name: model.name ?? null, version: model.version ?? null, ece: model.ece ?? null, ...(model.n ? { n: model.n } : {}) },
    page_version: pageVersion, labels: log.labels, names,
  };
  if (Object.keys(baselines).length) {
    head.baselines = Object.fromEntries(Object.entries(baselines).map(([id, { vector, from_s }]) => [id, { from_s, emotions: named(log.labels, vector) }]));
  }
  yield `${JSON.stringify(head).slice(0, -1)},"frames":[`;
  let pieces = [];
  for (let row = 0; row < log.length; row++) {
    pieces.push((row ? ",\n" : "\n") + JSON.stringify(frame(log.reading(row, source))));
    if (pieces.length >= ROWS_AT_ONCE) {
      yield pieces.join("");
      pieces = [];
    }
  }
  const told = events(recording).map((event) => JSON.stringify(event, (_, value) => (typeof value === "number" ? round(value, 3) : value)));
  yield `${pieces.join("")}\n],"events":[${told.map((text) => `\n${text}`).join(",")}\n]}\n`;
}

const round = (value, digits) => Number(value.toFixed(digits));
const named = (labels, vector) => Object.fromEntries(labels.map((label, i) => [label, round(vector[i], 4)]));
const rounded = (emotions) => Object.fromEntries(Object.entries(emotions).map(([label, value]) => [label, round(value, 4)]));

function frame({ frame, timestamp_s, time_utc, delay_ms, image, faces }) {
  const times = Number.isFinite(time_utc) ? { time_utc: iso(time_utc), delay_ms: round(delay_ms, 1) } : {};
  return {
    frame, timestamp_s, ...times, image,
    faces: faces.map((face) => ({
      ...face, box: face.box.map((side) => round(side, 1)), confidence: round(face.confidence, 4),
      emotions: rounded(face.emotions), smoothed: rounded(face.smoothed),
    })),
  };
}

/**
 * Writes pieces into a file without blocking the page.
 * @param {Iterable<string>} pieces
 * @param {string} type
 * @returns {Promise<Blob>}
 */
export async function toBlob(pieces, type) {
  const parts = [];
  for (const piece of pieces) {
    parts.push(new Blob([piece])); // a blob moves the text out of the script's memory
    await breathe();
  }
  return new Blob(parts, { type });
}

const breathe = () => new Promise((resolve) => {
  const channel = new MessageChannel(); // timers of a hidden page wait a second
  channel.port1.onmessage = () => {
    channel.port1.close();
    resolve();
  };
  channel.port2.postMessage(0);
});
