/**
 * A video file as pictures with their exact times, decoded by the browser through WebCodecs. Times count from the first
 * picture and rise strictly, whatever the file says.
 */
import { wholeElements } from "./matroska_end.js";
import { VideoProblem } from "./problem.js";

/**
 * @typedef {object} Decoded one picture of a video; the receiver closes it
 * @property {number} frame counts from 0, every picture of the file
 * @property {number} timeS seconds since the first picture
 * @property {import("../shared/encoder.js").Picture} picture
 * @property {() => void} close
 *
 * @typedef {object} Decoder
 * @property {number} durationS as the file announces it, NaN where it does not
 * @property {number} firstS time of the first picture on the clock of the file, which players show
 * @property {number} width in pixels, upright
 * @property {number} height
 * @property {boolean} isExact whether every picture of the file is read
 * @property {(fromS?: number) => AsyncGenerator<Decoded>} pictures in order
 * @property {() => void} close
 */

/** What is no video, however it is called: no player needs to try it. */
const NO_VIDEO = new Set(["picture", "document", "archive", "text"]);

/**
 * @param {File} file
 * @param {import("../shared/file_kind.js").Found} found what it is
 * @returns {Promise<Decoder | null>} null where this browser cannot decode the file in this way
 * @throws {VideoProblem} the file is no video that could be read in any way
 */
export async function openExactly(file, found) {
  if (!file.size) throw new VideoProblem("empty", found);
  if (NO_VIDEO.has(found.group)) throw new VideoProblem("not-video", found);
  if (!("VideoDecoder" in globalThis)) return null;
  const { BlobSource, Input, MATROSKA, MP4, QTFF, VideoSampleSink, WEBM } = await import("../../vendor/mediabunny-1.61.min.js");
  const input = new Input({ formats: [MP4, QTFF, MATROSKA, WEBM], source: new BlobSource(await wholeElements(file)) });
  try {
    if (!(await input.canRead())) return close(input, null);
    const track = await input.getPrimaryVideoTrack();
    if (!track) throw new VideoProblem((await input.getTracks()).length ? "no-video" : "no-frames", found);
    if (!(await track.canDecode())) return close(input, null);
    const firstS = await track.getFirstTimestamp();
    const announcedS = (await track.getDurationFromMetadata()) ?? (await input.getDurationFromMetadata()) ?? (await track.computeDuration());
    return {
      durationS: announcedS - Math.max(0, firstS),
      firstS: Math.max(0, firstS),
      width: await track.getDisplayWidth(),
      height: await track.getDisplayHeight(),
      isExact: true,
      pictures: (fromS = 0) => samples(new VideoSampleSink(track), Math.max(0, firstS), fromS),
      close: () => input.dispose(),
    };
  } catch (error) {
    input.dispose();
    if (error instanceof VideoProblem) throw error;
    console.warn(String(error));
    return null; // the browser's own player may still know the file
  }
}

function close(input, result) {
  input.dispose();
  return result;
}

async function* samples(sink, firstS, fromS) {
  let frame = -1;
  let lastS = -Infinity;
  for await (const sample of sink.samples(firstS)) {
    const timeS = sample.timestamp - firstS;
    frame += 1;
    if (!(timeS > lastS) || timeS < fromS) {
      sample.close();
      continue;
    }
    lastS = timeS;
    yield { frame, timeS, picture: pictureOfSample(sample), close: () => sample.close() };
  }
}

const pictureOfSample = (sample) => ({
  width: sample.displayWidth,
  height: sample.displayHeight,
  frame: () => (sample.rotation === 0 && !sample.flip ? sample.toVideoFrame() : null),
  draw: (context, width, height) => sample.draw(context, 0, 0, width, height),
});
