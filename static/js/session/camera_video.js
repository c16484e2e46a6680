/** Records the camera's video in this browser, beside the numbers, with the session time of each part. */

const PART_MS = 1000;
const BITS_PER_S = 1_500_000;
const TYPES = ["video/webm;codecs=vp8", "video/webm", "video/mp4"];

/** @returns {string | null} a kind of video this browser can record */
export const videoType = () => TYPES.find((type) => globalThis.MediaRecorder?.isTypeSupported(type)) ?? null;

/**
 * The session's time at a moment of the video: anchors mark where recording began and continued after a pause.
 * @param {{media_s: number, t_s: number}[]} anchors by time
 * @param {number} mediaS
 */
export function timeOfMedia(anchors, mediaS) {
  const anchor = anchors.findLast(({ media_s }) => media_s <= mediaS + 1e-6) ?? anchors[0];
  return anchor ? anchor.t_s + mediaS - anchor.media_s : mediaS;
}

/** The moment of the video that shows a session's time; within a pause, where it continued. */
export function mediaOfTime(anchors, timeS) {
  const at = anchors.findLastIndex(({ t_s }) => t_s <= timeS + 1e-6);
  if (at < 0) return anchors[0]?.media_s ?? 0;
  const next = anchors[at + 1]?.media_s ?? Infinity;
  return Math.min(anchors[at].media_s + timeS - anchors[at].t_s, next);
}

export class CameraVideo {
  #recorder;
  #mediaS = 0;
  #runningSince = NaN;
  #onEnd;

  /** Grows while recording; what `Recording.video` holds. */
  video;

  /**
   * @param {MediaStream} stream the camera's
   * @param {{timeS: number, onEnd: (reason: string) => void}} options `timeS`: the recording's clock now; `onEnd`: the camera or the
   *   browser ended the video, the numbers may go on
   */
  constructor(stream, { timeS, onEnd }) {
    const type = videoType();
    if (!type) throw new Error("expected a browser that records video, received one without MediaRecorder");
    this.#onEnd = onEnd;
    this.video = { type, parts: [], anchors: [{ media_s: 0, t_s: timeS }] };
    const tracks = stream.getVideoTracks();
    this.#recorder = new MediaRecorder(new MediaStream(tracks), { mimeType: type, videoBitsPerSecond: BITS_PER_S });
    this.#recorder.ondataavailable = ({ data }) => data.size && this.video.parts.push(data);
    this.#recorder.onerror = ({ error }) => this.#onEnd(error?.name ?? "error");
    // The track ended by itself: another camera was chosen, or this one was unplugged.
    this.#recorder.onstop = () => this.#onEnd("camera");
    this.#recorder.start(PART_MS);
    this.#runningSince = performance.now();
  }

  pause() {
    if (this.#recorder.state !== "recording") return;
    this.#recorder.pause();
    this.#mediaS += (performance.now() - this.#runningSince) / 1000;
  }

  /** @param {number} timeS the recording's clock now */
  resume(timeS) {
    if (this.#recorder.state !== "paused") return;
    this.#recorder.resume();
    this.#runningSince = performance.now();
    this.video.anchors.push({ media_s: this.#mediaS, t_s: timeS });
  }

  /** Ends the video; resolves when its last part is there. */
  async stop() {
    this.#onEnd = () => {};
    if (this.#recorder.state === "inactive") return;
    await new Promise((resolve) => {
      this.#recorder.onstop = resolve;
      this.#recorder.stop();
    });
  }
}
