/** The worker of encoder.js: a video frame in, the bytes of a JPEG out, or null where it could not be made. */
import { GreyShrinker } from "./grey.js";

const shrinker = new GreyShrinker();
let canvas = null;
/** Pictures are drawn one after the other, for they share the canvas; meanwhile the last one is compressed. */
let drawn = Promise.resolve();

addEventListener("message", ({ data }) => {
  drawn = drawn.then(() => draw(data)).then(({ blob }) => void answer(data.id, blob), () => postMessage({ id: data.id, bytes: null }));
});

async function draw({ frame, width, height, quality }) {
  try {
    const grey = await shrinker.shrink(frame, width, height);
    canvas ??= new OffscreenCanvas(width, height);
    if (canvas.width !== width) canvas.width = width;
    if (canvas.height !== height) canvas.height = height;
    const context = canvas.getContext("2d", { alpha: false });
    if (grey) context.putImageData(grey, 0, 0);
    else context.drawImage(frame, 0, 0, width, height);
    return { blob: canvas.convertToBlob({ type: "image/jpeg", quality }) };
  } finally {
    frame.close();
  }
}

async function answer(id, blob) {
  try {
    const bytes = await (await blob).arrayBuffer();
    postMessage({ id, bytes }, { transfer: [bytes] });
  } catch {
    postMessage({ id, bytes: null });
  }
}
