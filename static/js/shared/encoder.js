/** Turns pictures into JPEGs, off the main thread where the browser can. */

/**
 * @typedef {object} Picture something that can be drawn
 * @property {number} width
 * @property {number} height
 * @property {() => VideoFrame | null} frame the picture as a frame that a worker may have, or null where there is none
 * @property {(context: CanvasRenderingContext2D, width: number, height: number) => void} draw
 */

/**
 * @param {HTMLVideoElement} video
 * @param {VideoFrame | null} [frame] of the video's stream; what the video shows at the time it is asked where there is none
 * @returns {Picture}
 */
export const pictureOf = (video, frame = null) => ({
  width: video.videoWidth,
  height: video.videoHeight,
  frame: () => frame?.clone() ?? new VideoFrame(video, { timestamp: 0 }),
  draw: (context, width, height) => context.drawImage(video, 0, 0, width, height),
});

/**
 * Encodes pictures. A worker draws and compresses where `VideoFrame` and `OffscreenCanvas` exist; elsewhere a canvas of
 * the page does. A worker that fails is not used again.
 */
export class Encoder {
  #canvas = document.createElement("canvas");
  #context = null;
  #worker = null;
  #waiting = new Map();
  #count = 0;

  constructor() {
    if (!("VideoFrame" in globalThis) || !("OffscreenCanvas" in globalThis)) return;
    this.#worker = new Worker(new URL("encoder-worker.js", import.meta.url), { type: "module" });
    this.#worker.addEventListener("message", ({ data: { id, bytes } }) => this.#settle(id, bytes));
    this.#worker.addEventListener("error", (event) => {
      event.preventDefault(); // a browser without WebCodecs in workers: the canvas below serves
      this.close();
    });
  }

  /**
   * @param {Picture} picture
   * @param {{width: number, height: number, quality: number}} size of the JPEG in pixels; quality 0–1
   * @returns {Promise<ArrayBuffer>} the JPEG
   */
  async encode(picture, size) {
    return (this.#worker && (await this.#inWorker(picture, size))) ?? (await this.#onPage(picture, size));
  }

  close() {
    this.#worker?.terminate();
    this.#worker = null;
    for (const id of [...this.#waiting.keys()]) this.#settle(id, null);
  }

  #inWorker(picture, size) {
    let frame;
    try {
      frame = picture.frame();
    } catch {
      return null; // no frame can be taken from this source: the canvas draws it
    }
    if (!frame) return null;
    if (frame.displayWidth > frame.displayHeight !== picture.width > picture.height) {
      frame.close(); // a rotated camera: only drawing the video applies the rotation
      return null;
    }
    return new Promise((resolve) => {
      this.#waiting.set(++this.#count, resolve);
      this.#worker.postMessage({ id: this.#count, frame, ...size }, [frame]);
    });
  }

  #settle(id, bytes) {
    this.#waiting.get(id)?.(bytes);
    this.#waiting.delete(id);
  }

  async #onPage(picture, { width, height, quality }) {
    if (this.#canvas.width !== width) this.#canvas.width = width;
    if (this.#canvas.height !== height) this.#canvas.height = height;
    this.#context ??= this.#canvas.getContext("2d", { alpha: false });
    picture.draw(this.#context, width, height);
    const blob = await new Promise((resolve) => this.#canvas.toBlob(resolve, "image/jpeg", quality));
    return blob.arrayBuffer();
  }
}
