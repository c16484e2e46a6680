/** The exports of a recording. Each is loaded when it is needed, and reports its result. */
import { toast } from "../shared/toast.js";
import { csv, json, toBlob } from "./export.js";
import { download, fileName } from "./files.js";

export class Exports {
  #page;
  #options;

  /**
   * @param {{t: Function, language: string, labels: object}} page with the session's sentences
   * @param {{nameOf: (id: number) => string, onSaved: () => void}} options `onSaved`: the numbers are in a file
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
    this.#save(await toBlob(pieces, type), recording, extension);
    this.#options.onSaved(recording);
  }

  #save(blob, recording, extension) {
    const name = fileName(recording, extension);
    download(blob, name);
    toast(this.#page.t("summary.saved", { name }));
  }
}
