/** A person's own neutral: how far a face is from it now, as the difference of log-odds, emotion by emotion. */

/** Probabilities are kept this far from 0 and 1, so that a change stays finite: at most 2 × ln(0.999 / 0.001) = 13.8. */
const EDGE = 0.001;

const logOdds = (value) => {
  const kept = Math.min(1 - EDGE, Math.max(EDGE, value));
  return Math.log(kept / (1 - kept));
};

/**
 * @param {ArrayLike<number>} baseline mean probabilities of the person's neutral face
 * @param {ArrayLike<number>} vector probabilities now
 * @returns {number[]} the change in log-odds: 0 none, 1 means the odds are 2.7 times as high
 */
export const changeFrom = (baseline, vector) => Array.from(vector, (value, i) => logOdds(value) - logOdds(baseline[i]));
