/** How bright the camera's picture is. */

/** Samples the video once in a while on a tiny canvas. */
export class LightMeter {
  #context;

  constructor() {
    const canvas = Object.assign(document.createElement("canvas"), { width: 64, height: 48 });
    this.#context = canvas.getContext("2d", { willReadFrequently: true });
  }

  /** @param {HTMLVideoElement} video @returns {number} mean luma, 0–255 */
  measure(video) {
    this.#context.drawImage(video, 0, 0, 64, 48);
    const { data } = this.#context.getImageData(0, 0, 64, 48);
    let sum = 0;
    for (let i = 0; i < data.length; i += 4) sum += 0.299 * data[i] + 0.587 * data[i + 1] + 0.114 * data[i + 2];
    return sum / (data.length / 4);
  }
}
