/**
 * The panel of recorded videos: a file comes in, its pictures are read in order, and the player, the marks, the faces and
 * the time axis show each moment of what was read. The file stays in the browser. Saved sessions open here too.
 */
import { FaceList } from "../faces/rows.js";
import { hide, write } from "../shared/dom.js";
import { element } from "../shared/page.js";
import { toast } from "../shared/toast.js";
import { FileReading } from "./file_reading.js";
import { Player } from "./player.js";

const TEN_PER_S = 10;
/** How a session that was saved as JSON begins. */
const SESSION = /^\uFEFF?\s*\{\s*"/;
/** The query of the address that asks for the sample clip. */
const SAMPLE = "?sample";

/**
 * @typedef {object} Tools what the panel needs of the other parts
 * @property {new (options: object) => object} Link the live socket, see live/socket.js
 * @property {(options: object) => Promise<object>} openFilm what has a past, see session/film.js
 * @property {() => Promise<{OpenedSession: new (...parts: any[]) => object}>} loadOpened sessions that were saved, see session/opened.js
 * @property {(file: File) => void} toPhotos opens a picture in the panel of photographs
 */

export class VideoPanel {
  #page;
  #tools;
  #player;
  #list;
  #reading = null;
  #turn = 0;
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
      onMoment: (timeS) => this.#reading?.film?.look?.(timeS),
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
    element("video-sample").addEventListener("click", (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return; // a window of its own
      event.preventDefault(); // before this was loaded, the link itself opens the sample
      this.#openSample();
    });
    element("video-cancel").addEventListener("click", () => this.#reading?.stop());
    element("video-hand").addEventListener("click", () => tools.toPhotos(this.#reading.file));
  }

  /** Opens a file that another panel has received. @param {File} file */
  take(file) {
    this.#open(file);
  }

  enter() {
    this.#listening = new AbortController();
    const { signal } = this.#listening;
    addEventListener("dragenter", (event) => this.#drag(event, 1), { signal });
    addEventListener("dragleave", (event) => this.#drag(event, -1), { signal });
    addEventListener("dragover", (event) => event.preventDefault(), { signal });
    addEventListener("drop", (event) => this.#dropped(event), { signal });
    this.#player.draw();
    if (location.search !== SAMPLE) return;
    history.replaceState(history.state, "", location.pathname); // Back never repeats it
    this.#openSample();
  }

  /** Another panel is shown. What is being read goes on, and nothing is lost. */
  leave() {
    this.#listening?.abort();
    this.#dragDepth = 0;
    this.#player.pause();
  }

  /** Reads the clip that comes with the page and plays it. */
  async #openSample() {
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
    const turn = ++this.#turn;
    let reading;
    try {
      reading = (await isSession(file)) ? await this.#openedSession(file) : this.#fileReading(file);
    } catch (error) {
      console.error(error);
      return toast(this.#page.t("app.not_loaded"));
    }
    if (turn !== this.#turn) return; // another file was chosen meanwhile
    this.#reading?.close();
    this.#player.pause();
    this.#player.follow(() => []);
    this.#reading = reading;
    write(element("video-name"), name);
    this.#showFaces([]);
    this.#show();
    await reading.open(this.#player);
    if (reading === this.#reading) await reading.run?.();
  }

  #fileReading(file) {
    const framesPerS = document.querySelector("[name=video-rate]:checked").value === "ten" ? TEN_PER_S : Infinity;
    const reading = new FileReading(this.#page, file, framesPerS, this.#tools, {
      onChange: () => reading === this.#reading && this.#show(),
      onFaces: (faces) => reading === this.#reading && this.#showFaces(faces),
    });
    return reading;
  }

  async #openedSession(file) {
    const { OpenedSession } = await this.#tools.loadOpened();
    const places = { stage: element("video-stage"), summary: element("video-summary"), timeline: element("video-timeline") };
    const reading = new OpenedSession(this.#page, file, places, {
      onChange: () => reading === this.#reading && this.#show(),
      onFaces: (faces) => reading === this.#reading && this.#showFaces(faces),
      onSelect: (id) => this.#list.select(id),
      onClose: () => this.#close(),
    });
    return reading;
  }

  #close() {
    this.#reading.close();
    this.#reading = null;
    write(element("video-name"), "");
    this.#showFaces([]);
    this.#show();
    element("video-stage").focus();
  }

  #show(state = this.#reading?.state ?? "empty") {
    const reading = this.#reading;
    const isBusy = ["opening", "reading", "lost"].includes(state);
    element("video-view").dataset.state = state;
    hide(element("video-drop"), !["empty", "problem", "over"].includes(state), element("video-stage"));
    element("video-player").hidden = !reading?.film || state === "problem" || !this.#player.canPlay;
    element("video-cancel").hidden = !isBusy;
    const progress = element("video-progress");
    progress.hidden = !isBusy;
    if (reading && Number.isFinite(reading.part)) progress.value = reading.part;
    else progress.removeAttribute("value");
    // A saved session was read at its own rate.
    element("video-rate").hidden = state === "session" || (state === "over" && reading?.state === "session");
    element("video-hand").hidden = !reading?.isPicture;
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

/** Whether a file is a saved session, or is meant to be one; a video begins with other bytes. */
async function isSession(file) {
  if (/\.json$/i.test(file.name) || file.type === "application/json") return true;
  try {
    return SESSION.test(await file.slice(0, 64).text());
  } catch {
    return false; // it cannot be read: the sentence about that is the video's
  }
}
