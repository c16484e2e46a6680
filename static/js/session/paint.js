/** The theme's colours for a canvas, and the patterns and shapes that accompany colour. */
import { SHAPES } from "../faces/emotions.js";
import { make } from "../shared/dom.js";

const STYLES = ["angry", "disgust", "fear", "happy", "sad", "surprise", "neutral", "unsure"];
/** What the colours depend on, beside the theme that was chosen. */
const THEME_QUERIES = ["(prefers-color-scheme: dark)", "(forced-colors: active)"];
const INTERFACE = ["text", "muted", "hairline", "accent", "danger", "surface", "bg"];

/** How each emotion's line is drawn, so that colour is not the only difference. In pixels; empty is solid. */
export const DASHES = Object.freeze({
  angry: [], disgust: [8, 3], fear: [2, 3], happy: [], sad: [12, 3, 2, 3], surprise: [5, 2], neutral: [1, 4], unsure: [1, 1],
});

/** Happiness is solid like anger, and thicker. */
export const LINE_PX = Object.freeze({ happy: 3 });

/** Reads the page's colours from the style sheet, and again when the theme has changed. */
export class Paint {
  #probes = new Map();
  #root;
  #theme = "";
  #colours = {};
  #hatch = null;
  #listening = new AbortController();
  #observer;

  /**
   * @param {HTMLElement} parent an element of the page, for hidden ones
   * @param {() => void} [onChange] the theme has changed: what was drawn has the colours of the one before
   */
  constructor(parent, onChange = () => {}) {
    this.#root = make("div", "unseen paint");
    this.#root.setAttribute("aria-hidden", "true");
    for (const name of [...STYLES, ...INTERFACE]) {
      const probe = make("i", `paint__${INTERFACE.includes(name) ? "part" : "emotion"}`);
      probe.dataset[INTERFACE.includes(name) ? "part" : "style"] = name;
      this.#probes.set(name, probe);
      this.#root.append(probe);
    }
    parent.append(this.#root);
    this.#observer = new MutationObserver(onChange);
    this.#observer.observe(document.documentElement, { attributeFilter: ["data-theme"] });
    for (const query of THEME_QUERIES) matchMedia(query).addEventListener("change", onChange, { signal: this.#listening.signal });
  }

  /** Removes the hidden elements from the page, and listens no longer. */
  remove() {
    this.#root.remove();
    this.#observer.disconnect();
    this.#listening.abort();
  }

  /** @param {string} name an emotion's style, "unsure", or a part of the interface */
  colour(name) {
    this.#refresh();
    return this.#colours[name];
  }

  /** Stripes in the colour of unsure readings. @param {CanvasRenderingContext2D} context */
  hatch(context) {
    this.#refresh();
    if (this.#hatch) return this.#hatch;
    const tile = Object.assign(document.createElement("canvas"), { width: 8, height: 8 });
    const inside = tile.getContext("2d");
    inside.strokeStyle = this.#colours.unsure;
    inside.lineWidth = 2.5;
    for (const x of [-8, 0, 8]) {
      inside.moveTo(x, 8);
      inside.lineTo(x + 8, 0);
    }
    inside.stroke();
    return (this.#hatch = context.createPattern(tile, "repeat"));
  }

  /** An emotion's shape on a plate in the page's own colour: no shape lies on the colour of an emotion. */
  shape(context, style, x, y, side) {
    context.fillStyle = this.colour("bg");
    context.beginPath();
    context.roundRect(x, y, side, side, 3);
    context.fill();
    context.save();
    context.translate(x + 2, y + 2);
    context.scale((side - 4) / 12, (side - 4) / 12);
    context.fillStyle = this.colour(style);
    context.fill(new Path2D(SHAPES[style]), "evenodd");
    context.restore();
  }

  #refresh() {
    const now = [document.documentElement.dataset.theme, ...THEME_QUERIES.map((query) => matchMedia(query).matches)].join();
    if (now === this.#theme && this.#colours.text) return;
    this.#theme = now;
    this.#hatch = null;
    for (const [name, probe] of this.#probes) this.#colours[name] = getComputedStyle(probe).color;
  }
}
