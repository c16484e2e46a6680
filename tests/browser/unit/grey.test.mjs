import assert from "node:assert/strict";
import test from "node:test";
import { averageAreas, GreyShrinker } from "../../../static/js/shared/grey.js";

const SAME = Uint8ClampedArray.from({ length: 256 }, (_, level) => level);
const picture = (width, height) => ({ data: new Uint8ClampedArray(4 * width * height), width, height });
globalThis.ImageData ??= class {
  constructor(width, height) {
    Object.assign(this, picture(width, height));
  }
};

/** Each pixel's share of an area, one by one. */
function mean(plane, left, top, right, bottom) {
  let sum = 0;
  for (let y = Math.floor(top); y < Math.min(bottom, plane.height); y++) {
    for (let x = Math.floor(left); x < Math.min(right, plane.width); x++) {
      const share = (Math.min(right, x + 1) - Math.max(left, x)) * (Math.min(bottom, y + 1) - Math.max(top, y));
      sum += share * plane.levels[y * plane.stride + x];
    }
  }
  return sum / ((right - left) * (bottom - top));
}

test("every pixel is the mean of the area that it covers, whatever the ratio of the sizes", () => {
  for (const [width, height, toWidth, toHeight] of [[64, 48, 40, 30], [64, 48, 32, 24], [128, 72, 40, 23], [50, 40, 50, 10], [40, 30, 40, 30], [39, 31, 38, 30], [30, 20, 1, 1]]) {
    const stride = width + 5; // rows of a frame may be padded
    const plane = { levels: Uint8Array.from({ length: stride * height }, (_, i) => (i * 7919) % 256), stride, width, height };
    const small = picture(toWidth, toHeight);
    averageAreas(plane, small, SAME);
    for (let y = 0; y < toHeight; y++) {
      for (let x = 0; x < toWidth; x++) {
        const [dx, dy] = [width / toWidth, height / toHeight];
        const expected = mean(plane, x * dx, y * dy, (x + 1) * dx, (y + 1) * dy);
        const [red, green, blue, alpha] = small.data.subarray(4 * (y * toWidth + x));
        assert.ok(Math.abs(red - expected) <= 0.51, `${width}×${height} to ${toWidth}×${toHeight}: ${red} for ${expected}`);
        assert.deepEqual([green, blue, alpha], [red, red, 255]);
      }
    }
  }
});

/** A frame with one level of brightness, as a browser gives it. */
const frame = ({ level = 128, format = "I420", fullRange = false, width = 8, height = 6, padding = 4, offset = 16, ...rest }) => ({
  format, colorSpace: { fullRange }, ...rest, visibleRect: { x: 0, y: 0, width, height },
  allocationSize: () => offset + (width + padding) * height * 2,
  copyTo: async (into) => (into.fill(0), into.fill(level, offset, offset + (width + padding) * height), [{ offset, stride: width + padding }]),
});

test("black and white of a frame are those of the picture, with the range of video or the full one", async () => {
  const level = async (options) => (await new GreyShrinker().shrink(frame(options), 4, 3)).data[0];
  assert.deepEqual(await Promise.all([0, 16, 126, 235, 255].map((level_) => level({ level: level_ }))), [0, 0, 128, 255, 255]);
  assert.deepEqual(await Promise.all([0, 16, 235, 255].map((level_) => level({ level: level_, fullRange: true }))), [0, 16, 235, 255]);
  assert.equal(await level({ level: 235, fullRange: null }), 255, "cameras that do not say use the range of video");
});

test("one after another, frames and pictures may have any size", async () => {
  const shrinker = new GreyShrinker();
  for (const [width, height, to] of [[8, 6, [4, 3]], [64, 48, [40, 30]], [8, 6, [4, 3]]]) {
    const small = await shrinker.shrink(frame({ level: 126, width, height }), ...to);
    assert.deepEqual([small.width, small.height], to);
    assert.ok(small.data.every((value, i) => value === (i % 4 === 3 ? 255 : 128)));
  }
});

test("frames that are not larger, or have no plane of brightness, are left to the canvas", async () => {
  const shrinker = new GreyShrinker();
  assert.equal(await shrinker.shrink(frame({}), 8, 6), null);
  assert.equal(await shrinker.shrink(frame({}), 16, 12), null);
  for (const format of ["RGBA", "BGRX", "I420P10", null]) assert.equal(await shrinker.shrink(frame({ format }), 4, 3), null);
  for (const turned of [{ rotation: 90 }, { rotation: 180 }, { flip: true }]) assert.equal(await shrinker.shrink(frame(turned), 4, 3), null);
});

test("a browser that does not give the pixels of a frame is not asked again", async () => {
  const shrinker = new GreyShrinker();
  let asked = 0;
  const refusing = { ...frame({}), copyTo: async () => Promise.reject(new DOMException(`refused ${++asked}`)) };
  for (let i = 0; i < 3; i++) assert.equal(await shrinker.shrink(refusing, 4, 3), null);
  assert.equal(asked, 1);
  assert.ok(await new GreyShrinker().shrink({ ...frame({}), colorSpace: undefined }, 4, 3));
});

test("the worker keeps pictures apart that are encoded at once, closes every frame and answers for each", async () => {
  const [answers, closed] = [new Map(), []];
  let listen;
  class Canvas {
    constructor(width, height) {
      Object.assign(this, { width, height });
    }
    getContext() {
      return { putImageData: (grey) => (this.shown = `grey ${grey.data[0]}, ${grey.width}×${grey.height}`), drawImage: (source) => (this.shown = source.draws()) };
    }
    convertToBlob() {
      const shown = `${this.shown} on ${this.width}×${this.height}`;
      return new Promise((resolve) => setTimeout(() => resolve({ arrayBuffer: async () => shown }), 5));
    }
  }
  Object.assign(globalThis, { OffscreenCanvas: Canvas, addEventListener: (_, listener) => (listen = listener), postMessage: ({ id, bytes }) => answers.set(id, bytes) });
  await import("../../../static/js/shared/encoder-worker.js");
  const sent = (id, options, width, height) => {
    const made = frame({ width: 64, height: 48, ...options });
    const { copyTo } = made;
    Object.assign(made, { close: () => closed.push(id), draws: options.draws, copyTo: async (into) => (await new Promise((resolve) => setTimeout(resolve, options.delayMs)), copyTo(into)) });
    listen({ data: { id, frame: made, width, height, quality: 0.5 } });
  };
  sent(1, { level: 16, delayMs: 20 }, 40, 30);
  sent(2, { level: 126, delayMs: 0 }, 32, 24);
  sent(3, { format: "RGBA", draws: () => "colours" }, 64, 48);
  sent(4, { format: "RGBA", draws: () => { throw new Error("no memory"); } }, 64, 48);
  sent(5, { level: 235, delayMs: 10 }, 40, 30);
  while (answers.size < 5) await new Promise((resolve) => setTimeout(resolve, 5));
  assert.deepEqual(Object.fromEntries(answers), {
    1: "grey 0, 40×30 on 40×30", 2: "grey 128, 32×24 on 32×24", 3: "colours on 64×48", 4: null, 5: "grey 255, 40×30 on 40×30",
  });
  assert.deepEqual(closed, [1, 2, 3, 4, 5]);
});
