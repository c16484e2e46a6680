/** The control bar and the settings. */
import { element } from "../shared/page.js";
import { make, write } from "../shared/dom.js";

const SWITCHES = ["mirror", "marks", "eager", "announce", "shortcuts"];

export class Controls {
  #settings;
  #page;
  #handlers;

  /**
   * @param {import("../shared/page.js").Settings} settings
   * @param {{t: (key: string, values?: object) => string}} page
   * @param {{pause: Function, stop: Function, flip: Function, snapshot: Function, camera: (deviceId: string) => void, changed: Function}} handlers
   */
  constructor(settings, page, handlers) {
    this.#settings = settings;
    this.#page = page;
    this.#handlers = handlers;
    for (const name of ["pause", "stop", "flip", "snapshot"]) element(name).addEventListener("click", () => handlers[name]());
    element("snapshot-corner").addEventListener("click", () => handlers.snapshot()); // a phone's
    for (const name of SWITCHES) element(name).addEventListener("change", ({ target }) => this.#set(name, target.checked));
    element("smoothing").addEventListener("change", ({ target }) => this.#set("smoothing", target.value));
    element("camera-choice").addEventListener("change", ({ target }) => {
      this.#settings.set("camera", target.value);
      handlers.camera(target.value);
    });
  }

  /** Toggles a switch. @param {"mirror" | "marks"} name @param {boolean} [value] what it is now */
  toggle(name, value = this.#settings.get(name)) {
    this.#set(name, !value);
  }

  /** Writes the settings into the form. @param {{mirrored: boolean}} state */
  show({ mirrored }) {
    for (const name of SWITCHES) element(name).checked = name === "mirror" ? mirrored : this.#settings.get(name);
    for (const radio of element("smoothing").querySelectorAll("input")) radio.checked = radio.value === this.#settings.get("smoothing");
  }

  /** @param {{pause: boolean, stop: boolean, flip: boolean, snapshot: boolean, paused: boolean}} state */
  enable({ paused, ...buttons }) {
    for (const [name, enabled] of Object.entries(buttons)) element(name).disabled = !enabled;
    element("snapshot-corner").disabled = !buttons.snapshot;
    element("flip").hidden = !buttons.flip; // offered only where there is another camera
    const pause = element("pause");
    write(pause.querySelector(".tool__label"), this.#page.t(paused ? "live.resume" : "live.pause"));
    pause.querySelector("use").setAttribute("href", paused ? "#icon-play" : "#icon-pause");
  }

  /** @param {MediaDeviceInfo[]} devices @param {string} chosen */
  listCameras(devices, chosen) {
    const select = element("camera-choice");
    // A choice by the browser is not remembered, so the first option represents it.
    const options = devices.filter((device) => device.deviceId).map((device, i) =>
      Object.assign(make("option", "", device.label || this.#page.t("settings.camera_n", { n: i + 1 })), { value: device.deviceId }));
    select.replaceChildren(select.options[0], ...options);
    select.value = options.some((option) => option.value === chosen) ? chosen : "";
  }

  #set(name, value) {
    this.#settings.set(name, value);
    this.#handlers.changed();
  }
}
