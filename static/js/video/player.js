/** The browser's own player with the marks of each moment over it. Times are those of the decoder: 0 is the first picture. */
import { contain, hit, project } from "../faces/geometry.js";
import { drawMarks, plateText, prepare } from "../faces/marks.js";

/** Half a millisecond: times are kept in whole ones. */
const ROUNDING_S = 0.0006;

export class Player {
  #video;
  #canvas;
  #page;
  #handlers;
  #facesAt = () => [];
  #url = "";
  #firstS = 0;
  #size = [4, 3];
  #selected = null;
  #shown = [];
  #run = 0;

  canPlay = false;

  /**
   * @param {HTMLVideoElement} video
   * @param {HTMLCanvasElement} canvas over it
   * @param {import("../faces/text.js").Words} page
   * @param {{onMoment: (timeS: number) => void, onSelect: (id: number) => void}} handlers
   */
  constructor(video, canvas, page, handlers) {
    this.#video = video;
    this.#canvas = canvas;
    this.#page = page;
    this.#handlers = handlers;
    for (const event of ["seeked", "pause", "loadeddata"]) video.addEventListener(event, () => this.#moved());
    new ResizeObserver(() => this.draw()).observe(canvas);
    video.addEventListener("click", (event) => this.#clicked(event));
  }

  /** Seconds since the first picture of what the player shows. */
  get timeS() {
    return Math.max(0, this.#video.currentTime - this.#firstS);
  }

  /**
   * Shows a file; returns when its first picture is there, or it is clear that the player cannot show it.
   * @param {File} file
   * @param {import("./decoder.js").Decoder} decoder
   */
  async load(file, { firstS = 0, width, height }) {
    const video = this.#video;
    if (this.#url) URL.revokeObjectURL(this.#url);
    this.#url = URL.createObjectURL(file);
    this.#firstS = firstS;
    this.#size = [width, height];
    this.#shown = [];
    this.canPlay = await new Promise((resolve) => {
      video.addEventListener("loadeddata", () => resolve(video.videoWidth > 0), { once: true });
      video.addEventListener("error", () => resolve(false), { once: true });
      video.src = this.#url;
    });
    this.#watch();
  }

  /** @param {(timeS: number) => import("../faces/faces.js").ShownFace[]} facesAt what was read at a moment */
  follow(facesAt) {
    this.#facesAt = facesAt;
    this.draw();
  }

  /** More is known of the moment that is shown: draws it again. */
  refresh() {
    this.#moved();
  }

  seek(timeS) {
    if (Math.abs(timeS - this.timeS) > 1e-3) this.#video.currentTime = timeS + this.#firstS + ROUNDING_S;
  }

  /** Plays from the beginning, unless the person wants little motion. */
  play() {
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) return;
    this.#video.currentTime = this.#firstS;
    this.#video.play().catch((error) => console.warn(error)); // the browser's own button is there
  }

  pause() {
    this.#video.pause();
  }

  select(id) {
    this.#selected = id;
    this.draw();
  }

  /** Draws the marks of the moment that the player shows. */
  draw(timeS = this.timeS) {
    const context = prepare(this.#canvas);
    const { clientWidth: w, clientHeight: h } = this.#canvas;
    const faces = this.#facesAt(timeS + ROUNDING_S);
    if (!w || !h) return;
    const view = contain(...this.#size, w, h);
    this.#shown = faces.map((face) => ({
      face, box: project(face.box, view, false), alpha: 1, text: plateText(face, faces.length, this.#page), selected: faces.length > 1 && face.id === this.#selected,
    }));
    this.#shown.sort((a, b) => b.box.w * b.box.h - a.box.w * a.box.h);
    drawMarks(context, this.#shown, { x: 4, y: 4, w: w - 8, h: h - 8 });
  }

  /** Marks belong to the picture on the screen, not to the clock. */
  #watch() {
    const run = ++this.#run;
    if (!this.#video.requestVideoFrameCallback) return this.#watchClock(run);
    const next = (now, { mediaTime }) => {
      if (run !== this.#run) return;
      this.#moved(mediaTime - this.#firstS);
      this.#video.requestVideoFrameCallback(next);
    };
    this.#video.requestVideoFrameCallback(next);
  }

  #watchClock(run) {
    const next = () => {
      if (run !== this.#run) return;
      if (!this.#video.paused) this.#moved();
      requestAnimationFrame(next);
    };
    requestAnimationFrame(next);
  }

  #moved(timeS = this.timeS) {
    this.draw(timeS);
    this.#handlers.onMoment(timeS);
  }

  #clicked({ offsetX, offsetY }) {
    const index = hit(this.#shown.map(({ box }) => box), offsetX, offsetY);
    if (index >= 0) this.#handlers.onSelect(this.#shown[index].face.id);
  }
}
