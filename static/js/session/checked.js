/** Checks of values that come from a file. What was expected is written in signs, not in words: it is the same in every language. */

/** A file cannot be opened; `name` is a sentence of the catalogue (`reopen.NAME`), `values` what it names. */
export class SavedProblem extends Error {
  /** @param {string} name @param {Record<string, string | number>} [values] */
  constructor(name, values = {}) {
    super(`${name} ${JSON.stringify(values)}`);
    this.name = name;
    this.values = values;
  }
}

/** @typedef {{expected: string, holds: (value: any) => boolean}} Kind */

/** @param {number} from @param {number} to @returns {Kind} */
export const number = (from, to) => ({ expected: `${from} … ${to}`, holds: (value) => typeof value === "number" && value >= from && value <= to });

/** @param {number} from @param {number} to @returns {Kind} */
export const integer = (from, to) => ({ expected: `${from}, ${from + 1} … ${to}`, holds: (value) => Number.isInteger(value) && value >= from && value <= to });

/** @param {...any} values @returns {Kind} */
export const oneOf = (...values) => ({ expected: values.join(" | "), holds: (value) => values.includes(value) });

/** @param {Kind} kind @returns {Kind} */
export const orNull = ({ expected, holds }) => ({ expected: `${expected} | null`, holds: (value) => value === null || holds(value) });

/** @type {Kind} */
export const text = { expected: '"…"', holds: (value) => typeof value === "string" };
/** @type {Kind} */
export const instant = { expected: '"YYYY-MM-DDThh:mm:ss.sssZ"', holds: (value) => typeof value === "string" && Number.isFinite(Date.parse(value)) };
/** @type {Kind} */
export const list = { expected: "[…]", holds: Array.isArray };
/** @type {Kind} */
export const members = { expected: "{…}", holds: (value) => typeof value === "object" && value !== null && !Array.isArray(value) };

const SHOWN_CHARS = 40;

/**
 * @template T
 * @param {string} path of the value in its document
 * @param {T} value
 * @param {Kind} kind
 * @returns {T} the value
 * @throws {SavedProblem} "missing" or "value"
 */
export function checked(path, value, { expected, holds }) {
  if (value === undefined) throw new SavedProblem("missing", { path, expected });
  if (!holds(value)) throw new SavedProblem("value", { path, found: shown(value), expected });
  return value;
}

/** A value in as many characters as a sentence has room for. */
export const shown = (value) => clipped(JSON.stringify(value));

/** The beginning of a text, without what cannot be printed. */
export function clipped(text) {
  const written = text.replaceAll(/\p{C}/gu, "·");
  return written.length > SHOWN_CHARS ? `${written.slice(0, SHOWN_CHARS)}…` : written;
}
