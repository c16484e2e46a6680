/** The faces of a recording at a moment, in the form that the page's marks need. */
import { History, topTwo } from "./history.js";

/** A frame is shown for at most this long; the marks of the live page disappear after the same time. */
const SHOWN_FOR_S = 1;

/**
 * @param {import("./recording.js").Recording} recording
 * @param {number} timeS on the recording's clock
 * @param {import("../shared/labels.js").Labels} labels
 * @returns {import("../faces/faces.js").ShownFace[]} the faces of the newest frame at that time, boxes in fractions of the picture
 */
export function facesAt({ log, names, source }, timeS, labels) {
  const row = log.frameAt(timeS);
  if (row < 0) return [];
  const { image, timestamp_s, faces } = log.reading(row, source);
  if (timeS - timestamp_s > SHOWN_FOR_S || !image.width) return [];
  return faces.map((face) => {
    const vector = log.labels.map((label) => face.smoothed[label]);
    const [first, second] = topTwo(vector);
    const key = face.uncertain ? "unsure" : log.labels[first];
    const [x, y, w, h] = face.box;
    const word = { key, pair: face.uncertain ? [log.labels[first], log.labels[second]] : [], number: face.uncertain ? null : vector[first] };
    return {
      id: face.id, name: names[face.id] ?? "", vector, word, style: labels.styleOf(key), present: true, seenMs: 0,
      box: { x: x / image.width, y: y / image.height, w: w / image.width, h: h / image.height },
    };
  });
}

/** A recording's history, for the timeline. @param {import("./recording.js").Recording} recording */
export function historyOf({ log, gaps }) {
  const history = new History(log.labels, { keepAll: true });
  history.reachFrom(0);
  const left = [...gaps];
  const interrupt = (beforeS) => {
    while (left.length && left[0].from_s <= beforeS) {
      const { kind, from_s, to_s } = left.shift();
      history.open(kind, from_s);
      if (to_s !== null) history.close(to_s);
    }
  };
  for (let row = 0; row < log.length; row++) {
    const timestamp_s = log.frames.get("time_ms", row) / 1000;
    interrupt(timestamp_s);
    history.add({ timestamp_s, faces: facesOf(log, row) });
  }
  interrupt(Infinity);
  return history;
}

/** What is shown of the faces of a frame. Whole readings would take four times as long, which is felt where there are hours of them. */
function facesOf({ frames, faces, labels }, row) {
  const shown = [];
  const first = frames.get("first_face", row);
  for (let at = first; at < first + frames.get("faces", row); at++) {
    const vector = faces.row("smoothed", at);
    const key = faces.get("uncertain", at) ? "unsure" : labels[topTwo(vector)[0]];
    shown.push({ id: faces.get("id", at), shown: { key, vector } });
  }
  return shown;
}
