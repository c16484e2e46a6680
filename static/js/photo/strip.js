/** The strip of tiles: one for each photograph, in the order chosen. */
import { SHAPES, drawing } from "../faces/emotions.js";
import { wordText } from "../faces/text.js";
import { icon, make, write } from "../shared/dom.js";
import { inShort } from "./sentence.js";

/** Characters at the end of a file's name that are always shown: numbers and the kind tell files apart. */
const NAME_END = 9;

class Tile {
  #page;
  #shot;
  #open = make("button", "tile__open");
  #status = make("span", "tile__status");
  #tick = make("input", "tile__tick");

  constructor(page, shot, { onOpen, onRemove, onTick }) {
    const { t } = page;
    this.#page = page;
    this.#shot = shot;
    this.element = make("li", "tile");
    const image = make("img", "tile__image");
    Object.assign(image, { src: shot.url, alt: "", loading: "lazy" });
    image.addEventListener("error", () => {
      const nothing = make("span", "tile__image tile__void");
      nothing.append(icon("void"));
      image.replaceWith(nothing);
    });
    this.#open.type = "button";
    this.#open.title = shot.name;
    const name = make("span", "tile__name");
    name.setAttribute("aria-hidden", "true"); // it is said whole
    name.append(make("span", "tile__start", shot.name.slice(0, -NAME_END)), make("span", "", shot.name.slice(-NAME_END)));
    this.#open.append(image, make("span", "unseen", shot.name), name, this.#status);
    this.#open.addEventListener("click", () => onOpen(shot));
    const remove = make("button", "tile__remove");
    remove.type = "button";
    remove.setAttribute("aria-label", t("photo.remove", { name: shot.name }));
    remove.append(icon("close"));
    remove.addEventListener("click", () => onRemove(shot));
    const label = make("label", "tile__label");
    this.#tick.type = "checkbox";
    this.#tick.addEventListener("change", () => onTick(shot, this.#tick.checked));
    label.append(this.#tick, make("span", "unseen", t("photo.tick", { name: shot.name })));
    this.element.append(this.#open, label, remove);
  }

  update({ isShown, isHidden, canTick }) {
    const { state, faces, isProblem, isTicked } = this.#shot;
    this.element.dataset.state = state;
    this.element.classList.toggle("tile--problem", isProblem);
    this.element.hidden = isHidden;
    if (isShown) this.#open.setAttribute("aria-current", "true");
    else this.#open.removeAttribute("aria-current");
    this.#tick.checked = isTicked;
    this.#tick.disabled = state !== "done" || (!isTicked && !canTick);
    this.#tick.parentElement.hidden = state !== "done";
    if (state !== "done") return write(this.#status, inShort(this.#shot, this.#page));
    const [face] = faces;
    // The list of faces has the per cent, and what it is unsure of.
    const one = face.word.key === "unsure" ? this.#page.t("photo.short.unsure") : wordText(face.word, this.#page).bold;
    const text = faces.length > 1 ? inShort(this.#shot, this.#page) : one;
    if (this.#status.textContent === text) return;
    this.#status.replaceChildren();
    if (faces.length === 1) this.#status.append(styled(face.style));
    this.#status.append(text);
  }

  focus() {
    this.#open.focus();
  }
}

function styled(style) {
  const shape = drawing(SHAPES[style], "shape");
  shape.dataset.style = style;
  return shape;
}

export class Strip {
  #parent;
  #page;
  #handlers;
  #tiles = new Map();

  /**
   * @param {HTMLElement} parent a list; its last item adds photographs
   * @param {import("../shared/page.js").Page} page
   * @param {{onOpen: Function, onRemove: Function, onTick: Function}} handlers each gets the shot
   */
  constructor(parent, page, handlers) {
    this.#parent = parent;
    this.#page = page;
    this.#handlers = handlers;
  }

  /**
   * @param {import("./shot.js").Shot[]} shots
   * @param {{shown: import("./shot.js").Shot | null, onlyProblems: boolean, canTick: boolean}} state
   */
  update(shots, { shown, onlyProblems, canTick }) {
    for (const [shot, tile] of this.#tiles) {
      if (shots.includes(shot)) continue;
      tile.element.remove();
      this.#tiles.delete(shot);
    }
    for (const shot of shots) {
      let tile = this.#tiles.get(shot);
      if (!tile) {
        tile = new Tile(this.#page, shot, this.#handlers);
        this.#tiles.set(shot, tile);
        this.#parent.lastElementChild.before(tile.element);
      }
      tile.update({ isShown: shot === shown, isHidden: onlyProblems && !shot.isProblem, canTick });
    }
  }

  focus(shot) {
    this.#tiles.get(shot)?.focus();
  }
}
