/** Looks at a finished recording: its video where there is one, the marks of each moment, and the time axis to move along. */
import { contain, project } from "../faces/geometry.js";
import { drawMarks, plateText, prepare } from "../faces/marks.js";
import { make, write } from "../shared/dom.js";
import { mediaOfTime, timeOfMedia } from "./camera_video.js";
import { facesAt } from "./playback.js";
import { clock } from "./scale.js";

export class Viewer {
  #recording;
  #page;
  #handlers;
  #video = null;
  #url = "";
  #stage = make("div", "viewer__stage");
  #canvas = make("canvas", "viewer__canvas");
  #play = make("button", "button");
  #time = make("p", "viewer__time");
  #timeS = 0;
  #frame = 0;
  #playing = null;

  /**
   * @param {HTMLElement} root is filled
   * @param {import("./recording.js").Recording} recording
   * @param {{t: Function, language: string, labels: object}} page with the session's sentences
   * @param {{onTime: (timeS: number) => void, onClose: () => void}} handlers `onTime`: gets the time while it plays
   */
  constructor(root, recording, page, handlers) {
    this.#recording = recording;
    this.#page = page;
    this.#handlers = handlers;
    this.#canvas.setAttribute("aria-hidden", "true");
    if (recording.video) this.#addVideo(recording.video);
    this.#stage.append(this.#canvas);
    this.#play.type = "button";
    this.#play.addEventListener("click", () => (this.#playing === null ? this.#start() : this.#pause()));
    const back = make("button", "button", page.t("session.back"));
    back.type = "button";
    back.addEventListener("click", () => {
      this.close();
      handlers.onClose();
    });
    const bar = make("div", "viewer__bar");
    bar.append(this.#play, this.#time, back);
    root.replaceChildren(this.#stage, bar);
    this.show(0);
    this.#play.focus({ preventScroll: true });
  }

  close() {
    this.#pause();
    cancelAnimationFrame(this.#frame);
    if (this.#url) URL.revokeObjectURL(this.#url);
    this.#url = "";
  }

  /** @param {number} timeS on the recording's clock */
  show(timeS) {
    this.#timeS = timeS;
    if (this.#video && this.#playing === null) this.#video.currentTime = mediaOfTime(this.#recording.video.anchors, timeS);
    if (this.#playing !== null && !this.#video) this.#playing = performance.now() / 1000 - timeS;
    this.#draw();
  }

  #addVideo({ parts, type }) {
    this.#video = Object.assign(make("video", "viewer__video"), { muted: true, playsInline: true, preload: "auto" });
    this.#url = URL.createObjectURL(new Blob(parts, { type }));
    this.#video.src = this.#url;
    this.#video.addEventListener("seeked", () => this.#draw());
    this.#video.addEventListener("ended", () => this.#pause());
    this.#stage.append(this.#video);
  }

  #start() {
    if (this.#timeS >= this.#endS) this.show(0);
    this.#playing = performance.now() / 1000 - this.#timeS;
    this.#video?.play();
    const step = () => {
      if (this.#playing === null) return;
      const { anchors } = this.#recording.video ?? {};
      this.#timeS = this.#video ? timeOfMedia(anchors, this.#video.currentTime) : performance.now() / 1000 - this.#playing;
      this.#handlers.onTime(Math.min(this.#timeS, this.#endS));
      this.#draw();
      if (this.#timeS >= this.#endS) this.#pause();
      else this.#frame = requestAnimationFrame(step);
    };
    this.#frame = requestAnimationFrame(step);
    this.#draw();
  }

  #pause() {
    this.#playing = null;
    this.#video?.pause();
    this.#draw();
  }

  get #endS() {
    return this.#recording.log.endS;
  }

  #draw() {
    write(this.#play, this.#page.t(this.#playing === null ? "session.play" : "session.pause"));
    write(this.#time, `${clock(this.#timeS)} / ${clock(this.#endS)}`);
    const context = prepare(this.#canvas);
    const { clientWidth: w, clientHeight: h } = this.#canvas;
    if (!w || !h) return;
    const [width, height] = this.#pictureSize();
    const view = contain(width, height, w, h);
    drawFaces(context, facesAt(this.#recording, this.#timeS, this.#page.labels), view, { x: 4, y: 4, w: w - 8, h: h - 8 }, this.#page);
  }

  #pictureSize() {
    if (this.#video?.videoWidth) return [this.#video.videoWidth, this.#video.videoHeight];
    const { log } = this.#recording;
    return log.length ? [...log.frames.row("size", Math.max(0, log.frameAt(this.#timeS)))] : [4, 3];
  }
}

/** Marks over a picture that fills `view`. */
export function drawFaces(context, faces, view, bounds, page) {
  const marks = faces.map((face) => ({ face, box: project(face.box, view, false), alpha: 1, text: plateText(face, faces.length, page) }));
  marks.sort((a, b) => b.box.w * b.box.h - a.box.w * a.box.h);
  drawMarks(context, marks, bounds);
}
