/** A recording as a value: what was read, when it began, markers, excluded ranges and what interrupted it. */
import { toMs } from "./precision.js";

/**
 * @typedef {{t_s: number, name: string}} Marker
 * @typedef {{from_s: number, to_s: number}} Range
 * @typedef {{kind: "paused" | "hidden" | "offline" | "restarted" | "nobody", from_s: number, to_s: number | null}} Gap
 *
 * @typedef {object} Recording
 * @property {string} id
 * @property {string} source as in the column `source`: "live", or a file's name
 * @property {number} startedUtcMs
 * @property {object} model the model's card as the server told it
 * @property {string} pageVersion
 * @property {import("./log.js").ReadingLog} log times count from the start of the recording
 * @property {Marker[]} markers by time
 * @property {Range[]} excluded apart from each other, by time
 * @property {Gap[]} gaps
 * @property {Record<number, string>} names of faces that people gave
 * @property {Record<number, {vector: number[], from_s: number | null}>} baselines of faces: a person's own neutral
 * @property {{type: string, parts: Blob[], anchors: {media_s: number, t_s: number}[]} | null} video
 * @property {boolean} recorded whether Record was pressed: otherwise it is what the page remembers of the session
 * @property {boolean} saved
 * @property {string} openedFrom name of the file that it was opened from, "" where it was recorded on this page
 */

/** A frame without a face counts as "nobody" after this long; as on the stage. */
const NOBODY_AFTER_S = 1.5;

/** @param {Partial<Recording> & {log: import("./log.js").ReadingLog}} known @returns {Recording} */
export const newRecording = (known) => ({
  id: "", source: "live", startedUtcMs: 0, model: {}, pageVersion: "", markers: [], excluded: [], gaps: [],
  names: {}, baselines: {}, video: null, recorded: true, saved: false, openedFrom: "", ...known,
});

/** Adds a range to others. @param {Range[]} ranges @param {Range} added @returns {Range[]} by time, none touching another */
export function withRange(ranges, { from_s, to_s }) {
  const range = { from_s: Math.min(from_s, to_s), to_s: Math.max(from_s, to_s) };
  const apart = ranges.filter((other) => other.to_s < range.from_s || other.from_s > range.to_s);
  for (const other of ranges) {
    if (apart.includes(other)) continue;
    range.from_s = Math.min(range.from_s, other.from_s);
    range.to_s = Math.max(range.to_s, other.to_s);
  }
  return [...apart, range].sort((a, b) => a.from_s - b.from_s);
}

/**
 * Excludes a range of a recording.
 * @param {Recording} recording
 * @param {Range} range on the recording's clock
 * @param {number} endS where the recording ends now
 * @returns {boolean} false where nothing of the range lies in the recording
 */
export function exclude(recording, { from_s, to_s }, endS) {
  const range = { from_s: toMs(Math.max(0, from_s)), to_s: toMs(Math.min(endS, to_s)) };
  if (range.to_s <= range.from_s) return false;
  recording.excluded = withRange(recording.excluded, range);
  return true;
}

/** Includes a range again. @param {Recording} recording @param {Range} range one of its own */
export function include(recording, range) {
  recording.excluded = recording.excluded.filter((other) => other !== range);
}

/** @param {Range[]} ranges @param {number} timeS @returns {boolean} both ends belong to a range */
export const isExcluded = (ranges, timeS) => ranges.some(({ from_s, to_s }) => timeS >= from_s && timeS <= to_s);

/**
 * Everything that happened besides the readings, by time.
 * @param {Recording} recording
 * @returns {{t_s: number, kind: string, to_s?: number | null, name?: string}[]}
 */
export function events({ gaps, markers, excluded, log }) {
  return [
    ...gaps.map(({ kind, from_s, to_s }) => ({ t_s: from_s, kind, to_s })),
    ...nobody(log).map(({ from_s, to_s }) => ({ t_s: from_s, kind: "nobody", to_s })),
    ...markers.map(({ t_s, name }) => ({ t_s, kind: "marker", name })),
    ...excluded.map(({ from_s, to_s }) => ({ t_s: from_s, kind: "excluded", to_s })),
  ].sort((a, b) => a.t_s - b.t_s);
}

/** Stretches of answered frames without a face. @param {import("./log.js").ReadingLog} log @returns {Range[]} */
export function nobody(log) {
  const found = [];
  let from = null;
  const close = (to_s) => {
    if (from !== null && to_s - from >= NOBODY_AFTER_S) found.push({ from_s: from, to_s });
    from = null;
  };
  for (let row = 0; row < log.length; row++) {
    const time = log.frames.get("time_ms", row) / 1000;
    if (log.frames.get("faces", row)) close(time);
    else from ??= time;
  }
  close(log.endS);
  return found;
}

/**
 * What lies over the ribbons of a recording, on the clock of a timeline.
 * @param {Recording | null} recording
 * @param {number} shiftS time of the timeline at which the recording began
 * @param {boolean} isRunning
 * @param {number | null} excludingFromS begin of the range that is being excluded, on the recording's clock
 * @returns {{recorded: object | null, excluded: object[], markers: Marker[]}} `to_s` null: not ended
 */
export function marksOf(recording, shiftS, isRunning, excludingFromS) {
  const excluding = isRunning && excludingFromS !== null ? [{ from_s: excludingFromS, to_s: null }] : [];
  const moved = (timeS) => (timeS === null ? null : timeS + shiftS);
  return {
    recorded: recording && { from_s: shiftS, to_s: isRunning ? null : shiftS + recording.log.endS },
    excluded: [...(recording?.excluded ?? []), ...excluding].map(({ from_s, to_s }) => ({ from_s: moved(from_s), to_s: moved(to_s) })),
    markers: (recording?.markers ?? []).map(({ t_s, name }) => ({ t_s: moved(t_s), name })),
  };
}
