/** The photograph on the stage, with marks where its faces are. */
import { contain, hit, project } from "../faces/geometry.js";
import { drawMarks, plateText, prepare } from "../faces/marks.js";
import { element } from "../shared/page.js";

export class Picture {
  #page;
  #image = element("photo-image");
  #canvas = element("photo-marks");
  #void = element("photo-void");
  #shot = null;
  #selected = null;
  #heat = null;

  /** @param {import("../shared/page.js").Page} page @param {(id: number) => void} onSelect */
  constructor(page, onSelect) {
    this.#page = page;
    this.#image.addEventListener("load", () => this.draw());
    this.#image.addEventListener("error", () => this.#showVoid(true)); // this browser cannot show the file
    this.#canvas.addEventListener("click", ({ offsetX, offsetY }) => {
      const index = hit(this.#boxes(), offsetX, offsetY);
      if (index >= 0) onSelect(this.#shot.faces[index].id);
    });
    new ResizeObserver(() => this.draw()).observe(this.#canvas);
  }

  /** @param {import("./shot.js").Shot | null} shot @param {number | null} selected id of a face */
  show(shot, selected) {
    if (shot !== this.#shot) {
      this.#heat = null;
      this.#showVoid(false);
      this.#image.alt = shot?.name ?? "";
      if (shot) this.#image.src = shot.url;
    }
    this.#shot = shot;
    this.#selected = selected;
    this.draw();
  }

  /** Shows a heat map over a face; null removes it. @param {{id: number, image: CanvasImageSource} | null} heat */
  explain(heat) {
    this.#heat = heat;
    this.draw();
  }

  draw() {
    if (!this.#canvas.clientWidth) return;
    const context = prepare(this.#canvas);
    if (!this.#shot?.faces.length || !this.#image.naturalWidth) return;
    const { faces } = this.#shot;
    const boxes = this.#boxes();
    if (this.#heat) {
      const box = boxes[faces.findIndex(({ id }) => id === this.#heat.id)];
      context.drawImage(this.#heat.image, box.x, box.y, box.w, box.h);
    }
    const marks = faces.map((face, i) => ({
      face, box: boxes[i], alpha: 1, text: plateText(face, faces.length, this.#page), selected: faces.length > 1 && face.id === this.#selected,
    }));
    const { clientWidth, clientHeight } = this.#canvas;
    drawMarks(context, marks, { x: 4, y: 4, w: clientWidth - 8, h: clientHeight - 8 });
  }

  #showVoid(isVoid) {
    this.#void.hidden = !isVoid;
    this.#image.hidden = isVoid;
  }

  #boxes() {
    const { naturalWidth, naturalHeight } = this.#image;
    const { clientWidth, clientHeight } = this.#canvas;
    const view = contain(naturalWidth, naturalHeight, clientWidth, clientHeight);
    return (this.#shot?.faces ?? []).map((face) => project(face.box, view, false));
  }
}
