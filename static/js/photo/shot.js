/** One photograph: the file, its result, and whether it is selected for comparison. Does not depend on the page. */
import { facesOfPhoto } from "../faces/faces.js";
import { toReading } from "../faces/reading.js";
import { kindOf } from "../shared/file_kind.js";
import { sendable } from "./convert.js";
import { analyseAgain, photoState } from "./upload.js";

/** Final states; all but the first two are problems. */
const FINAL = new Set(["done", "nobody", "empty", "not-a-picture", "no-picture", "unreadable", "heic", "too-large", "too-many-pixels", "damaged", "offline", "error"]);

export class Shot {
  #leave = new AbortController();
  #listener = () => {};

  state = "waiting";
  /** Share of the bytes that was sent, 0–1. */
  part = 0;
  /** Code of an error without a message of its own. */
  code = "";
  isTicked = false;
  /** @type {import("../shared/file_kind.js").Found | null} what the file is */
  found = null;
  /** @type {Blob | null} what was sent of the file */
  picture = null;
  /** @type {(number[][] | undefined)[] | null} see `heatMaps`; null until somebody asks why */
  heats = null;
  /** @type {import("../faces/reading.js").Reading | null} */
  reading = null;
  /** @type {import("../faces/faces.js").ShownFace[]} */
  faces = [];

  /** @param {Blob} file @param {string} name */
  constructor(file, name) {
    this.file = file;
    this.name = name;
    this.url = URL.createObjectURL(file);
  }

  get isFinal() {
    return FINAL.has(this.state);
  }

  get isProblem() {
    return this.isFinal && this.state !== "done" && this.state !== "nobody";
  }

  /** Whether the file is a video, which another panel reads. */
  get isVideo() {
    return this.state === "no-picture" && this.found.group === "video";
  }

  /** Whether another try may help. */
  get canRetry() {
    return ["offline", "error", "unreadable"].includes(this.state);
  }

  /** @param {() => void} listener called whenever the state or the part changes */
  watch(listener) {
    this.#listener = listener;
  }

  /**
   * Reads the photograph; ends in one of the final states and never throws.
   * @param {{limits: {max_upload_bytes: number}, labels: import("../shared/labels.js").Labels}} page
   */
  async read({ limits, labels }) {
    this.#become("sending");
    try {
      this.found = await kindOf(this.file);
    } catch {
      return this.#become("unreadable"); // a folder, or a file that was taken away
    }
    if (!this.file.size) return this.#become("empty");
    const picture = (this.picture = await sendable(this.file, this.found));
    if (!picture) return this.#become(this.found.group !== "picture" ? "no-picture" : this.found.kind === "HEIC" ? "heic" : "not-a-picture");
    if (picture.size > limits.max_upload_bytes) return this.#become("too-large");
    const answer = await analyseAgain(picture, (part) => this.#become(part < 1 ? "sending" : "reading", part), this.#leave.signal);
    if (answer.code === "cancelled") return;
    if (answer.ok) {
      this.reading = toReading(answer, { source: this.name, frame: 0, timestamp_s: 0 });
      this.faces = facesOfPhoto(this.reading, labels);
    }
    this.code = answer.code ?? "";
    this.#become(photoState(answer), 1);
  }

  /** Resets it for another try. */
  again() {
    this.#become("waiting", 0);
  }

  rename(id, name) {
    this.faces.find((face) => face.id === id).name = name;
    this.#listener();
  }

  /** Cancels the upload and releases the picture. */
  stop() {
    this.#leave.abort();
    URL.revokeObjectURL(this.url);
  }

  #become(state, part = 0) {
    this.state = state;
    this.part = part;
    this.#listener();
  }
}
