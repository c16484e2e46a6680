/** The worker of encoder.js: a video frame in, the bytes of a JPEG out, or null where it could not be made. */
import { GreyShrinker } from "./grey.js";

const shrinker = new GreyShrinker();
let canvas = null;

addEventListener("message", async ({ data: { id, frame, width, height, quality } }) => {
  try {
    canvas ??= new OffscreenCanvas(width, height);
    if (canvas.width !== width) canvas.width = width;
    if (canvas.height !== height) canvas.height = height;
    const context = canvas.getContext("2d", { alpha: false });
    const grey = await shrinker.shrink(frame, width, height);
    if (grey) context.putImageData(grey, 0, 0);
    else context.drawImage(frame, 0, 0, width, height);
    frame.close();
    const bytes = await (await canvas.convertToBlob({ type: "image/jpeg", quality })).arrayBuffer();
    postMessage({ id, bytes }, { transfer: [bytes] });
  } catch {
    frame.close();
    postMessage({ id, bytes: null });
  }
});
