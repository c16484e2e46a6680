/**
 * The panel of recorded videos: a file comes in, its pictures are read in order, and the player, the marks, the faces and
 * the time axis show each moment of what was read. The file stays in the browser.
 */
import { FaceList } from "../faces/rows.js";
import { write } from "../shared/dom.js";
import { element } from "../shared/page.js";
import { toast } from "../shared/toast.js";
import { FileReading } from "./file_reading.js";
import { Player } from "./player.js";

const TEN_PER_S = 10;
/** The query of the address that asks for the sample clip. */
const SAMPLE = "?sample";

/**
 * @typedef {object} Tools what the panel needs of the other parts
 * @property {new (options: object) => object} Link the live socket, see live/socket.js
 * @property {(options: object) => Promise<object>} openFilm what has a past, see session/film.js
 */

export class VideoPanel {
  #page;
  #tools;
  #player;
  #list;
  #reading = null;
  #listening = null;
  #dragDepth = 0;

  /**
   * @param {import("../shared/page.js").Page} page with the parts "video" and "session" of the catalogue
   * @param {Tools} tools
   */
  constructor(page, tools) {
    this.#page = page;
    this.#tools = tools;
    this.#player = new Player(element("video-player"), element("video-marks"), page, {
      onMoment: (timeS) => this.#reading?.film?.look(timeS),
      onSelect: (id) => this.#list.select(id),
    });
    this.#list = new FaceList(element("video-faces"), page, {
      onSelect: (id) => {
        this.#player.select(id);
        this.#reading?.film?.select(id);
      },
      onRename: (id, name) => {
        this.#reading?.film?.rename(id, name);
        this.#player.draw();
      },
    });
    for (const input of document.querySelectorAll("[data-video]")) {
      input.addEventListener("change", () => this.#chosen(input));
      this.#chosen(input); // a file may have been chosen before this was loaded
    }
    element("video-cancel").addEventListener("click", () => this.#reading?.stop());
  }

  enter() {
    this.#listening = new AbortController();
    const { signal } = this.#listening;
    addEventListener("dragenter", (event) => this.#drag(event, 1), { signal });
    addEventListener("dragleave", (event) => this.#drag(event, -1), { signal });
    addEventListener("dragover", (event) => event.preventDefault(), { signal });
    addEventListener("drop", (event) => this.#dropped(event), { signal });
    this.#player.draw();
    if (location.search === SAMPLE) this.#openSample();
  }

  /** Another panel is shown. What is being read goes on, and nothing is lost. */
  leave() {
    this.#listening?.abort();
    this.#dragDepth = 0;
    this.#player.pause();
  }

  /** Reads the clip that comes with the page and plays it. The address loses its query: Back never repeats it. */
  async #openSample() {
    history.replaceState(history.state, "", location.pathname);
    const before = this.#reading;
    try {
      const response = await fetch(element("video-view").dataset.sample);
      if (!response.ok) throw new Error(`expected the sample clip, received ${response.status}`);
      const name = this.#page.t("video.sample");
      const file = new File([await response.blob()], "sample.webm", { type: "video/webm" });
      if (before !== this.#reading) return; // a person was faster and chose a file
      await this.#open(file, name);
      this.#player.play();
    } catch (error) {
      console.error(error);
      toast(this.#page.t("app.not_loaded"));
    }
  }

  #chosen(input) {
    const [file] = input.files;
    input.value = ""; // choosing the same file again counts too
    if (file) this.#open(file);
  }

  #drag(event, by) {
    event.preventDefault();
    this.#dragDepth = Math.max(0, this.#dragDepth + by);
    this.#show(this.#dragDepth ? "over" : undefined);
  }

  #dropped(event) {
    event.preventDefault();
    this.#dragDepth = 0;
    this.#show();
    const [file] = event.dataTransfer.files;
    if (file) this.#open(file);
  }

  async #open(file, name = file.name) {
    this.#reading?.close();
    const framesPerS = document.querySelector("[name=video-rate]:checked").value === "ten" ? TEN_PER_S : Infinity;
    const reading = new FileReading(this.#page, file, framesPerS, this.#tools, {
      onChange: () => reading === this.#reading && this.#show(),
      onFaces: (faces) => this.#showFaces(faces),
    });
    this.#reading = reading;
    write(element("video-name"), name);
    this.#showFaces([]);
    this.#show();
    await reading.open(this.#player);
    if (reading === this.#reading) await reading.run();
  }

  #show(state = this.#reading?.state ?? "empty") {
    const reading = this.#reading;
    const isBusy = ["opening", "reading", "lost"].includes(state);
    element("video-view").dataset.state = state;
    element("video-drop").hidden = Boolean(reading) && state !== "problem" && state !== "over";
    element("video-player").hidden = !reading || state === "problem" || !this.#player.canPlay;
    element("video-cancel").hidden = !isBusy;
    const progress = element("video-progress");
    progress.hidden = !isBusy;
    if (reading && Number.isFinite(reading.part)) progress.value = reading.part;
    else progress.removeAttribute("value");
    const status = element("video-status");
    status.classList.toggle("problem", state === "problem");
    status.setAttribute("aria-live", state === "reading" ? "off" : "polite"); // a count that changes is not announced
    write(status, reading?.sentence ?? "");
  }

  #showFaces(faces) {
    this.#list.update(faces);
    element("video-faces-none").hidden = faces.length > 0;
  }
}
