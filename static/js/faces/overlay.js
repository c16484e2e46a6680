/** Draws marks over the moving picture at the refresh rate of the screen; an answer changes the next drawing. */
import { GONE_MS, opacity } from "./faces.js";
import { contain, hit, project } from "./geometry.js";
import { drawMarks, plateText, prepare } from "./marks.js";

const EASE_TAU_MS = 27; // 95 % of the way in 80 ms

/** Eases boxes towards the newest answer, fades old marks, and clears itself when stopped. */
export class Overlay {
  #canvas;
  #video;
  #faces;
  #page;
  #calm = matchMedia("(prefers-reduced-motion: reduce)");
  #running = false;
  #lastMs = 0;
  #drawn = new Map();
  #crowded = false;
  #onDrawn;
  #shift;

  visible = true;
  mirrored = false;
  selected = null;
  /** Capture time of the frame the marks belong to, 0 when there is none. */
  capturedMs = 0;

  /**
   * @param {HTMLCanvasElement} canvas
   * @param {HTMLVideoElement} video
   * @param {import("./faces.js").Faces} faces
   * @param {import("./text.js").Words} page
   * @param {{onDrawn: (ageMs: number) => void, shift: (id: number) => {x: number, y: number}}} sight `onDrawn` gets the age of the marks at
   *   each drawing; `shift` gives the movement of a face since its answer, in fractions of the picture
   */
  constructor(canvas, video, faces, page, { onDrawn, shift }) {
    this.#canvas = canvas;
    this.#video = video;
    this.#faces = faces;
    this.#page = page;
    this.#onDrawn = onDrawn;
    this.#shift = shift;
  }

  start() {
    if (this.#running) return;
    this.#running = true;
    const loop = (nowMs) => {
      if (!this.#running) return;
      this.#draw(nowMs);
      requestAnimationFrame(loop);
    };
    requestAnimationFrame(loop);
  }

  /** Stops and clears: an old mark would be wrong. */
  stop() {
    this.#running = false;
    this.#drawn.clear();
    this.capturedMs = 0;
    prepare(this.#canvas);
  }

  /** @returns {number | null} the id of the face at a point of the canvas, in CSS pixels */
  faceAt(x, y) {
    const drawn = [...this.#drawn.entries()];
    const index = hit(drawn.map(([, { box }]) => box), x, y);
    return index < 0 ? null : drawn[index][0];
  }

  #draw(frameMs) {
    const now = performance.now();
    const context = prepare(this.#canvas);
    this.#faces.prune(now);
    const faces = this.#faces.list();
    const elapsed = Math.min(100, frameMs - this.#lastMs);
    this.#lastMs = frameMs;
    for (const id of this.#drawn.keys()) if (!faces.some((face) => face.id === id)) this.#drawn.delete(id);
    if (now - this.capturedMs > GONE_MS) this.#drawn.clear(); // the picture is too old: a mark would be wrong
    if (!this.visible || !faces.length || now - this.capturedMs > GONE_MS) return;
    const bounds = { x: 0, y: 0, w: this.#canvas.clientWidth, h: this.#canvas.clientHeight };
    const view = contain(this.#video.videoWidth, this.#video.videoHeight, bounds.w, bounds.h);
    const marks = faces.map((face) => this.#mark(face, view, elapsed, faces.length, now));
    marks.sort((a, b) => b.box.w * b.box.h - a.box.w * a.box.h);
    const inset = { x: 4, y: 4, w: bounds.w - 8, h: bounds.h - 8 };
    const { plates, crowd } = drawMarks(context, marks, inset, this.#crowded);
    this.#crowded = crowd;
    plates.forEach((plate, i) => (marks[i].state.side = plate.side));
    if (this.capturedMs) this.#onDrawn(now - this.capturedMs);
  }

  #mark(face, view, elapsed, count, now) {
    const shift = this.#shift(face.id);
    const target = project({ ...face.box, x: face.box.x + shift.x, y: face.box.y + shift.y }, view, this.mirrored);
    let state = this.#drawn.get(face.id);
    if (!state) this.#drawn.set(face.id, (state = { box: target, view }));
    // Movement that the page itself measured is applied at once; only corrections by an answer are eased.
    if (state.seenMs === face.seenMs) {
      state.box = {
        ...state.box, x: state.box.x + (shift.x - state.shift.x) * view.w * (this.mirrored ? -1 : 1), y: state.box.y + (shift.y - state.shift.y) * view.h,
      };
    }
    const jumped = state.mirrored !== this.mirrored || state.view.w !== view.w || state.view.x !== view.x;
    const step = this.#calm.matches || jumped ? 1 : 1 - Math.exp(-elapsed / EASE_TAU_MS);
    for (const side of ["x", "y", "w", "h"]) state.box = { ...state.box, [side]: state.box[side] + step * (target[side] - state.box[side]) };
    Object.assign(state, { view, mirrored: this.mirrored, shift, seenMs: face.seenMs });
    const text = plateText(face, count, this.#page);
    const selected = count > 1 && face.id === this.selected;
    return { face, box: state.box, alpha: opacity(now - face.seenMs), text, side: state.side, selected, state };
  }
}
