/** The live page: makes the parts, passes what happens from one to the other, and decides nothing else. */
import { Camera, LightMeter } from "./live/camera.js";
import { CardList, legend, pairText } from "./faces/cards.js";
import { useLabels } from "./faces/emotions.js";
import { Faces } from "./faces/faces.js";
import { percent } from "./shared/format.js";
import { Shortcuts } from "./live/keys.js";
import { Controls } from "./live/controls.js";
import { Overlay } from "./faces/overlay.js";
import { Settings, element, readPage } from "./shared/page.js";
import { Presence } from "./live/presence.js";
import { Readout } from "./live/readout.js";
import { FrameSender } from "./live/sender.js";
import { Link } from "./live/socket.js";
import { Stage, sentence } from "./live/stage.js";
import { Advisor, INITIAL, cameraSupport, stageState } from "./live/state.js";
import { Announcer } from "./faces/words.js";

const TICK_MS = 250;
/** Camera states in which the person has the camera or is about to. */
const RUNNING = new Set(["asking", "starting", "tap", "on", "muted"]);
const RETURNED_MS = 4000;
const FAILED_MS = 3000;
const DARK_LUMA = 40;
const SMALL_FACE_PX = 60;
const SLOW_MS = 500;
/** A dropped frame counts as a sign of a busy server for this long: the next one may be answered a second later. */
const BUSY_MS = 2000;

class LivePage {
  #page = readPage();
  #settings = new Settings();
  #facts = { ...INITIAL };
  #enteredMs = performance.now();
  #retryAtMs = 0;
  #answer = null;
  #frame = null;
  #selected = null;
  #luma = 255;
  #lumaMs = 0;
  #busyMs = -Infinity;
  #failure = { id: "", untilMs: 0 };
  #returned = { forMs: 0, untilMs: 0 };
  #late = false;
  #devices = [];
  #title = document.title;
  #timer = 0;

  #video = element("video");
  #faces = new Faces({ uncertainBelow: this.#page.model.uncertain_below });
  #advisor = new Advisor();
  #announcer = new Announcer();
  #light = new LightMeter();
  #readout = new Readout(this.#page);
  #stage = new Stage(this.#page, (action) => this.#act(action));
  #cards = new CardList(element("cards"), this.#page, (id) => this.#select(id));
  #overlay = new Overlay(element("overlay"), this.#video, this.#faces, this.#page, (ageMs) => this.#readout.drawn(ageMs, performance.now()));
  #camera = new Camera(this.#video, {
    onState: (camera) => this.#cameraChanged(camera),
    onDevices: (devices) => this.#devicesChanged(devices),
    onError: (error) => this.#fail(error.name, error),
  });
  #link = new Link({
    pageVersion: this.#page.pageVersion,
    onState: (link, { retryAtMs = 0 }) => {
      this.#retryAtMs = retryAtMs;
      this.#change({ link });
    },
    onWelcome: ({ model }) => {
      useLabels(model.labels);
      Object.assign(this.#page.model, model);
      this.#faces.uncertainBelow = model.uncertain_below;
      this.#readout.showModel(model);
    },
  });
  #sender = new FrameSender(this.#video, this.#link, {
    maxFrameBytes: this.#page.limits.max_frame_bytes, maxInFlight: this.#page.limits.max_in_flight,
    maxRate: this.#page.limits.max_frames_per_second,
  }, {
    onAnswer: (result, frame) => this.#answered(result, frame),
    onBusy: (error) => this.#refused(error),
  });
  #presence = new Presence({
    onHidden: () => this.#change({ hidden: true }),
    onShown: (hiddenForMs) => this.#shown(hiddenForMs),
    onLongHidden: () => {
      this.#camera.stop();
      this.#link.stop();
    },
    onLeave: () => this.#stop(),
  });
  #controls = new Controls(this.#settings, this.#page, {
    pause: () => this.#pause(),
    stop: () => this.#stop(),
    flip: () => this.#flip(),
    snapshot: () => this.#snapshot(),
    camera: (deviceId) => this.#facts.wanted && this.#camera.start(deviceId),
    changed: () => this.#applySettings(),
  });
  #shortcuts = new Shortcuts({
    " ": () => this.#facts.wanted && this.#pause(),
    s: () => this.#snapshot(),
    c: () => this.#facts.wanted && this.#devices.length > 1 && this.#flip(),
    m: () => this.#controls.toggle("mirror", this.#isMirrored),
    b: () => this.#controls.toggle("marks"),
    t: () => this.#say(),
    digit: (key) => this.#select(this.#faces.list()[Number(key) - 1]?.id),
    "?": () => element("keys").showModal(),
  });

  start() {
    const support = cameraSupport({
      isSecureContext, hasMediaDevices: Boolean(navigator.mediaDevices?.getUserMedia), userAgent: navigator.userAgent,
    });
    element("overlay").addEventListener("click", (event) => this.#select(this.#overlay.faceAt(event.offsetX, event.offsetY)));
    element("show-keys").addEventListener("click", () => element("keys").showModal());
    element("faces-none").append(legend(this.#page));
    this.#applySettings();
    this.#change({ support });
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
  }

  /** Lets go of the camera, the connection and every timer. */
  close() {
    this.#stop();
    clearInterval(this.#timer);
    this.#presence.stop();
    this.#shortcuts.stop();
    this.#camera.close();
  }

  // What people do

  #act(action) {
    const starts = { start: 1, again: 1, retry: 1 };
    if (action in starts) this.#start(this.#settings.get("camera"));
    else if (action === "tap") this.#camera.play();
    else if (action === "cancel" || action === "off") this.#stop();
    else if (action === "other") this.#flip();
    else if (action === "now" || action === "reconnect") this.#link.retryNow();
    else if (action === "resume") this.#pause();
    else if (action === "reload") location.reload();
    else if (action === "copy") this.#copyLink();
  }

  #start(deviceId) {
    this.#change({ wanted: true, paused: false });
    this.#camera.start(deviceId);
  }

  #stop() {
    this.#facts.wanted = false;
    this.#camera.stop();
    this.#link.stop();
  }

  #pause() {
    this.#change({ paused: !this.#facts.paused });
  }

  async #flip() {
    const deviceId = await this.#camera.next();
    this.#settings.set("camera", deviceId);
    this.#facts.wanted = true;
  }

  async #copyLink() {
    await navigator.clipboard?.writeText(location.href);
    this.#stage.acknowledge("copy", this.#page.t("action.copied"));
  }

  async #snapshot() {
    if (!this.#frame) return;
    const picture = new Blob([this.#frame.bytes], { type: "image/jpeg" });
    const faces = this.#faces.list().filter((face) => face.present);
    const { save, takeSnapshot } = await import("./faces/snapshot.js");
    save(await takeSnapshot(picture, faces, this.#page), "emotions", "png");
  }

  #select(id) {
    if (id === undefined || id === null) return;
    this.#selected = id;
    this.#overlay.selected = id;
    this.#cards.update(this.#faces.list(), id);
  }

  #say() {
    const text = this.#summary(true);
    this.#announcer.spoke(this.#summary(false), performance.now());
    element("announcer").textContent = "";
    setTimeout(() => (element("announcer").textContent = text), 50);
  }

  // What happens

  #cameraChanged(camera) {
    // "off" tells nothing: the person may have stopped it, or the page rested while it was hidden.
    if (camera !== "off") this.#facts.wanted = RUNNING.has(camera);
    this.#change({ camera });
    if (!this.#facts.wanted) return this.#link.stop();
    if (camera !== "on") return;
    this.#applySettings();
    this.#link.start();
  }

  #devicesChanged(devices) {
    this.#devices = devices;
    this.#controls.listCameras(devices, this.#settings.get("camera"));
    this.#render();
  }

  #shown(hiddenForMs) {
    const now = performance.now();
    this.#returned = { forMs: hiddenForMs, untilMs: now + RETURNED_MS };
    this.#change({ hidden: false });
    if (this.#facts.wanted && !this.#camera.isLive && this.#facts.camera !== "asking") this.#camera.start(this.#settings.get("camera"));
  }

  #answered(result, frame) {
    const now = performance.now();
    this.#answer = result;
    this.#frame = frame;
    this.#readout.answered(now);
    this.#faces.update(result, now);
    this.#overlay.capturedMs = frame.capturedMs;
    this.#showCards();
  }

  #refused({ code, message }) {
    if (code === "busy" || code === "not_ready") this.#busyMs = performance.now();
    else this.#fail(code, message);
  }

  #fail(id, detail) {
    console.error(id, detail);
    this.#failure = { id, untilMs: performance.now() + FAILED_MS };
    this.#change({ failed: true });
  }

  // What follows from it

  #change(facts) {
    const before = stageState(this.#facts);
    Object.assign(this.#facts, facts);
    if (!this.#facts.wanted) this.#facts.paused = false;
    if (stageState(this.#facts) !== before) this.#enteredMs = performance.now();
    const { wanted, paused, hidden, camera, link } = this.#facts;
    const isLive = wanted && camera === "on" && link === "open" && !paused && !hidden;
    if (isLive && !this.#sender.isRunning) {
      this.#overlay.start();
      this.#sender.start();
      this.#presence.keepAwake();
    } else if (!isLive && this.#sender.isRunning) {
      this.#sender.stop();
      this.#overlay.stop();
      this.#presence.rest();
      this.#advisor.reset();
      this.#facts.advice = null;
      this.#answer = null;
    }
    // While paused the last numbers stay, to be read in peace; otherwise what is no longer true goes.
    if (!isLive && !paused) this.#forget();
    else if (paused) this.#settle();
    this.#render();
  }

  #forget() {
    this.#faces.clear();
    this.#frame = null;
    this.#showCards();
  }

  #settle() {
    this.#faces.settle();
    this.#showCards();
  }

  #showCards() {
    const faces = this.#faces.list();
    if (!faces.some((face) => face.id === this.#selected)) this.#selected = faces[0]?.id ?? null;
    this.#overlay.selected = this.#selected;
    this.#cards.update(faces, this.#selected);
    element("faces-none").hidden = faces.length > 0;
  }

  #tick() {
    const now = performance.now();
    const { support, camera, link, paused, hidden, failed } = this.#facts;
    if (support !== "ok") return;
    if (failed && now >= this.#failure.untilMs) this.#change({ failed: false });
    if (camera === "on" && link === "open" && !paused && !hidden) {
      this.#faces.prune(now);
      this.#showCards();
      this.#advise(now);
      this.#announce(now);
    }
    this.#readout.update(this.#sender, this.#sender.isRunning, now);
    this.#render();
  }

  #advise(now) {
    if (now - this.#lumaMs >= 1000) {
      this.#lumaMs = now;
      this.#luma = this.#light.measure(this.#video);
    }
    const sides = (this.#answer?.faces ?? []).map(({ box }) => Math.min(box[2], box[3]));
    const { advice, late } = this.#advisor.update({
      nobody: this.#answer !== null && sides.length === 0,
      dark: this.#luma < DARK_LUMA,
      small: sides.length > 0 && Math.max(...sides) < SMALL_FACE_PX,
      "busy-server": now - this.#busyMs < BUSY_MS || Math.max(this.#sender.pace.ackMs, this.#sender.waitingMs(now)) > SLOW_MS,
    }, now);
    this.#late = late;
    this.#change({ advice: advice ?? (now < this.#returned.untilMs ? "returned" : null) });
  }

  #announce(now) {
    if (!this.#settings.get("announce")) return;
    const text = this.#announcer.update(this.#summary(false), now);
    if (text !== null) element("announcer").textContent = text;
  }

  /** The present state in words. */
  #summary(withPercent) {
    const { t, language } = this.#page;
    if (this.#facts.paused) return t("announce.paused");
    if (!this.#sender.isRunning) return withPercent ? this.#sentence(stageState(this.#facts)).text : "";
    const faces = this.#faces.list();
    if (!faces.length) return t("announce.nobody");
    const words = faces.map(({ word }) => {
      if (word.key === "unsure") return withPercent ? `${t("unsure.colon")} ${pairText(word, this.#page)}` : t("announce.unsure");
      const name = t(`emotion.${word.key}`);
      return withPercent ? t("announce.percent", { word: name, percent: percent(language, word.confidence) }) : name;
    });
    return words.length === 1 ? words[0] : t("announce.faces", { n: words.length, list: words.join("; ") });
  }

  #applySettings() {
    this.#overlay.visible = this.#settings.get("marks");
    this.#overlay.mirrored = this.#isMirrored;
    this.#video.classList.toggle("mirrored", this.#isMirrored);
    this.#faces.smoothing = this.#settings.get("smoothing");
    if (this.#settings.get("shortcuts")) this.#shortcuts.start();
    else this.#shortcuts.stop();
    this.#controls.show({ mirrored: this.#isMirrored });
  }

  /** As chosen; else like a mirror, unless the camera looks away from the person. */
  get #isMirrored() {
    return this.#settings.get("mirror") ?? this.#camera.facing !== "environment";
  }

  #render() {
    const state = stageState(this.#facts);
    this.#stage.show(state, this.#sentence(state));
    const { wanted, paused, camera } = this.#facts;
    this.#controls.enable({
      pause: wanted && camera === "on", stop: wanted, flip: wanted && this.#devices.length > 1, snapshot: this.#frame !== null, paused,
    });
    document.title = state === "hidden" ? this.#page.t("state.hidden_title", { name: this.#page.t("app.name") }) : this.#title;
  }

  #sentence(state) {
    const now = performance.now();
    return sentence(state, {
      sinceMs: now - this.#enteredMs,
      retrySeconds: Math.max(0, Math.ceil((this.#retryAtMs - now) / 1000)),
      rate: this.#sender.pace.rate,
      hiddenForMs: this.#returned.forMs,
      failure: this.#failure.id,
      isLate: this.#late,
      hasOther: this.#devices.length > 1,
    }, this.#page);
  }
}

new LivePage().start();
