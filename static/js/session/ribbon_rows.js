/** Which faces have a ribbon, and how high a ribbon is: few on a phone, more on a desk, all when the list is unfolded. */

const HEIGHTS_PX = { wide: 40, desk: 28, phone: 36 };
const COUNTS = { wide: 8, desk: 4, phone: 2 };

export class RibbonRows {
  #wide = matchMedia("(min-width: 1920px)");
  #phone = matchMedia("(max-width: 599px)");

  /** Whether every face has a ribbon. */
  isExpanded = false;

  /** Whether there is room for ribbons and lines at once. */
  get isWide() {
    return this.#wide.matches;
  }

  /** Whether the ribbons make their canvas as high as they need. */
  get fitsContent() {
    return this.isExpanded || this.#phone.matches;
  }

  get #size() {
    return this.#wide.matches ? "wide" : this.#phone.matches ? "phone" : "desk";
  }

  /**
   * @param {number} roomPx height of the view, 0 while unknown
   * @param {number} faces all that the history has
   * @returns {number} height of a ribbon with the room under it
   */
  heightPx(roomPx, faces) {
    const most = HEIGHTS_PX[this.#size];
    return this.fitsContent ? most : Math.min(most, Math.floor((roomPx || most) / Math.max(1, Math.min(COUNTS[this.#size], faces))));
  }

  /**
   * The faces with a ribbon: those seen longest in the window, and the selected one.
   * @param {import("./history.js").Track[]} tracks
   * @param {{fromS: number, toS: number}} edges of the window
   * @param {number | null} selected
   * @returns {import("./history.js").Track[]} by id
   */
  visible(tracks, { fromS, toS }, selected) {
    const most = this.isExpanded ? Infinity : COUNTS[this.#size];
    if (tracks.length <= most) return tracks;
    const seen = ({ id, from_s, to_s }) => Math.max(0, Math.min(to_s, toS) - Math.max(from_s, fromS)) + (id === selected ? Infinity : 0);
    return [...tracks].sort((a, b) => seen(b) - seen(a) || a.id - b.id).slice(0, most).sort((a, b) => a.id - b.id);
  }
}
