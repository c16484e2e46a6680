/**
 * Compares a face with the same person's neutral face, which is taken in three seconds on request, or from the quietest
 * three seconds so far. It stays in this page and ends with the session.
 */
import { make, write } from "../shared/dom.js";
import { BASELINE_S, LEAST_READINGS, changeFrom, meanOf, quietStretch } from "./baseline.js";
import { toMs, toProbability } from "./precision.js";
import { clock } from "./scale.js";

/** Changes that are named, largest first, and the smallest worth a name: odds 1.6 times as high or as low. */
const NAMED = 3;
const NAMED_FROM = 0.5;
/** A change is written at most this often, so that it can be read. */
const WRITE_MS = 500;

export class BaselineControl {
  #page;
  #log;
  #entries = new Map();

  /** @type {Record<number, {vector: number[], from_s: number}>} by face; what a recording keeps and exports */
  taken = {};

  /**
   * @param {{t: Function, language: string, labels: object}} page with the session's sentences
   * @param {() => import("./log.js").ReadingLog} log what the page remembers, on the session's clock
   */
  constructor(page, log) {
    this.#page = page;
    this.#log = log;
  }

  /** Starts a new session without neutral faces. */
  reset() {
    this.taken = {};
    for (const { element } of this.#entries.values()) element.replaceChildren();
    this.#entries.clear();
  }

  /** @param {import("../faces/reading.js").Reading} reading */
  add({ timestamp_s: timeS, faces }) {
    for (const { id, emotions } of faces) {
      const place = document.querySelector(`#faces [data-face="${id}"] .face__past`);
      if (!place) continue;
      if (this.#entries.get(id)?.element !== place) this.#entries.set(id, this.#build(id, place));
      const entry = this.#entries.get(id);
      const vector = this.#page.labels.vector(emotions);
      if (entry.taking) this.#collect(id, entry, vector, timeS);
      this.#show(id, entry, vector);
    }
  }

  #build(id, element) {
    const { t } = this.#page;
    const button = (key, onClick) => {
      const made = make("button", "link", t(key));
      made.type = "button";
      made.addEventListener("click", onClick);
      return made;
    };
    const text = make("p", "face__change");
    const take = button("baseline.take", () => (this.#entries.get(id).taking = { fromS: null, vectors: [] }));
    const quiet = button("baseline.quiet", () => this.#takeQuiet(id));
    const forget = button("baseline.forget", () => {
      delete this.taken[id];
      Object.assign(this.#entries.get(id), { note: "", taking: null, wroteMs: -Infinity });
    });
    element.replaceChildren(text, take, ...(this.#neutral < 0 ? [] : [quiet]), forget);
    return { element, text, take, quiet, forget, taking: null, note: "", wroteMs: -Infinity };
  }

  /** Which of the model's classes is neutral; the quietest stretch cannot be told without it: -1. */
  get #neutral() {
    return this.#page.labels.names.indexOf("neutral");
  }

  #collect(id, entry, vector, timeS) {
    const { taking } = entry;
    taking.fromS ??= timeS;
    taking.vectors.push(vector);
    taking.leftS = Math.max(0, BASELINE_S - (timeS - taking.fromS));
    if (taking.leftS > 0 || taking.vectors.length < LEAST_READINGS) return;
    this.#take(id, taking.vectors, taking.fromS);
    Object.assign(entry, { taking: null, note: "", wroteMs: -Infinity });
  }

  #takeQuiet(id) {
    const { times, vectors } = readingsOf(this.#log(), id);
    const found = quietStretch(times, vectors, this.#neutral);
    const entry = this.#entries.get(id);
    Object.assign(entry, { taking: null, wroteMs: -Infinity, note: found ? "" : this.#page.t("baseline.none") });
    if (found) this.#take(id, vectors.slice(found.from, found.to), times[found.from]);
  }

  #take(id, vectors, fromS) {
    this.taken[id] = { vector: meanOf(vectors).map(toProbability), from_s: toMs(fromS) };
  }

  #show(id, entry, vector) {
    const nowMs = performance.now();
    if (nowMs - entry.wroteMs < WRITE_MS) return;
    entry.wroteMs = nowMs;
    const { t } = this.#page;
    const baseline = this.taken[id];
    entry.forget.hidden = !baseline || Boolean(entry.taking);
    entry.take.hidden = entry.quiet.hidden = Boolean(baseline) || Boolean(entry.taking);
    if (entry.taking) write(entry.text, t("baseline.taking", { n: Math.ceil(entry.taking.leftS ?? BASELINE_S) }));
    else if (baseline) write(entry.text, t("baseline.change", { time: clock(baseline.from_s), list: this.#changes(baseline.vector, vector) }));
    else write(entry.text, entry.note);
    entry.text.hidden = !entry.text.textContent;
  }

  /** "Happiness +2.3, Neutral −1.9" */
  #changes(baseline, vector) {
    const { t, language, labels } = this.#page;
    const number = new Intl.NumberFormat(language, { signDisplay: "always", minimumFractionDigits: 1, maximumFractionDigits: 1 });
    const changes = changeFrom(baseline, vector).map((change, i) => ({ change, name: t(`emotion.${labels.names[i]}`) }));
    const named = changes.filter(({ change }) => Math.abs(change) >= NAMED_FROM).sort((a, b) => Math.abs(b.change) - Math.abs(a.change));
    return named.slice(0, NAMED).map(({ change, name }) => `${name} ${number.format(change)}`).join(t("list.comma")) || t("baseline.same");
  }
}

function readingsOf({ frames, faces, length }, id) {
  const found = { times: [], vectors: [] };
  for (let row = 0; row < length; row++) {
    const first = frames.get("first_face", row);
    for (let at = first; at < first + frames.get("faces", row); at++) {
      if (faces.get("id", at) !== id) continue;
      found.times.push(frames.get("time_ms", row) / 1000);
      found.vectors.push(faces.row("emotions", at));
    }
  }
  return found;
}
