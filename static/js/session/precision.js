/** The precision of what is kept. It is that of the files, so that a file that is opened again gives the same files. */

/** @param {number} seconds @returns {number} to the millisecond */
export const toMs = (seconds) => Math.round(seconds * 1e3) / 1e3;

/** @param {number} value @returns {number} a probability to four decimals */
export const toProbability = (value) => Math.round(value * 1e4) / 1e4;

/** @param {number} value @returns {number} pixels or milliseconds to one decimal */
export const toTenth = (value) => Math.round(value * 10) / 10;
