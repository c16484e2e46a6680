/** Dragging over the ribbons moves the cursor; with Shift it selects a range. */
import { timeAt } from "./scale.js";

const DRAGGED_PX = 4;

export class Drag {
  #canvas;
  #on;
  #held = null;

  /**
   * @param {HTMLCanvasElement} canvas
   * @param {object} on
   * @param {() => {fromS: number, toS: number} | null} on.edges of the window now, null while there is none
   * @param {() => boolean} on.mayDraw whether Shift draws a range
   * @param {(timeS: number) => void} on.look
   * @param {(offsetY: number) => void} on.press the pointer was pressed at this height
   * @param {(range: import("./recording.js").Range) => void} on.drawn
   * @param {() => void} on.change what is drawn so far changed
   */
  constructor(canvas, on) {
    this.#canvas = canvas;
    this.#on = on;
    canvas.addEventListener("pointerdown", (event) => this.#pressed(event));
    canvas.addEventListener("pointermove", (event) => this.#moved(event));
    canvas.addEventListener("pointerup", (event) => this.#released(event));
    canvas.addEventListener("pointercancel", () => (this.#held = null));
  }

  /** The scale does not move during a drag. @returns {{fromS: number, toS: number} | null} its edges then */
  get edges() {
    return this.#held?.edges ?? null;
  }

  /** @returns {import("./recording.js").Range | null} the range that is being drawn */
  get range() {
    if (!this.#held?.draws) return null;
    const { fromS, toS } = this.#held;
    return { from_s: Math.min(fromS, toS), to_s: Math.max(fromS, toS) };
  }

  #pressed(event) {
    const edges = this.#on.edges();
    if (event.button !== 0 || !edges) return;
    this.#held = { edges, fromX: event.offsetX, draws: event.shiftKey && this.#on.mayDraw() };
    this.#held.fromS = this.#held.toS = this.#timeUnder(event);
    this.#canvas.setPointerCapture(event.pointerId);
    if (this.#held.draws) return;
    this.#on.press(event.offsetY);
    this.#on.look(this.#held.fromS);
  }

  #moved(event) {
    if (!this.#held) return;
    this.#held.toS = this.#timeUnder(event);
    if (this.#held.draws) this.#on.change();
    else if (this.#isDragged(event)) this.#on.look(this.#held.toS);
  }

  #released(event) {
    if (!this.#held) return;
    const range = this.#isDragged(event) ? this.range : null;
    this.#held = null;
    if (range) this.#on.drawn(range);
    this.#on.change();
  }

  #isDragged({ offsetX }) {
    return Math.abs(offsetX - this.#held.fromX) > DRAGGED_PX;
  }

  #timeUnder({ offsetX }) {
    return timeAt(offsetX, this.#held.edges, this.#canvas.clientWidth);
  }
}
