/** Splits a JSON object into pieces while it is read, so that a file of any size takes the memory of one piece. */

const [QUOTE, BACKSLASH, COMMA, COLON] = ['"', "\\", ",", ":"].map((one) => one.charCodeAt(0));
const [OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT] = ["[", "]", "{", "}"].map((one) => one.charCodeAt(0));
const BYTE_ORDER_MARK = 0xfeff;
/** Longest piece, in characters: one value of the object, or one item of a list in it. */
export const MAX_PIECE_CHARS = 1 << 20;

/** The text is not what was expected; `name`: "begin" (no object), "cut" (it ends too early) or "damaged". */
export class JsonProblem extends Error {
  constructor(name, message) {
    super(message);
    this.name = name;
  }
}

/** Takes a text in parts. Gives the members of the object at its top; of a list, every item by itself. */
export class JsonPieces {
  #depth = 0;
  #hasEnded = false;
  #inString = false;
  #isEscaped = false;
  #inList = false;
  #member = null;
  #begun = "";

  /**
   * @param {string} text the next part
   * @returns {Generator<{name: string, value: any, isItem: boolean}>} in the order of the text; a list that begins is announced by
   *   `value` undefined
   * @throws {JsonProblem}
   */
  *read(text) {
    let from = 0;
    const take = (to) => {
      const piece = this.#begun + text.slice(from, to);
      this.#begun = "";
      from = to + 1;
      return piece;
    };
    for (let at = 0; at < text.length; at++) {
      const code = text.charCodeAt(at);
      if (this.#inString) {
        if (this.#isEscaped) this.#isEscaped = false;
        else if (code === BACKSLASH) this.#isEscaped = true;
        else if (code === QUOTE) this.#inString = false;
      } else if (this.#depth === 0) {
        from = at + 1;
        this.#outside(code, text.slice(at, at + 12));
      } else if (code === QUOTE) this.#inString = true;
      else if (this.#depth === 1) {
        if (code === COLON && this.#member === null) this.#member = parsed(take(at));
        else if (code === COMMA || code === CLOSE_OBJECT) {
          const piece = take(at);
          if (this.#member !== null || piece.trim() || code === COMMA) yield* this.#whole(piece);
          if (code === CLOSE_OBJECT) [this.#depth, this.#hasEnded] = [0, true];
        } else if (code === OPEN_LIST) {
          if (take(at).trim() || this.#member === null) throw new JsonProblem("damaged", "a list where none may be");
          [this.#depth, this.#inList] = [2, true];
          yield { name: this.#member, value: undefined, isItem: false };
        } else this.#nest(code);
      } else if (this.#depth === 2 && this.#inList && (code === COMMA || code === CLOSE_LIST)) {
        const piece = take(at);
        if (code === COMMA || piece.trim()) yield { name: this.#member, value: parsed(piece), isItem: true };
        if (code === CLOSE_LIST) [this.#depth, this.#inList, this.#member, this.#begun] = [1, false, undefined, ""];
      } else this.#nest(code);
    }
    if (this.#depth > 0) this.#begun += text.slice(from);
    if (this.#begun.length > MAX_PIECE_CHARS) throw new JsonProblem("damaged", `a value of more than ${MAX_PIECE_CHARS} characters`);
  }

  /** The text has ended. @throws {JsonProblem} before the object did */
  end() {
    if (!this.#hasEnded) throw new JsonProblem(this.#depth ? "cut" : "begin", "");
  }

  #outside(code, found) {
    if (code <= 32 || code === BYTE_ORDER_MARK) return;
    if (this.#hasEnded) throw new JsonProblem("damaged", "more after the end");
    if (code !== OPEN_OBJECT) throw new JsonProblem("begin", found);
    this.#depth = 1;
  }

  #nest(code) {
    if (code === OPEN_LIST || code === OPEN_OBJECT) this.#depth += 1;
    else if (code === CLOSE_LIST || code === CLOSE_OBJECT) this.#depth -= 1;
    if (this.#depth < 1) throw new JsonProblem("damaged", "a bracket that was never opened");
  }

  *#whole(piece) {
    const name = this.#member;
    this.#member = null;
    if (name === undefined && !piece.trim()) return; // a list, whose items were given
    if (typeof name !== "string") throw new JsonProblem("damaged", "a value without a name");
    yield { name, value: parsed(piece), isItem: false };
  }
}

function parsed(piece) {
  try {
    return JSON.parse(piece);
  } catch (error) {
    throw new JsonProblem("damaged", error.message);
  }
}
