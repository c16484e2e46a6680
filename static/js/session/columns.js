/** A table of numbers in typed arrays: about a hundred bytes a face, so that half an hour of answers takes a few megabytes. */

/**
 * @typedef {Record<string, [Function, number]>} Shape the columns: a typed array's constructor, and how many values a row holds
 */

/** A table that grows at its end and can be cut at its start. */
export class Columns {
  #shape;
  #capacity;
  #arrays = {};

  length = 0;

  /** @param {Shape} shape @param {number} [capacity] rows to make room for at first */
  constructor(shape, capacity = 256) {
    this.#shape = shape;
    this.#capacity = capacity;
    for (const [name, [Type, width]] of Object.entries(shape)) this.#arrays[name] = new Type(capacity * width);
  }

  /** Adds a row. @param {Record<string, number | ArrayLike<number>>} values @returns {number} its index */
  push(values) {
    if (this.length === this.#capacity) this.#grow(this.#capacity * 2);
    const row = this.length++;
    for (const [name, [, width]] of Object.entries(this.#shape)) {
      if (width === 1) this.#arrays[name][row] = values[name];
      else this.#arrays[name].set(values[name], row * width);
    }
    return row;
  }

  /** @param {string} name a column of one value @param {number} row @returns {number} */
  get(name, row) {
    return this.#arrays[name][row];
  }

  /** @param {string} name a column of several values @param {number} row @returns {ArrayLike<number>} a view, not a copy */
  row(name, row) {
    const width = this.#shape[name][1];
    return this.#arrays[name].subarray(row * width, (row + 1) * width);
  }

  set(name, row, value) {
    this.#arrays[name][row] = value;
  }

  /** Copies of the rows from `from` to before `to`, by column, for storage or transfer. */
  slice(from = 0, to = this.length) {
    const part = {};
    for (const [name, [, width]] of Object.entries(this.#shape)) part[name] = this.#arrays[name].slice(from * width, to * width);
    return part;
  }

  /** Appends the result of `slice`. @param {Record<string, ArrayLike<number>>} part */
  append(part) {
    const [first, [, firstWidth]] = Object.entries(this.#shape)[0];
    const rows = part[first].length / firstWidth;
    if (this.length + rows > this.#capacity) this.#grow(Math.max(this.#capacity * 2, this.length + rows));
    for (const [name, [, width]] of Object.entries(this.#shape)) this.#arrays[name].set(part[name], this.length * width);
    this.length += rows;
  }

  /** Removes the first rows. @param {number} rows */
  dropFirst(rows) {
    for (const [name, [, width]] of Object.entries(this.#shape)) this.#arrays[name].copyWithin(0, rows * width, this.length * width);
    this.length -= rows;
  }

  /** The first row whose value in a rising column is greater than `value`; `length` when there is none. */
  after(name, value) {
    const column = this.#arrays[name];
    let [low, high] = [0, this.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (column[middle] > value) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  #grow(capacity) {
    this.#capacity = capacity;
    for (const [name, [Type, width]] of Object.entries(this.#shape)) {
      const larger = new Type(capacity * width);
      larger.set(this.#arrays[name].subarray(0, this.length * width));
      this.#arrays[name] = larger;
    }
  }
}
