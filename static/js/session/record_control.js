/** The Record button: asks once what to record, turns red with the time, and offers markers and ranges beside the timeline. */
import { make, write } from "../shared/dom.js";
import { element } from "../shared/page.js";
import { videoType } from "./camera_video.js";
import { clock } from "./scale.js";

const TICK_MS = 250;
/** The stored choice of what to record: "numbers" or "video"; nothing before the first choice. */
const SETTING = "record";

export class RecordControl {
  #button;
  #page;
  #settings;
  #recorder;
  #handlers;
  #timer = 0;
  #dialog = null;
  #tools = {};
  #naming = null;
  #setting = null;

  /**
   * @param {HTMLElement} slot in the control bar, for Record
   * @param {HTMLElement} place for the buttons that appear while something is recorded
   * @param {object} parts
   * @param {{t: Function}} parts.page with the session's sentences
   * @param {import("../shared/page.js").Settings} parts.settings
   * @param {import("./recorder.js").Recorder} parts.recorder
   * @param {{start: (withVideo: boolean) => void, stop: () => void, open: () => void, isOpen: () => boolean, momentS: () => number}} handlers
   *   `open`: shows the summary of the recording; `momentS`: time of the cursor, on the recording's clock
   */
  constructor(slot, place, { page, settings, recorder }, handlers) {
    this.#page = page;
    this.#settings = settings;
    this.#recorder = recorder;
    this.#handlers = handlers;
    this.#tools = {
      mark: this.#tool("record.mark", () => this.mark(), "K"), exclude: this.#tool("record.exclude", () => this.exclude(), "X"),
      name: Object.assign(make("input", "timeline__input"), { maxLength: 80, hidden: true }),
      open: this.#tool("record.show", () => handlers.open()),
    };
    const { name } = this.#tools;
    name.addEventListener("keydown", (event) => {
      if (event.key === "Escape") name.value = "";
      if (["Enter", "Escape"].includes(event.key)) name.blur();
    });
    name.addEventListener("blur", () => this.#named());
    place.append(this.#tools.mark, this.#tools.exclude, name, this.#tools.open);
    this.#button = Object.assign(make("button", "tool tool--record"), { type: "button", id: "record", disabled: true });
    this.#button.setAttribute("aria-keyshortcuts", "R");
    this.#button.append(make("span", "tool__dot"), make("span", "tool__label", page.t("record.record")));
    this.#button.addEventListener("click", ({ detail }) => {
      if (detail > 0) this.#button.blur(); // a button that was clicked would receive the keys
      this.toggle();
    });
    slot.replaceChildren(this.#button);
    this.#setting = this.#buildSetting();
    element("more").querySelector(".details").before(this.#setting);
    this.show();
  }

  close() {
    clearInterval(this.#timer);
    this.#button.remove();
    this.#setting.remove();
    this.#dialog?.remove();
  }

  /** Whether there is something to record. */
  enable(isEnabled) {
    this.#button.disabled = !isEnabled;
  }

  /** Starts or ends a recording; the first start asks what to record. */
  toggle() {
    if (this.#button.disabled) return;
    if (this.#recorder.isRunning) return this.#handlers.stop();
    const choice = this.#settings.get(SETTING);
    if (choice) this.#handlers.start(choice === "video" && Boolean(videoType()));
    else this.#ask();
  }

  /** Adds a marker at the cursor and asks for its name. */
  mark() {
    if (!this.#recorder.isRunning) return;
    const number = this.#recorder.recording.markers.length + 1;
    const marker = this.#recorder.mark(this.#page.t("record.marker_n", { n: number }), this.#handlers.momentS());
    const { name } = this.#tools;
    this.#named();
    this.#naming = marker;
    name.hidden = false;
    name.value = marker.name;
    name.setAttribute("aria-label", this.#page.t("record.marker_name", { time: clock(marker.t_s) }));
    name.focus({ preventScroll: true }); // it is in view: see its style
    name.select();
  }

  /** Begins or ends an excluded range at the cursor. */
  exclude() {
    if (this.#recorder.isRunning) this.#recorder.toggleExclude(this.#handlers.momentS());
  }

  /** Shows whether something is recorded, and the way to a finished recording for as long as it is in no file. */
  show() {
    const { isRunning, excludingFromS } = this.#recorder;
    this.#button.classList.toggle("tool--recording", isRunning);
    this.#button.setAttribute("aria-pressed", String(isRunning));
    this.#tools.mark.hidden = !isRunning;
    this.#tools.exclude.hidden = !isRunning;
    if (!isRunning) this.#tools.name.hidden = true;
    this.#tools.open.hidden = isRunning || !this.#recorder.isUnsaved || this.#handlers.isOpen();
    write(this.#tools.open, this.#page.t("record.open", { time: clock(this.#recorder.timeS) }));
    write(this.#tools.exclude, excludingFromS === null ? this.#page.t("record.exclude") : this.#page.t("record.exclude_end", { time: clock(excludingFromS) }));
    clearInterval(this.#timer);
    if (isRunning) this.#timer = setInterval(() => this.#tick(), TICK_MS);
    this.#tick();
  }

  #tick() {
    const { isRunning, timeS } = this.#recorder;
    const label = this.#button.querySelector(".tool__label");
    write(label, isRunning ? clock(timeS) : this.#page.t("record.record"));
    this.#button.setAttribute("aria-label", this.#page.t(isRunning ? "record.end" : "record.record"));
  }

  #named() {
    const { name } = this.#tools;
    const marker = this.#naming;
    this.#naming = null;
    name.hidden = true;
    if (marker && name.value.trim()) this.#recorder.rename(marker, name.value.trim());
  }

  #tool(key, onClick, shortcut) {
    const made = make("button", "timeline__button", this.#page.t(key));
    made.type = "button";
    if (shortcut) made.setAttribute("aria-keyshortcuts", shortcut);
    made.addEventListener("click", onClick);
    return made;
  }

  /** The choice of the first press, as a setting. */
  #buildSetting() {
    const { t } = this.#page;
    const field = make("label", "field");
    const select = make("select");
    for (const value of ["numbers", "video"]) select.append(Object.assign(make("option", "", t(`record.${value}`)), { value }));
    select.options[1].disabled = !videoType();
    select.value = this.#settings.get(SETTING) ?? "numbers";
    select.addEventListener("change", () => this.#settings.set(SETTING, select.value));
    field.append(make("span", "", t("record.setting")), select);
    return field;
  }

  #ask() {
    this.#dialog ??= this.#buildDialog();
    this.#dialog.showModal();
  }

  #buildDialog() {
    const { t } = this.#page;
    const dialog = make("dialog", "dialog");
    const title = make("h2", "", t("record.ask"));
    title.id = "record-ask";
    dialog.setAttribute("aria-labelledby", title.id);
    const choose = (value, byPointer) => {
      this.#settings.set(SETTING, value);
      this.#setting.querySelector("select").value = value;
      dialog.close();
      // Closing gives the focus back to Record; after a click it would take the keys.
      if (byPointer) this.#button.blur();
      this.#handlers.start(value === "video");
    };
    const option = (value, key, className) => {
      const made = make("button", className, t(key));
      made.type = "button";
      made.addEventListener("click", ({ detail }) => choose(value, detail > 0));
      return made;
    };
    const numbers = option("numbers", "record.numbers", "button button--main");
    const video = option("video", "record.video", "button");
    const hint = make("p", "small", t(videoType() ? "record.stays" : "record.no_video"));
    video.disabled = !videoType();
    const buttons = make("div", "message__actions");
    buttons.append(numbers, video);
    const close = make("button", "link", t("action.cancel"));
    close.type = "button";
    close.addEventListener("click", () => dialog.close());
    dialog.append(title, make("p", "", t("record.explain")), buttons, hint, close);
    document.body.append(dialog);
    return dialog;
  }
}

