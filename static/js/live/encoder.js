/** Turns the video's present picture into a JPEG, off the main thread where the browser can. */

/**
 * @typedef {object} Encoded
 * @property {ArrayBuffer} bytes the JPEG
 * @property {number} elapsedMs from the picture's taking to its bytes
 */

/**
 * Encodes one picture at a time. A worker draws and compresses where `VideoFrame` and `OffscreenCanvas` exist; elsewhere
 * a canvas of the page does. A worker that fails is not asked again.
 */
export class Encoder {
  #canvas = document.createElement("canvas");
  #context = null;
  #worker = null;
  #pending = null;

  constructor() {
    if (!("VideoFrame" in globalThis) || !("OffscreenCanvas" in globalThis)) return;
    this.#worker = new Worker(new URL("encoder-worker.js", import.meta.url));
    this.#worker.addEventListener("message", ({ data }) => this.#settle(data));
    this.#worker.addEventListener("error", (event) => {
      event.preventDefault(); // a browser without WebCodecs in workers: the canvas below serves
      this.#worker.terminate();
      this.#worker = null;
      this.#settle(null);
    });
  }

  /**
   * @param {HTMLVideoElement} video with a picture
   * @param {{width: number, height: number, quality: number}} size of the JPEG in pixels; quality 0–1
   * @returns {Promise<Encoded>}
   */
  async encode(video, size) {
    const startMs = performance.now();
    const bytes = (this.#worker && (await this.#inWorker(video, size))) ?? (await this.#onPage(video, size));
    return { bytes, elapsedMs: performance.now() - startMs };
  }

  #inWorker(video, size) {
    let frame;
    try {
      frame = new VideoFrame(video, { timestamp: 0 });
    } catch {
      return null; // the video has no picture that may be taken: the canvas knows what to draw
    }
    if (frame.displayWidth > frame.displayHeight !== video.videoWidth > video.videoHeight) {
      frame.close(); // a phone's camera whose turn only the video element knows
      return null;
    }
    return new Promise((resolve) => {
      this.#pending = resolve;
      this.#worker.postMessage({ frame, ...size }, [frame]);
    });
  }

  #settle(bytes) {
    this.#pending?.(bytes);
    this.#pending = null;
  }

  async #onPage(video, { width, height, quality }) {
    if (this.#canvas.width !== width) this.#canvas.width = width;
    if (this.#canvas.height !== height) this.#canvas.height = height;
    this.#context ??= this.#canvas.getContext("2d", { alpha: false });
    this.#context.drawImage(video, 0, 0, width, height);
    const blob = await new Promise((resolve) => this.#canvas.toBlob(resolve, "image/jpeg", quality));
    return blob.arrayBuffer();
  }
}
