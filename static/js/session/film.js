/**
 * The results of a video file: its readings, its time axis and the exports. session.js is the counterpart for the camera.
 * Times are those of the file, from its first picture.
 */
import { icon, make, write } from "../shared/dom.js";
import { loadStyle } from "../shared/style.js";
import { Exports } from "./exports.js";
import { History } from "./history.js";
import { ReadingLog } from "./log.js";
import { facesAt } from "./playback.js";
import { newRecording } from "./recording.js";
import { summarise } from "./statistics.js";
import { headline } from "./summary.js";
import { Timeline } from "./timeline.js";

const SAVES = ["csv", "json", "video", "picture", "report"];

/** Loads words and styles, and makes the film of a file. @param {ConstructorParameters<typeof Film>[0]} options @returns {Promise<Film>} */
export async function openFilm(options) {
  await Promise.all([options.page.need("session"), loadStyle("session")]);
  return new Film(options);
}

export class Film {
  #page;
  #options;
  #recording;
  #history;
  #timeline;
  #exports;
  #isTold = false;
  #ids = new Set();
  #menu = make("div", "popover popover--save");
  #headline = make("p", "film__headline");
  #button = make("button", "tool");

  /**
   * @param {object} options
   * @param {import("../shared/page.js").Page} options.page with the words of "session"
   * @param {string} options.source name of the file
   * @param {File} options.file
   * @param {number} options.firstS time of the first picture on the file's own clock
   * @param {HTMLElement} options.root of the time axis
   * @param {HTMLElement} options.tools gets the button that saves
   * @param {(timeS: number) => void} options.onLook a person looks at a moment
   * @param {(id: number) => void} options.onSelect a face
   */
  constructor(options) {
    const { page, source, file, firstS, root, tools } = options;
    this.#page = page;
    this.#options = options;
    const labels = page.labels.names;
    this.#history = new History(labels, { keepAll: true });
    this.#history.reachFrom(0);
    this.#recording = newRecording({
      source, startedUtcMs: Date.now(), model: page.model, pageVersion: page.pageVersion, log: new ReadingLog(labels, { keepsNumbers: true }),
      video: { type: file.type || "video/mp4", parts: [file], anchors: [{ media_s: firstS, t_s: 0 }] },
    });
    this.#timeline = new Timeline(root, page, this.#history, {
      nameOf: (id) => this.#nameOf(id), now: () => null, shownFromS: () => 0, onSelect: (id) => options.onSelect(id),
      onLook: (timeS) => this.#isTold || options.onLook(timeS ?? this.#timeline.cursorS),
    });
    this.#timeline.show(this.#history, { isFinished: true });
    this.#timeline.start();
    this.#exports = new Exports(page, { nameOf: (id) => this.#nameOf(id), onSaved: () => {} });
    this.#addMenu(tools);
  }

  /** Faces that were found so far. */
  get faceCount() {
    return this.#ids.size;
  }

  /** @param {import("../faces/reading.js").Reading} reading later than the one before */
  add(reading) {
    this.#history.add(reading);
    this.#recording.log.add(reading);
    for (const { id } of reading.faces) this.#ids.add(id);
  }

  /** The file was read to its end. */
  finish() {
    this.#timeline.draw();
    write(this.#headline, headline(summarise(this.#recording), this.#page));
  }

  /** The player shows this moment. */
  look(timeS) {
    this.#isTold = true;
    this.#timeline.look(timeS);
    this.#isTold = false;
  }

  select(id) {
    this.#timeline.selected = id;
    this.#timeline.draw();
  }

  rename(id, name) {
    this.#recording.names[id] = name;
    this.#timeline.draw();
  }

  /** @param {number} timeS @returns {import("../faces/faces.js").ShownFace[]} the faces of that moment, as far as it was read */
  facesAt(timeS) {
    return facesAt(this.#recording, timeS, this.#page.labels);
  }

  close() {
    this.#timeline.close();
    this.#menu.remove();
    this.#button.remove();
  }

  #nameOf(id) {
    return this.#recording.names[id] || this.#page.t("face.label", { id });
  }

  #addMenu(tools) {
    const { t } = this.#page;
    this.#menu.popover = "auto";
    this.#menu.id = "film-save";
    this.#menu.append(this.#headline, ...SAVES.map((name) => {
      const save = make("button", "button", t(`summary.${name}`));
      save.type = "button";
      save.addEventListener("click", () => {
        write(this.#headline, headline(summarise(this.#recording), this.#page));
        this.#menu.hidePopover();
        this.#exports[name](this.#recording);
      });
      return save;
    }));
    this.#button.type = "button";
    this.#button.popoverTargetElement = this.#menu;
    this.#button.append(icon("download"), make("span", "tool__label", t("summary.save")));
    this.#button.addEventListener("click", () => write(this.#headline, headline(summarise(this.#recording), this.#page)));
    tools.append(this.#button, this.#menu);
  }
}
