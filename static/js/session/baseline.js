/** A person's baseline: the difference in log-odds between a face and the same person's neutral face. */

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

/** Length of the stretch that is a person's neutral. */
export const BASELINE_S = 3;
/** Fewest readings of a stretch. */
export const LEAST_READINGS = 5;

/** @param {ArrayLike<number>[]} readings of one neutral face @returns {number[]} their mean probabilities */
export const meanOf = (readings) => Array.from(readings[0], (_, i) => readings.reduce((sum, vector) => sum + vector[i], 0) / readings.length);

/**
 * The three seconds that most likely show a person's neutral face: it looks neutral and does not change. Scored as in
 * `ml.inference.baseline`: mean log-odds of neutral, less the mean standard deviation of all emotions' log-odds.
 * @param {number[]} timesS rising
 * @param {ArrayLike<number>[]} readings probabilities, one for each time
 * @param {number} neutral index among the labels
 * @returns {{from: number, to: number} | null} rows, `to` not included
 */
export function quietStretch(timesS, readings, neutral) {
  const odds = readings.map((vector) => Array.from(vector, logOdds));
  let best = null;
  for (let from = 0, to = 0; from < timesS.length && timesS[from] + BASELINE_S <= timesS.at(-1) + 1e-9; from++) {
    while (to < timesS.length && timesS[to] <= timesS[from] + BASELINE_S) to += 1;
    if (to - from < LEAST_READINGS) continue;
    const stretch = odds.slice(from, to);
    const mean = meanOf(stretch);
    const spread = mean.reduce((sum, value, i) => sum + Math.sqrt(stretch.reduce((all, one) => all + (one[i] - value) ** 2, 0) / stretch.length), 0);
    const score = mean[neutral] - spread / mean.length;
    if (!best || score > best.score) best = { from, to, score };
  }
  return best && { from: best.from, to: best.to };
}
