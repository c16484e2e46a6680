/** Readings made for tests. */
import { EMOTIONS } from "../../../static/js/shared/labels.js";

export { EMOTIONS };

/** A face of which one emotion takes `confidence` and the others share the rest. */
export function face(id, dominant = "neutral", confidence = 0.8, more = {}) {
  const rest = (1 - confidence) / (EMOTIONS.length - 1);
  const emotions = Object.fromEntries(EMOTIONS.map((name) => [name, name === dominant ? confidence : rest]));
  return { id, box: [10, 20, 100, 120], emotions, dominant_emotion: dominant, confidence, uncertain: false, smoothed: emotions, ...more };
}

export const STARTED_MS = Date.UTC(2026, 10, 25, 12, 0, 0);

/** A reading of a camera. */
export const reading = (timestamp_s, faces, frame = 0) =>
  ({ source: "live", frame, timestamp_s, image: { width: 640, height: 480 }, faces, time_utc: STARTED_MS + timestamp_s * 1000, delay_ms: 42.5 });
