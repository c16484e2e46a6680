/**
 * Hands out the camera's pictures as they are taken. A video element shows a picture with the next drawing of the screen and
 * reports it after that, 10 to 20 ms later; the camera's track gives it within two.
 */
import { onVideoFrame } from "./video_frame.js";

/** How much the fastest known way from the camera to the page ages with each picture, so that clocks may drift apart. */
const DRIFT_MS = 0.01;

/** Translates the times of a track's pictures to the page's clock. Pure. */
export class TrackClock {
  #aheadMs = -Infinity;

  /**
   * The picture that came fastest is taken to have come at once: a track's clock may begin anywhere.
   * @param {number} timestampMs of the picture on the track's clock
   * @param {number} nowMs when it came, on the page's clock
   * @returns {number} when it was taken, on the page's clock
   */
  capturedMs(timestampMs, nowMs) {
    this.#aheadMs = Math.max(this.#aheadMs - DRIFT_MS, timestampMs - nowMs);
    return timestampMs - this.#aheadMs;
  }
}

/**
 * Calls back for each picture of the camera in a video.
 * @param {HTMLVideoElement} video
 * @param {(capturedMs: number, frame: VideoFrame | null) => void} onFrame gets the time on the clock of performance.now() and
 *   the picture, which is closed after the call (clone it to keep it), or null where only the video element has it
 * @returns {() => void} stops it
 */
export function watchCamera(video, onFrame) {
  const [track] = video.srcObject?.getVideoTracks() ?? [];
  try {
    return watchTrack(track, onFrame);
  } catch {
    return watchVideo(video, onFrame); // Firefox and Safari have no processor of tracks on the page
  }
}

function watchTrack(track, onFrame) {
  const frames = new MediaStreamTrackProcessor({ track, maxBufferSize: 1 }).readable.getReader();
  const clock = new TrackClock();
  let isStopped = false;
  (async () => {
    for (;;) {
      const { done, value: frame } = await frames.read();
      if (done) return;
      try {
        if (!isStopped) onFrame(clock.capturedMs(frame.timestamp / 1000, performance.now()), frame);
      } finally {
        frame.close();
      }
    }
  })();
  return () => {
    isStopped = true;
    frames.cancel();
  };
}

function watchVideo(video, onFrame) {
  let isStopped = false;
  const next = () => onVideoFrame(video, (capturedMs) => {
    if (isStopped) return;
    onFrame(capturedMs, null);
    next();
  });
  next();
  return () => (isStopped = true);
}
