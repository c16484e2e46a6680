/**
 * The camera panel. Events of the person, the camera and the connection become facts; the facts decide which parts run
 * and which message is shown.
 */
import { element } from "../shared/page.js";
import { toast } from "../shared/toast.js";
import { Camera, hasMediaDevices } from "./camera.js";
import { Controls } from "./controls.js";
import { Moment } from "./moment.js";
import { Presence } from "./presence.js";
import { ReaderRun } from "./reader_run.js";
import { Stage, sentence } from "./stage.js";
import { INITIAL, cameraSupport, stageState } from "./state.js";

const TICK_MS = 250;
/** Camera states in which the person has the camera or is about to. */
const RUNNING = new Set(["asking", "starting", "tap", "on", "muted"]);

export class Live {
  #page;
  #settings;
  #facts = { ...INITIAL };
  #moment = new Moment();
  #devices = [];
  #timer = 0;

  #video = element("video");
  #run;
  #stage;
  #camera;
  #presence;
  #controls;

  /**
   * @param {object} options
   * @param {import("../shared/page.js").Page} options.page
   * @param {import("../shared/page.js").Settings} options.settings
   * @param {import("../faces/reading.js").Readings} options.readings
   */
  constructor({ page, settings, readings }) {
    this.#page = page;
    this.#settings = settings;
    this.#stage = new Stage(page, (action) => this.#act(action));
    this.#video.addEventListener("resize", () => this.#stage.fit(this.#video));
    this.#camera = new Camera(this.#video, {
      onState: (camera) => this.#cameraChanged(camera),
      onDevices: (devices) => this.#devicesChanged(devices),
      onError: (error) => {
        console.error(error);
        this.#moment.fail(error.name);
      },
    });
    this.#presence = new Presence({
      onHidden: () => this.#change({ hidden: true }),
      onShown: (hiddenForMs) => this.#shown(hiddenForMs),
      onLongHidden: () => this.#letGo(),
      onLeave: () => this.#stop(),
    });
    this.#run = new ReaderRun({ page, readings }, {
      onLink: (link, { retryAtMs = 0 }) => {
        this.#moment.retry(retryAtMs);
        this.#change({ link });
      },
      onAnswer: () => this.#advise(performance.now()),
      onFailure: (code, message) => {
        console.error(code, message);
        this.#moment.fail(code);
        this.#change({ failed: true });
      },
      onRun: () => this.#presence.keepAwake(),
      onRest: () => {
        this.#presence.rest();
        this.#facts.advice = null;
      },
    });
    this.#controls = new Controls(settings, page, {
      pause: () => this.#pause(),
      stop: () => this.#stop(),
      flip: () => this.#flip(),
      snapshot: () => this.#snapshot(),
      camera: (deviceId) => this.#facts.wanted && this.#camera.start(deviceId),
      changed: () => this.#applySettings(),
    });
  }

  /** What reads the camera; null until it is loaded. */
  get #reader() {
    return this.#run.reader;
  }

  /** The camera's stream while it is on, else null: for recording it in this browser. */
  get stream() {
    return this.#video.srcObject;
  }

  /** Turns the camera on as it was last. */
  restart() {
    this.#start(this.#settings.get("camera"));
  }

  /** @returns {number | null} id of the face that is opened in the list */
  get selected() {
    return this.#reader?.selected ?? null;
  }

  /** @param {number} id */
  select(id) {
    this.#reader?.selectFace(id);
  }

  /** Keys of this panel and what they do. */
  get keys() {
    return {
      " ": () => this.#facts.wanted && this.#pause(),
      s: () => this.#snapshot(),
      c: () => this.#facts.wanted && this.#devices.length > 1 && this.#flip(),
      m: () => this.#controls.toggle("mirror", this.#isMirrored),
      b: () => this.#controls.toggle("marks"),
      t: () => this.#say(),
      digit: (key) => this.#reader?.select(Number(key) - 1),
    };
  }

  start() {
    const support = cameraSupport({
      isSecureContext, hasMediaDevices: hasMediaDevices(), userAgent: navigator.userAgent,
    });
    this.#applySettings();
    this.#change({ support });
    if (support === "insecure") this.#stage.findHttps().then(() => this.#render());
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
  }

  /** Another panel is shown: nothing is read until this one is shown again. */
  leave() {
    this.#change({ away: true });
    this.#presence.away();
  }

  enter() {
    this.#change({ away: false });
    this.#presence.back();
    this.#startAgain();
  }

  // Actions of the person

  #act(action) {
    if (["start", "again", "retry"].includes(action)) this.#start(this.#settings.get("camera"));
    else if (action === "tap") this.#camera.play();
    else if (action === "cancel" || action === "off") this.#stop();
    else if (action === "other") this.#flip();
    else if (action === "now" || action === "reconnect") this.#reader?.reconnect();
    else if (action === "resume") this.#pause();
    else if (action === "reload") location.reload();
    else if (action === "copy") this.#copyLink();
  }

  #start(deviceId) {
    this.#change({ wanted: true, paused: false });
    this.#camera.start(deviceId);
    this.#run.load().catch(() => {}); // loaded meanwhile; a failure is reported when the camera is on and needs it
  }

  #stop() {
    this.#facts.wanted = false;
    this.#letGo();
  }

  #letGo() {
    this.#camera.stop();
    this.#reader?.disconnect();
  }

  #pause() {
    this.#change({ paused: !this.#facts.paused });
  }

  async #flip() {
    this.#facts.wanted = true;
    const deviceId = await this.#camera.next();
    this.#settings.set("camera", deviceId);
    this.#controls.listCameras(this.#devices, deviceId);
  }

  async #copyLink() {
    await navigator.clipboard?.writeText(location.href);
    this.#stage.acknowledge("copy", this.#page.t("action.copied"));
  }

  async #snapshot() {
    if (!this.#reader?.hasFrame) return;
    await this.#reader.saveSnapshot();
    toast(this.#page.t("live.snapshot_saved"));
  }

  #say() {
    const { paused } = this.#facts;
    this.#reader?.say(paused ? this.#page.t("announce.paused") : this.#sentence(stageState(this.#facts)).text);
  }

  // Events

  async #cameraChanged(camera) {
    // "off" has two causes: the person stopped the camera, or the page was hidden.
    if (camera !== "off") this.#facts.wanted = RUNNING.has(camera);
    this.#change({ camera });
    if (!this.#facts.wanted) return this.#reader?.disconnect();
    if (camera !== "on") return;
    await this.#run.load();
    this.#applySettings();
    if (this.#facts.camera === "on") this.#reader.connect();
  }

  #devicesChanged(devices) {
    this.#devices = devices;
    this.#controls.listCameras(devices, this.#settings.get("camera"));
    this.#render();
  }

  #shown(hiddenForMs) {
    this.#moment.comeBack(hiddenForMs);
    this.#change({ hidden: false });
    this.#startAgain();
  }

  /** The camera may have been released or unplugged meanwhile. */
  #startAgain() {
    if (this.#facts.wanted && !this.#camera.isLive && this.#facts.camera !== "asking") this.#camera.start(this.#settings.get("camera"));
  }

  // Effects of the facts

  #change(facts) {
    const before = stageState(this.#facts);
    Object.assign(this.#facts, facts);
    if (!this.#facts.wanted) this.#facts.paused = false;
    if (stageState(this.#facts) !== before) this.#moment.enter();
    this.#run.follow(this.#facts);
    this.#render();
  }

  #tick() {
    const nowMs = performance.now();
    if (this.#facts.support !== "ok") return;
    if (this.#facts.failed && this.#moment.hasFailureEnded(nowMs)) this.#change({ failed: false });
    this.#advise(nowMs);
    this.#reader?.writeNumbers(nowMs);
    this.#render();
  }

  #advise(nowMs) {
    if (!this.#reader?.isRunning) return;
    const told = this.#run.advice(this.#settings.get("announce"), nowMs) ?? (this.#moment.isReturning(nowMs) ? "returned" : null);
    if (told !== this.#facts.advice) this.#change({ advice: told });
  }

  #applySettings() {
    this.#video.classList.toggle("mirrored", this.#isMirrored);
    const [marks, smoothing, eager] = ["marks", "smoothing", "eager"].map((name) => this.#settings.get(name));
    this.#reader?.apply({ marks, smoothing, eager, mirrored: this.#isMirrored });
    this.#controls.show({ mirrored: this.#isMirrored });
  }

  /** The chosen value; by default mirrored, unless the camera faces away from the person. */
  get #isMirrored() {
    return this.#settings.get("mirror") ?? this.#camera.facing !== "environment";
  }

  #render() {
    const state = stageState(this.#facts);
    this.#stage.show(state, this.#sentence(state));
    const { wanted, paused, camera } = this.#facts;
    this.#controls.enable({
      pause: wanted && camera === "on", stop: wanted, flip: wanted && this.#devices.length > 1,
      snapshot: Boolean(this.#reader?.hasFrame), paused,
    });
    this.#presence.retitle(state === "hidden" ? this.#page.t("state.hidden_title", { name: this.#page.t("app.name") }) : null);
  }

  #sentence(state) {
    const read = { rate: this.#reader?.rate ?? 0, isLate: this.#run.isLate, hasOther: this.#devices.length > 1 };
    return sentence(state, { ...this.#moment.details(performance.now()), ...read }, this.#page);
  }
}
