/**
 * The fallback for files that the browser's player can read and WebCodecs cannot: seeks a video element from time to time.
 * It is slower, and skips some pictures of the file.
 */
import { VideoProblem } from "./problem.js";

const SEEKS_PER_S = 10;
const OPEN_TIMEOUT_MS = 15_000;
const SEEK_TIMEOUT_MS = 10_000;
/** What is wrong with a file of this kind that no player opens. */
const PROBLEMS = { video: "codec", sound: "no-video" };

/**
 * @param {File} file
 * @param {import("../shared/file_kind.js").Found} found what it is
 * @returns {Promise<import("./decoder.js").Decoder>}
 * @throws {VideoProblem} the player cannot read it either
 */
export async function openBySeeking(file, found) {
  const video = document.createElement("video");
  const url = URL.createObjectURL(file);
  Object.assign(video, { muted: true, playsInline: true, preload: "auto", src: url });
  const close = () => {
    video.removeAttribute("src");
    video.load();
    URL.revokeObjectURL(url);
  };
  try {
    await happened(video, "loadeddata", OPEN_TIMEOUT_MS);
    if (!video.videoWidth) throw new VideoProblem("no-video", found);
  } catch (error) {
    close();
    throw error instanceof VideoProblem ? error : new VideoProblem(PROBLEMS[found.group] ?? "not-video", found);
  }
  return {
    durationS: video.duration,
    firstS: 0,
    width: video.videoWidth,
    height: video.videoHeight,
    isExact: false,
    pictures: (fromS = 0) => seek(video, fromS),
    close,
  };
}

async function* seek(video, fromS) {
  const first = Math.ceil(fromS * SEEKS_PER_S);
  for (let index = first; index / SEEKS_PER_S < video.duration; index++) {
    const timeS = index / SEEKS_PER_S;
    // The middle of the interval: a picture's own time may be slightly after the round number.
    video.currentTime = Math.min(timeS + 0.5 / SEEKS_PER_S, video.duration);
    await happened(video, "seeked", SEEK_TIMEOUT_MS);
    yield {
      frame: index,
      timeS,
      picture: {
        width: video.videoWidth, height: video.videoHeight, frame: () => new VideoFrame(video, { timestamp: 0 }),
        draw: (context, width, height) => context.drawImage(video, 0, 0, width, height),
      },
      close: () => {},
    };
  }
}

function happened(video, name, timeoutMs) {
  return new Promise((resolve, reject) => {
    const ended = new AbortController();
    const end = (settle, value) => {
      clearTimeout(timer);
      ended.abort();
      settle(value);
    };
    const timer = setTimeout(() => end(reject, new Error(`expected ${name} within ${timeoutMs} ms`)), timeoutMs);
    video.addEventListener(name, () => end(resolve), { signal: ended.signal });
    video.addEventListener("error", () => end(reject, video.error), { signal: ended.signal });
  });
}
