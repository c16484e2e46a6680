/** Draws the marks into a recorded video: plays it hidden and records the drawing. Takes as long as the video. */
import { contain } from "../faces/geometry.js";
import { make, write } from "../shared/dom.js";
import { element } from "../shared/page.js";
import { videoType, timeOfMedia } from "./camera_video.js";
import { facesAt } from "./playback.js";
import { clock } from "./scale.js";
import { drawFaces } from "./viewer.js";

const BITS_PER_S = 2_500_000;
/** The encoder is done when it has given nothing for so many times so long. */
const SILENT_TIMES = 3;
const ENCODE_MS = 150;

export class MarkedVideo {
  #recording;
  #page;
  #isCancelled = false;

  /** @param {import("./recording.js").Recording} recording with a video @param {object} page with the session's sentences */
  constructor(recording, page) {
    this.#recording = recording;
    this.#page = page;
  }

  /** Shows the progress. @param {(blob: Blob, extension: string) => void} onDone not called when the person cancels */
  async save(onDone) {
    const note = make("div", "toast toast--stays");
    const text = make("p", "toast__text");
    const cancel = make("button", "button button--small", this.#page.t("action.cancel"));
    cancel.type = "button";
    cancel.addEventListener("click", () => (this.#isCancelled = true));
    note.append(text, cancel);
    element("toasts").append(note);
    try {
      const blob = await this.#draw((leftS) => write(text, this.#page.t("summary.drawing", { left: clock(Math.ceil(leftS)) })));
      if (blob) onDone(blob, blob.type.includes("mp4") ? "mp4" : "webm");
    } finally {
      note.remove();
    }
  }

  async #draw(onProgress) {
    const { parts, type, anchors } = this.#recording.video;
    const url = URL.createObjectURL(new Blob(parts, { type }));
    const video = Object.assign(document.createElement("video"), { src: url, muted: true, playsInline: true });
    try {
      await once(video, "loadeddata");
      const lengthS = await durationOf(video);
      const canvas = Object.assign(document.createElement("canvas"), { width: video.videoWidth, height: video.videoHeight });
      const context = canvas.getContext("2d", { alpha: false });
      const recorder = new MediaRecorder(canvas.captureStream(), { mimeType: videoType(), videoBitsPerSecond: BITS_PER_S });
      const drawn = [];
      recorder.ondataavailable = ({ data }) => data.size && drawn.push(data);
      const view = contain(canvas.width, canvas.height, canvas.width, canvas.height);
      const bounds = { x: 8, y: 8, w: canvas.width - 16, h: canvas.height - 16 };
      const frame = (mediaS) => {
        context.drawImage(video, 0, 0, canvas.width, canvas.height);
        drawFaces(context, facesAt(this.#recording, timeOfMedia(anchors, mediaS), this.#page.labels), view, bounds, this.#page);
        onProgress(Math.max(0, lengthS - mediaS));
      };
      frame(0);
      recorder.start(1000);
      await this.#play(video, frame);
      frame(video.currentTime); // a busy computer skips frames, but the last one must be there, at its time
      await painted();
      await encoded(recorder);
      const stopped = once(recorder, "stop");
      recorder.stop();
      await stopped;
      return this.#isCancelled ? null : new Blob(drawn, { type: recorder.mimeType.split(";")[0] });
    } finally {
      video.pause();
      URL.revokeObjectURL(url);
    }
  }

  /** Every frame that is shown is drawn, with the time it has in the video itself. */
  #play(video, frame) {
    return new Promise((resolve, reject) => {
      const next = (nowMs, { mediaTime }) => {
        frame(mediaTime);
        if (this.#isCancelled) resolve();
        else video.requestVideoFrameCallback(next);
      };
      video.requestVideoFrameCallback(next);
      video.addEventListener("ended", () => resolve(), { once: true });
      video.play().catch(reject);
    });
  }
}

/** A video that was just recorded reports its length only after its end was sought. */
async function durationOf(video) {
  if (!Number.isFinite(video.duration)) {
    video.currentTime = 1e9;
    await once(video, "seeked");
  }
  const { duration } = video;
  const atStart = once(video, "seeked");
  video.currentTime = 0;
  await atStart;
  return Number.isFinite(duration) ? duration : 0;
}

/** A browser forgets the frames that wait to be encoded when it is told to stop; on a busy computer that can be seconds. */
async function encoded(recorder) {
  for (let silent = 0; silent < SILENT_TIMES; ) {
    await new Promise((resolve) => setTimeout(resolve, ENCODE_MS));
    const next = once(recorder, "dataavailable");
    recorder.requestData();
    silent = (await next).data.size ? 0 : silent + 1;
  }
}

/** The canvas hands out a drawing with the next picture of the screen. */
const painted = () => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));

const once = (target, event) => new Promise((resolve, reject) => {
  target.addEventListener(event, resolve, { once: true });
  target.addEventListener("error", () => reject(new Error(`expected ${event} of a video, received an error`)), { once: true });
});
