/** The classes of the model and their order. One object is made from the server's description of the model, and passed on with the page. */

/** The seven labels of the shipped model, in the order of every vector. */
export const EMOTIONS = Object.freeze(["angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"]);

export class Labels {
  /** @param {string[] | undefined} names the model's classes as the server names them; by default the seven emotions */
  constructor(names) {
    this.names = names?.length ? Object.freeze([...names]) : EMOTIONS;
  }

  /** @param {Record<string, number>} emotions @returns {number[]} the probabilities in label order */
  vector(emotions) {
    return this.names.map((name) => emotions[name]);
  }

  /**
   * The emotion whose colour and shape a label has: the same, or for another class one chosen by its position.
   * @param {string} label a name of the model, or "unsure"
   */
  styleOf(label) {
    if (label === "unsure" || EMOTIONS.includes(label)) return label;
    return EMOTIONS[Math.max(0, this.names.indexOf(label)) % EMOTIONS.length];
  }
}

/**
 * Indices of the `n` largest values, largest first; ties go to the label order.
 * @param {number[]} vector
 * @param {number} n
 */
export const best = (vector, n) =>
  vector.map((_, i) => i).sort((a, b) => vector[b] - vector[a] || a - b).slice(0, n);
