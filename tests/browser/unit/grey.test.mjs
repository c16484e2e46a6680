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
const frame = ({ level = 128, format = "I420", fullRange = false, width = 8, height = 6, padding = 4, offset = 16 }) => ({
  format, colorSpace: { fullRange }, visibleRect: { x: 0, y: 0, width, height },
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
});
