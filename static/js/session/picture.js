/** A recording as one picture: its ribbons over the whole time, and a summary per face. */
import { dateAndTime } from "../shared/format.js";
import { Paint } from "./paint.js";
import { historyOf } from "./playback.js";
import { drawRibbons } from "./ribbons.js";
import { clock } from "./scale.js";
import { summarise } from "./statistics.js";
import { faceLine, headline } from "./summary.js";

const WIDTH = 1280;
const SCALE = 2;
const PAD = 32;
const ROW = 44;
const LINE = 28;

/**
 * @param {import("./recording.js").Recording} recording
 * @param {{t: Function, language: string, labels: import("../shared/labels.js").Labels}} page with the session's sentences
 * @param {(id: number) => string} nameOf
 * @returns {Promise<Blob>} PNG in the colours of the page's theme
 */
export async function takePicture(recording, page, nameOf) {
  const { t } = page;
  const history = historyOf(recording);
  const summary = summarise(recording);
  const tracks = history.tracks();
  const heads = 3 * LINE + PAD;
  const height = heads + tracks.length * (ROW + LINE) + 2 * LINE + PAD;
  const canvas = Object.assign(document.createElement("canvas"), { width: WIDTH * SCALE, height: height * SCALE });
  const context = canvas.getContext("2d");
  context.scale(SCALE, SCALE);
  const paint = new Paint(document.body);
  try {
    const write = (text, x, y, colour = "text", font = "16px system-ui, sans-serif") => {
      context.font = font;
      context.textBaseline = "alphabetic";
      context.fillStyle = paint.colour(colour);
      context.fillText(text, x, y);
    };
    context.fillStyle = paint.colour("bg");
    context.fillRect(0, 0, WIDTH, height);
    write(headline(summary, page), PAD, PAD + LINE, "text", "600 24px system-ui, sans-serif");
    const { model, startedUtcMs } = recording;
    write(`${dateAndTime(page.language, startedUtcMs)} · ${t("report.model")} ${model.name ?? "–"} ${model.version ?? ""}`, PAD, PAD + 2 * LINE, "muted");
    const edges = { fromS: history.startS, toS: Math.max(history.endS, history.startS + 1) };
    tracks.forEach((track, row) => {
      const top = heads + PAD / 2 + row * (ROW + LINE);
      const face = summary.faces.find(({ id }) => id === track.id);
      write(`${nameOf(track.id)}${face ? `: ${faceLine(face, recording.log.labels, page)}` : ""}`, PAD, top + LINE - 8);
      context.save();
      context.translate(PAD, top + LINE);
      const scene = {
        tracks: [track], gaps: recording.gaps, endS: history.endS, edges, rowPx: ROW - 4, cursorS: null, recorded: null, excluded: recording.excluded, markers: recording.markers,
        styleOf: (key) => page.labels.styleOf(recording.log.labels[key]), word: t,
      };
      drawRibbons(context, WIDTH - 2 * PAD, ROW - 4, scene, paint);
      context.restore();
    });
    legend(context, recording.log.labels, page, paint, height - PAD, write);
    write(clock(0), PAD, height - PAD - LINE, "muted");
    const end = clock(edges.toS - edges.fromS);
    write(end, WIDTH - PAD - context.measureText(end).width, height - PAD - LINE, "muted");
  } finally {
    paint.remove();
  }
  return new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
}

function legend(context, labels, { t, labels: looks }, paint, y, write) {
  let x = PAD;
  for (const label of [...labels, "unsure"]) {
    const text = label === "unsure" ? t("timeline.unsure") : t(`emotion.${label}`);
    paint.shape(context, looks.styleOf(label), x, y - 15, 20);
    write(text, x + 24, y);
    x += 24 + context.measureText(text).width + 20;
  }
}
