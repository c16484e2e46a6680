/** Statistics of a recording: presence of faces, duration of each emotion, share of unsure readings. */
import { isExcluded } from "./recording.js";

/** A frame stands for the time until the next one, but never for more than this. */
const LONGEST_S = 1;
/** A shorter interruption is not named. */
const NAMED_FROM_S = 1;

/**
 * @typedef {object} FaceSummary
 * @property {number} id
 * @property {number} seen_s
 * @property {number} unsure_s part of `seen_s`
 * @property {number[]} seconds per label, without the time it was unsure
 * @property {number} mostly index of the label with most time, -1 when it was unsure all along
 * @property {number} next index of the second, -1 when there is none
 * @property {{key: number | "unsure", seconds: number, whole_s: number}[]} times each label with any time, and unsure; the whole seconds
 *   add up to those of `seen_s`, rounded down as clocks do
 * @property {{key: number, from_s: number, to_s: number} | null} change the longest stretch of another emotion than `mostly`
 *
 * @typedef {object} Summary
 * @property {number} duration_s from the first to the last frame, excluded ranges and gaps included
 * @property {number} read_s time that frames stand for
 * @property {number} unsure share of the time faces were seen, 0–1
 * @property {number} nobody share of the time read, 0–1
 * @property {[kind: string, seconds: number][]} gaps time of `duration_s` that is in no other number, by reason: what was excluded
 *   comes last, the others in the order in which they came first
 * @property {FaceSummary[]} faces by id
 */

/** The shown reading of a row of faces: the largest smoothed value, or unsure. */
function shownKey(log, at) {
  if (log.faces.get("uncertain", at)) return -1;
  const vector = log.faces.row("smoothed", at);
  let largest = 0;
  for (let i = 1; i < vector.length; i++) if (vector[i] > vector[largest]) largest = i;
  return largest;
}

/**
 * @param {import("./recording.js").Recording} recording excluded ranges are left out
 * @returns {Summary}
 */
export function summarise({ log, excluded, gaps }) {
  const faces = new Map();
  const { frames } = log;
  const ends = gaps.map(({ from_s }) => from_s);
  let [read, nobody] = [0, 0];
  for (let row = 0; row < log.length; row++) {
    const from_s = frames.get("time_ms", row) / 1000;
    if (isExcluded(excluded, from_s)) continue;
    const until = row + 1 < log.length ? frames.get("time_ms", row + 1) / 1000 : from_s;
    const to_s = Math.min(until, from_s + LONGEST_S, ...ends.filter((end) => end >= from_s && end < until));
    read += to_s - from_s;
    const first = frames.get("first_face", row);
    const count = frames.get("faces", row);
    if (!count) nobody += to_s - from_s;
    for (let at = first; at < first + count; at++) take(faces, log, at, from_s, to_s);
  }
  const all = [...faces.values()].map(finish).sort((a, b) => a.id - b.id);
  const seen = all.reduce((sum, { seen_s }) => sum + seen_s, 0);
  const unsure = all.reduce((sum, { unsure_s }) => sum + unsure_s, 0);
  return {
    duration_s: log.length ? log.endS - frames.get("time_ms", 0) / 1000 : 0, read_s: read,
    unsure: seen ? unsure / seen : 0, nobody: read ? nobody / read : 0, gaps: lengths(gaps, excluded, log.endS), faces: all,
  };
}

function lengths(gaps, excluded, endS) {
  const sums = new Map();
  for (const { kind, from_s, to_s } of [...gaps, ...excluded.map((range) => ({ ...range, kind: "left_out" }))]) sums.set(kind, (sums.get(kind) ?? 0) + Math.max(0, (to_s ?? endS) - from_s));
  return [...sums].filter(([, seconds]) => seconds >= NAMED_FROM_S);
}

function take(faces, log, at, from_s, to_s) {
  const id = log.faces.get("id", at);
  if (!faces.has(id)) faces.set(id, { id, seen_s: 0, unsure_s: 0, seconds: log.labels.map(() => 0), stretches: [] });
  const one = faces.get(id);
  const key = shownKey(log, at);
  one.seen_s += to_s - from_s;
  if (key < 0) one.unsure_s += to_s - from_s;
  else one.seconds[key] += to_s - from_s;
  const last = one.stretches.at(-1);
  if (last && last.key === key && from_s - last.to_s < LONGEST_S / 2) last.to_s = to_s;
  else one.stretches.push({ key, from_s, to_s });
}

function finish({ stretches, ...one }) {
  const order = one.seconds.map((_, i) => i).filter((i) => one.seconds[i] > 0).sort((a, b) => one.seconds[b] - one.seconds[a]);
  const mostly = order[0] ?? -1;
  const others = stretches.filter(({ key }) => key >= 0 && key !== mostly);
  const change = others.reduce((most, one) => (!most || one.to_s - one.from_s > most.to_s - most.from_s ? one : most), null);
  const times = [...one.seconds.map((seconds, key) => ({ key, seconds })), { key: "unsure", seconds: one.unsure_s }].filter(({ seconds }) => seconds > 0);
  const whole = wholeSeconds(times.map(({ seconds }) => seconds));
  return { ...one, mostly, next: order[1] ?? -1, times: times.map((time, i) => ({ ...time, whole_s: whole[i] })), change };
}

/**
 * Whole seconds that add up to the sum, rounded down: those with the largest fractions are rounded up.
 * @param {number[]} parts
 * @returns {number[]}
 */
export function wholeSeconds(parts) {
  const whole = parts.map(Math.floor);
  const left = Math.floor(parts.reduce((sum, part) => sum + part, 0) + 1e-6) - whole.reduce((sum, part) => sum + part, 0);
  const byFraction = parts.map((part, i) => ({ i, fraction: part - whole[i] })).sort((a, b) => b.fraction - a.fraction);
  for (const { i } of byFraction.slice(0, left)) whole[i] += 1;
  return whole;
}
