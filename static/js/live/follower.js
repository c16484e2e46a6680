/** Keeps marks on their faces between answers: copies the video frames and searches the faces in the copies. */
import { Motion } from "./motion.js";
import { onVideoFrame } from "./video_frame.js";

/** Longer side of the grey copy in pixels. */
const COPY_SIDE_PX = 160;
/** Time a copy and its search may take, as a share of the time between two; slower machines copy fewer frames. */
const MOST_SHARE = 0.12;

export class Follower {
  #video;
  #canvas = document.createElement("canvas");
  #context = this.#canvas.getContext("2d", { alpha: false, willReadFrequently: true });
  #motion = new Motion();
  #run = 0;
  #restUntilMs = 0;

  /** @param {HTMLVideoElement} video */
  constructor(video) {
    this.#video = video;
  }

  start() {
    const run = ++this.#run;
    this.#motion.clear();
    const next = () => onVideoFrame(this.#video, (capturedMs) => {
      if (run !== this.#run) return;
      this.#look(capturedMs);
      next();
    });
    next();
  }

  stop() {
    this.#run += 1;
    this.#motion.clear();
  }

  /**
   * Takes an answer.
   * @param {{id: number, box: object}[]} faces boxes in fractions of the picture
   * @param {number} capturedMs
   */
  answer(faces, capturedMs) {
    this.#motion.answer(faces, capturedMs);
  }

  /** @param {number} id @returns {{x: number, y: number}} the movement of a face since its answer, in fractions of the picture */
  shift(id) {
    return this.#motion.shift(id);
  }

  #look(capturedMs) {
    const beganMs = performance.now();
    if (beganMs < this.#restUntilMs || !this.#video.videoWidth) return;
    this.#motion.see(this.#copy(capturedMs));
    const tookMs = performance.now() - beganMs;
    this.#restUntilMs = beganMs + tookMs / MOST_SHARE - tookMs;
    performance.measure("follow", { start: beganMs });
    performance.clearMeasures("follow");
  }

  #copy(capturedMs) {
    const { videoWidth, videoHeight } = this.#video;
    const scale = COPY_SIDE_PX / Math.max(videoWidth, videoHeight);
    const width = Math.max(1, Math.round(videoWidth * scale));
    const height = Math.max(1, Math.round(videoHeight * scale));
    if (this.#canvas.width !== width) this.#canvas.width = width;
    if (this.#canvas.height !== height) this.#canvas.height = height;
    this.#context.drawImage(this.#video, 0, 0, width, height);
    const { data } = this.#context.getImageData(0, 0, width, height);
    const grey = new Uint8Array(width * height);
    for (let i = 0, j = 1; i < grey.length; i++, j += 4) grey[i] = data[j]; // green carries most of the light
    return { grey, width, height, capturedMs };
  }
}
