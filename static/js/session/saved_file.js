/** Reads a session that was saved as JSON, frame by frame. Every value is checked before it is drawn, summed and saved again. */
import { SavedProblem, checked, clipped, instant, integer, list, members, number, oneOf, orNull, shown, text } from "./checked.js";
import { SCHEMA } from "./export.js";
import { JsonPieces, JsonProblem } from "./json_pieces.js";
import { ReadingLog } from "./log.js";
import { toMs } from "./precision.js";
import { newRecording, withRange } from "./recording.js";

/** Largest file that is opened: some six hours with two faces at 30 frames a second. */
export const MAX_FILE_BYTES = 512 * 1024 * 1024;
/** The page answers to the person after reading for this long. */
const TURN_MS = 40;
/** Longest session, a week. */
const MAX_S = 7 * 24 * 3600;
const MAX_SIDE_PX = 65_535;
const GAPS = ["paused", "hidden", "offline", "restarted"];

const share = number(0, 1);
const moment = number(0, MAX_S);
const side = integer(0, MAX_SIDE_PX);
const flag = oneOf(true, false);
const fourNumbers = { expected: "[x, y, w, h]", holds: (value) => Array.isArray(value) && value.length === 4 };

/**
 * @param {Blob} file
 * @param {readonly string[]} labels of the page's model
 * @param {{onPart?: (part: number) => void, signal?: AbortSignal}} [options] `onPart` gets how much was read, 0 to 1
 * @returns {Promise<import("./recording.js").Recording | null>} null when it was aborted
 * @throws {SavedProblem} what was found instead of a session
 */
export async function readSession(file, labels, { onPart = () => {}, signal } = {}) {
  if (!file.size) throw new SavedProblem("empty");
  if (file.size > MAX_FILE_BYTES) throw new SavedProblem("large", { mb: Math.round(file.size / 1e6), most: Math.round(MAX_FILE_BYTES / 1e6) });
  const [session, pieces, decoder] = [new SavedSession(labels), new JsonPieces(), new TextDecoder()];
  const reader = file.stream().getReader();
  let bytes = 0;
  let turnMs = performance.now();
  try {
    for (let { done, value } = await reader.read(); !done; { done, value } = await reader.read()) {
      if (signal?.aborted) return null;
      const text = decoder.decode(value, { stream: true });
      session.beginning ||= text.trimStart().slice(0, 100);
      for (const piece of pieces.read(text)) session.take(piece);
      bytes += value.length;
      if (performance.now() - turnMs < TURN_MS) continue;
      onPart(bytes / file.size);
      await new Promise((resolve) => setTimeout(resolve));
      turnMs = performance.now();
    }
    pieces.end();
  } catch (error) {
    throw error instanceof JsonProblem ? session.explain(error) : error;
  } finally {
    reader.cancel().catch(() => {});
  }
  return session.recording();
}

class SavedSession {
  #labels;
  #label;
  #head = {};
  #log = null;
  #events = [];

  /** The first characters of the file, to name what is no session. */
  beginning = "";

  constructor(labels) {
    this.#labels = labels;
    this.#label = oneOf(...labels);
  }

  /** @param {{name: string, value: any, isItem: boolean}} piece of the document, in its order */
  take({ name, value, isItem }) {
    if (!("schema" in this.#head)) requireSchema(name === "schema" ? shown(value) : clipped(this.beginning), name === "schema" ? value : undefined);
    if (name === "frames") {
      if (isItem) this.#addFrame(value);
      else this.#begin(value);
    } else if (isItem) (name === "events" ? this.#events : this.#head[name]).push(value);
    else this.#head[name] = value === undefined ? [] : value;
  }

  /** @param {JsonProblem} problem @returns {SavedProblem} */
  explain({ name, message }) {
    if (!this.beginning) return new SavedProblem("empty");
    if (name === "begin" || !("schema" in this.#head)) return new SavedProblem("begin", { found: clipped(this.beginning) });
    return new SavedProblem(name, { n: this.#log?.length ?? 0, detail: message });
  }

  /** @returns {import("./recording.js").Recording} */
  recording() {
    if (!this.#log) checked("frames", undefined, list);
    const { started_utc, source, model, page_version, names, baselines } = this.#head;
    return newRecording({
      source, startedUtcMs: Date.parse(started_utc), model: { ...model }, pageVersion: page_version, log: this.#log, names: { ...names },
      baselines: this.#baselines(baselines ?? {}), ...this.#happened(), saved: true,
    });
  }

  #begin(value) {
    if (value !== undefined || this.#log) checked("frames", value, list);
    const { started_utc, source, model, page_version, names, labels } = this.#head;
    checked("started_utc", started_utc, instant);
    checked("source", source, text);
    checked("page_version", page_version, text);
    checked("model", model, members);
    for (const key of ["name", "version"]) checked(`model.${key}`, model[key], orNull(text));
    checked("model.ece", model.ece, orNull(share));
    if ("n" in model) checked("model.n", model.n, integer(1, 2 ** 32));
    checked("names", names, members);
    for (const [id, name] of Object.entries(names)) checked(`names.${id}`, name, text);
    checked("labels", labels, list);
    if (labels.join("\n") !== this.#labels.join("\n")) throw new SavedProblem("labels", { found: labels.join(", "), known: this.#labels.join(", ") });
    this.#log = new ReadingLog(labels, { keepsNumbers: true });
  }

  #addFrame(frame) {
    const path = `frames[${this.#log.length}]`;
    checked(path, frame, members);
    checked(`${path}.frame`, frame.frame, integer(0, 2 ** 32 - 1));
    const after = this.#log.length ? toMs(this.#log.endS + 0.001) : 0;
    checked(`${path}.timestamp_s`, frame.timestamp_s, number(after, MAX_S));
    if ("time_utc" in frame) checked(`${path}.time_utc`, frame.time_utc, instant);
    if ("delay_ms" in frame) checked(`${path}.delay_ms`, frame.delay_ms, orNull(number(-1e9, 1e9)));
    checked(`${path}.image`, frame.image, members);
    for (const key of ["width", "height"]) checked(`${path}.image.${key}`, frame.image[key], side);
    checked(`${path}.faces`, frame.faces, list);
    frame.faces.forEach((face, i) => this.#checkFace(`${path}.faces[${i}]`, face));
    this.#log.add(frame);
  }

  #checkFace(path, face) {
    checked(path, face, members);
    checked(`${path}.id`, face.id, integer(0, 2 ** 31 - 1));
    checked(`${path}.box`, face.box, fourNumbers);
    face.box.forEach((value, i) => checked(`${path}.box[${i}]`, value, number(i < 2 ? -MAX_SIDE_PX : 0, MAX_SIDE_PX)));
    for (const key of ["emotions", "smoothed"]) this.#checkEmotions(`${path}.${key}`, face[key]);
    checked(`${path}.dominant_emotion`, face.dominant_emotion, this.#label);
    checked(`${path}.confidence`, face.confidence, share);
    checked(`${path}.uncertain`, face.uncertain, flag);
  }

  #checkEmotions(path, emotions) {
    checked(path, emotions, members);
    for (const label of this.#labels) checked(`${path}.${label}`, emotions[label], share);
  }

  #baselines(given) {
    checked("baselines", given, members);
    return Object.fromEntries(Object.entries(given).map(([id, baseline]) => {
      const path = `baselines.${id}`;
      checked(path, baseline, members);
      checked(`${path}.from_s`, baseline.from_s, orNull(number(-MAX_S, MAX_S)));
      this.#checkEmotions(`${path}.emotions`, baseline.emotions);
      return [id, { vector: this.#labels.map((label) => baseline.emotions[label]), from_s: baseline.from_s }];
    }));
  }

  /** Markers, excluded ranges and interruptions. Stretches without a face follow from the frames. */
  #happened() {
    const [markers, gaps] = [[], []];
    let excluded = [];
    this.#events.forEach((event, i) => {
      const path = `events[${i}]`;
      checked(path, event, members);
      const { t_s, kind, to_s, name } = event;
      checked(`${path}.kind`, kind, oneOf(...GAPS, "nobody", "marker", "excluded"));
      checked(`${path}.t_s`, t_s, moment);
      const end = number(t_s, MAX_S);
      if (kind === "marker") markers.push({ t_s, name: checked(`${path}.name`, name, text) });
      else if (kind === "excluded") excluded = withRange(excluded, { from_s: t_s, to_s: checked(`${path}.to_s`, to_s, end) });
      else if (kind !== "nobody") gaps.push({ kind, from_s: t_s, to_s: checked(`${path}.to_s`, to_s, orNull(end)) });
    });
    markers.sort((a, b) => a.t_s - b.t_s);
    gaps.sort((a, b) => a.from_s - b.from_s);
    return { markers, excluded, gaps };
  }
}

/**
 * @param {string} written what stands in the file in its place
 * @param {any} found its value; undefined where the document begins with something else
 * @throws {SavedProblem} for another document than a session that this page reads
 */
function requireSchema(written, found) {
  if (found === SCHEMA) return;
  const [name, known] = SCHEMA.split("/");
  const version = typeof found === "string" && found.startsWith(`${name}/`) ? found.slice(name.length + 1) : "";
  if (/^\d+$/.test(version) && Number(version) > Number(known)) throw new SavedProblem("newer", { found: version, known });
  throw new SavedProblem("other", { found: written, known: SCHEMA });
}
