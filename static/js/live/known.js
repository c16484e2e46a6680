/** The faces of the last answer, which a new connection is told so that it keeps their ids. */

/** A face that was last seen longer ago counts as a new one. */
const REMEMBERED_MS = 30_000;
/** The most faces that the server takes (`MAX_KNOWN_FACES` of webapp/frame_options.py). */
const MAX_KNOWN_FACES = 64;

/** Tells which frames carry the known faces: those of a connection that has not answered one yet. */
export class KnownFaces {
  #image = null;
  #faces = [];
  #seenMs = -Infinity;
  #answeredBy;

  /** @param {{image: object, faces: object[]}} answer @param {string} connection that gave it */
  answered({ image, faces }, connection, nowMs) {
    this.#answeredBy = connection;
    // People who are hidden for a moment keep their ids too: an answer without a face is no reason to forget.
    if (!faces.length && nowMs - this.#seenMs < REMEMBERED_MS) return;
    this.#image = image;
    this.#faces = faces.slice(0, MAX_KNOWN_FACES).map(({ id, box }) => ({ id, box }));
    this.#seenMs = nowMs;
  }

  /** For when a session begins. */
  forget() {
    this.#faces = [];
  }

  /**
   * @param {string} connection that is open now
   * @returns {{known?: {image: object, faces: object[]}}} what goes along with a frame
   */
  details(connection, nowMs) {
    const isTold = connection === this.#answeredBy || !this.#faces.length || nowMs - this.#seenMs > REMEMBERED_MS;
    return isTold ? {} : { known: { image: this.#image, faces: this.#faces } };
  }
}
