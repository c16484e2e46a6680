/** The exports of a recording. Each is loaded when it is needed, and reports its result. */
import { make } from "../shared/dom.js";
import { toast } from "../shared/toast.js";
import { csv, json, toBlob } from "./export.js";
import { download, fileName } from "./files.js";

export class Exports {
  #page;
  #options;

  /**
   * @param {{t: Function, language: string, labels: object}} page with the session's sentences
   * @param {{nameOf: (id: number) => string, onSaved: () => void, isUnsaved?: (recording: object) => boolean}} options
   *   `onSaved`: the numbers are in a file; `isUnsaved`: this recording is kept until they are
   */
  constructor(page, options) {
    this.#page = page;
    this.#options = options;
  }

  csv = (recording) => this.#numbers(recording, csv(recording), "text/csv;charset=utf-8", "csv");

  json = (recording) => this.#numbers(recording, json(recording), "application/json", "json");

  picture = async (recording) => {
    const { takePicture } = await import("./picture.js");
    this.#save(await takePicture(recording, this.#page, this.#options.nameOf), recording, "png");
  };

  report = async (recording) => {
    const { report } = await import("./report.js");
    this.#save(new Blob([report(recording, this.#page, this.#options.nameOf)], { type: "text/html" }), recording, "html");
  };

  video = async (recording) => {
    const { MarkedVideo } = await import("./marked_video.js");
    await new MarkedVideo(recording, this.#page).save((blob, extension) => this.#save(blob, recording, extension));
  };

  async #numbers(recording, pieces, type, extension) {
    const blob = await toBlob(pieces, type);
    this.#options.onSaved(recording);
    this.#save(blob, recording, extension);
  }

  /** Says what was saved, and of a recording that is still kept, what was not. */
  #save(blob, recording, extension) {
    const { t } = this.#page;
    const name = fileName(recording, extension);
    download(blob, name);
    const saved = t("summary.saved", { name });
    if (!this.#options.isUnsaved?.(recording)) return toast(saved);
    const numbers = make("button", "button button--small", t("summary.csv"));
    numbers.type = "button";
    numbers.addEventListener("click", () => this.csv(recording));
    toast(`${saved} ${t("summary.no_numbers")}`, numbers);
  }
}
