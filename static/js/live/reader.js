/** Reads the camera: sends its frames, turns the answers into readings and shows them. Loaded at the first use of a camera. */
import { Faces } from "../faces/faces.js";
import { Overlay } from "../faces/overlay.js";
import { toReading, withShown } from "../faces/reading.js";
import { FaceList } from "../faces/rows.js";
import { make } from "../shared/dom.js";
import { element } from "../shared/page.js";
import { Advice } from "./advice.js";
import { Follower } from "./follower.js";
import { Readout } from "./readout.js";
import { FrameSender } from "./sender.js";
import { Link } from "./socket.js";
import { Speech } from "./speech.js";
import { Still } from "./still.js";

export class Reader {
  #page;
  #readings;
  #onAnswer;
  #onFailure;
  #video = element("video");
  #faces;
  #overlay;
  #list;
  #link;
  #sender;
  #advice;
  #readout;
  #follower = new Follower(this.#video);
  #speech;
  #hasAnswer = false;
  #still;
  #count = 0;
  #startedMs = performance.now();
  #lastMs = 0;

  /**
   * @param {object} options
   * @param {import("../shared/page.js").Page} options.page
   * @param {import("../faces/reading.js").Readings} options.readings gets every answer
   * @param {(link: string, details: {retryAtMs?: number}) => void} options.onLink
   * @param {() => void} options.onAnswer
   * @param {(code: string, message: string) => void} options.onFailure
   */
  constructor({ page, readings, onLink, onAnswer, onFailure }) {
    this.#page = page;
    this.#readings = readings;
    this.#onAnswer = onAnswer;
    this.#onFailure = onFailure;
    this.#faces = new Faces(page);
    this.#still = new Still(this.#video, this.#faces, this.#follower);
    this.#readout = new Readout(page);
    this.#speech = new Speech(page);
    this.#overlay = new Overlay(element("overlay"), this.#video, this.#faces, page, {
      onDrawn: (ageMs) => this.#readout.drawn(ageMs, performance.now()), shift: (id) => this.#follower.shift(id),
    });
    this.#list = new FaceList(element("faces"), page, {
      extra: () => make("div", "face__past"), // for the comparison with the person's neutral face
      onSelect: (id) => (this.#overlay.selected = id),
      onRename: (id, name) => {
        this.#faces.rename(id, name);
        this.#show();
      },
    });
    this.#link = new Link({
      pageVersion: page.pageVersion,
      onState: onLink,
      onWelcome: ({ model }) => {
        const suits = page.useModel(model);
        if (suits) this.#readout.showModel(model);
        return suits;
      },
    });
    const { max_frame_bytes: maxFrameBytes, max_in_flight: maxInFlight, max_frames_per_second: maxRate } = page.limits;
    this.#sender = new FrameSender(this.#video, this.#link, { maxFrameBytes, maxInFlight, maxRate }, {
      onAnswer: (result, frame) => this.#answered(result, frame),
      onBusy: (error) => this.#refused(error),
    });
    this.#advice = new Advice(this.#video, this.#sender);
    element("overlay").addEventListener("click", (event) => this.#list.select(this.#overlay.faceAt(event.offsetX, event.offsetY)));
  }

  get isRunning() {
    return this.#sender.isRunning;
  }

  /** Recent answers per second. */
  get rate() {
    return this.#readout.rate;
  }

  /** Whether there is a picture to save. */
  get hasFrame() {
    return this.#hasAnswer;
  }

  /** Seconds since the session began. */
  get elapsedS() {
    return (performance.now() - this.#startedMs) / 1000;
  }

  /** Seconds from the beginning of the session to the last frame that was answered. */
  get answeredS() {
    return this.#lastMs / 1000;
  }

  /** Begins a session: frames count from 0, times from now, names are forgotten. */
  begin() {
    this.#startedMs = performance.now();
    this.#lastMs = 0;
    this.#count = 0;
    this.#faces.reset();
    this.#sender.forgetFaces();
  }

  connect() {
    this.#sender.prepare();
    this.#link.start();
  }

  disconnect() {
    this.#link.stop();
  }

  reconnect() {
    this.#link.retryNow();
  }

  run() {
    this.#still.drop();
    this.#overlay.start();
    this.#sender.start(); // before the follower: a picture of the video is sent first and searched afterwards
    this.#follower.start();
  }

  /** Stops sending and removes the marks. */
  rest() {
    this.#still.keep();
    this.#sender.stop();
    this.#follower.stop();
    this.#overlay.stop();
    this.#advice.reset();
  }

  /** Removes the shown faces, which are outdated. */
  forget() {
    this.#faces.clear();
    this.#hasAnswer = false;
    this.#still.drop();
    this.#show();
  }

  /** Updates everything that is shown to the last answer. */
  settle() {
    this.#faces.settle();
    this.#show();
  }

  /** @param {{marks: boolean, mirrored: boolean, smoothing: string, eager: boolean}} settings `eager`: as many pictures as the server takes */
  apply({ marks, mirrored, smoothing, eager }) {
    this.#sender.pace.eager = eager;
    this.#overlay.visible = marks;
    this.#overlay.mirrored = mirrored;
    this.#faces.smoothing = smoothing;
  }

  /** @param {boolean} speaks @param {number} nowMs @returns {{advice: string | null, isLate: boolean}} */
  tick(speaks, nowMs) {
    if (!this.isRunning) return { advice: null, isLate: false };
    this.#faces.prune(nowMs);
    this.#show();
    if (speaks) this.#speech.update(this.#faces.list(), nowMs);
    return this.#advice.update(nowMs);
  }

  writeNumbers(nowMs) {
    this.#readout.update(this.#sender, nowMs);
  }

  /** @param {string} otherwise what to say while nothing is read */
  say(otherwise) {
    this.#speech.say(this.isRunning ? this.#faces.list() : null, otherwise, performance.now());
  }

  get selected() {
    return this.#list.selected;
  }

  /** @param {number} id of a face in view; another one changes nothing */
  selectFace(id) {
    if (this.#faces.list().some((face) => face.id === id)) this.#list.select(id);
  }

  /** @param {number} index of the face in the list */
  select(index) {
    const face = this.#faces.list()[index];
    if (face) this.#list.select(face.id);
  }

  /** Saves what the video shows, in the camera's size and colours, with the marks; while paused, what it showed last. */
  saveSnapshot() {
    return this.#still.save(this.#page);
  }

  #answered(result, frame) {
    const nowMs = performance.now();
    // Two frames of a camera may have the same time; times in a file must rise strictly.
    this.#lastMs = Math.max(this.#lastMs + 1, frame.capturedMs - this.#startedMs);
    const reading = toReading(result, {
      source: "live", frame: this.#count++, timestamp_s: this.#lastMs / 1000,
      time_utc: new Date(performance.timeOrigin + frame.capturedMs).toISOString(), delay_ms: nowMs - frame.capturedMs,
    });
    this.#hasAnswer = true;
    this.#readout.answered(nowMs);
    this.#advice.read(reading, nowMs);
    this.#faces.update(reading, nowMs);
    this.#follower.answer(this.#faces.list(), frame.capturedMs);
    this.#overlay.capturedMs = frame.capturedMs;
    this.#show();
    this.#readings.publish(withShown(reading, this.#faces.list()));
    this.#onAnswer();
  }

  #refused({ code, message }) {
    if (code === "busy" || code === "not_ready") this.#advice.refused(performance.now());
    else this.#onFailure(code, message);
  }

  #show() {
    const faces = this.#faces.list();
    this.#list.update(faces);
    this.#overlay.selected = this.#list.selected;
    element("faces-none").hidden = faces.length > 0;
  }
}
