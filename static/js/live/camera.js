/** The only file that touches `navigator.mediaDevices`. */
import { cameraProblem } from "./state.js";

const IDEAL = { width: { ideal: 1280 }, height: { ideal: 720 } };
const MUTE_MS = 1500;

/** Whether this browser gives pages a camera at all. */
export const hasMediaDevices = () => Boolean(navigator.mediaDevices?.getUserMedia);

/** Owns the stream, the video element that shows it, and the camera's state (`Facts.camera` of state.js). */
export class Camera {
  #video;
  #onState;
  #onDevices;
  #onError;
  #stream = null;
  #attempt = 0;
  #state = "off";
  #muteTimer = 0;

  /**
   * @param {HTMLVideoElement} video
   * @param {{onState: (state: string) => void, onDevices: (devices: MediaDeviceInfo[]) => void,
   *   onError: (error: Error) => void}} listeners `onError` gets unknown failures
   */
  constructor(video, { onState, onDevices, onError }) {
    this.#video = video;
    this.#onState = onState;
    this.#onDevices = onDevices;
    this.#onError = onError;
    navigator.mediaDevices?.addEventListener("devicechange", () => this.#devicesChanged());
    this.#watchPermission();
  }

  /** True when this page may use a camera without asking. */
  async isGranted() {
    return (await permission()) === "granted";
  }

  /** "user", "environment" or "" when the camera does not say. */
  get facing() {
    return this.#track?.getSettings().facingMode ?? "";
  }

  get deviceId() {
    return this.#track?.getSettings().deviceId ?? "";
  }

  get #track() {
    return this.#stream?.getVideoTracks()[0];
  }

  /**
   * Opens a camera; every outcome is reported through `onState`.
   * @param {string} [deviceId] the wanted camera, the browser's choice when empty
   */
  async start(deviceId = "") {
    this.#release(); // the old track first: a second request kills it on iOS and fails on Android
    const attempt = ++this.#attempt;
    this.#set((await this.isGranted()) ? "starting" : "asking");
    if (attempt !== this.#attempt) return;
    let stream;
    try {
      stream = await open(deviceId);
    } catch (error) {
      if (attempt !== this.#attempt) return;
      const problem = cameraProblem(error, await permission());
      if (problem === "error") this.#onError(error);
      return this.#set(problem);
    }
    if (attempt !== this.#attempt) return stream.getTracks().forEach((track) => track.stop());
    this.#stream = stream;
    this.#watchTrack(this.#track);
    this.#set("starting");
    this.#video.srcObject = stream;
    await this.play();
    this.#onDevices(await this.devices());
  }

  /** Plays the video element; also the answer to a tap where the browser wants one. */
  async play() {
    const attempt = this.#attempt;
    try {
      await this.#video.play();
    } catch (error) {
      if (attempt === this.#attempt && error.name === "NotAllowedError") this.#set("tap");
      return;
    }
    if (attempt !== this.#attempt) return;
    if (this.#video.videoWidth > 0) this.#set("on");
    else this.#video.addEventListener("loadeddata", () => attempt === this.#attempt && this.#set("on"), { once: true });
  }

  /** Turns the camera and its light off. */
  stop() {
    this.#attempt += 1;
    this.#release();
    this.#set("off");
  }

  /** @returns {Promise<MediaDeviceInfo[]>} the cameras; their labels are empty until one was allowed */
  async devices() {
    const all = await navigator.mediaDevices.enumerateDevices();
    return all.filter((device) => device.kind === "videoinput");
  }

  /** Switches to the camera after the present one. */
  async next() {
    const devices = await this.devices();
    const index = devices.findIndex((device) => device.deviceId === this.deviceId);
    const next = devices[(index + 1) % devices.length];
    await this.start(next?.deviceId ?? "");
    return next?.deviceId ?? "";
  }

  /** True while the track delivers; a page that was frozen may come back with an ended one. */
  get isLive() {
    return this.#track?.readyState === "live";
  }

  #set(state) {
    this.#state = state;
    this.#onState(state);
  }

  #release() {
    clearTimeout(this.#muteTimer);
    this.#stream?.getTracks().forEach((track) => track.stop());
    this.#stream = null;
    this.#video.srcObject = null;
  }

  #watchTrack(track) {
    const mine = () => track === this.#track;
    track.addEventListener("ended", () => {
      if (!mine()) return;
      this.#release();
      this.#set("unplugged");
    });
    // iOS mutes for a moment while starting: only a lasting mute means that another app has the camera.
    track.addEventListener("mute", () => {
      this.#muteTimer = setTimeout(() => mine() && this.#set("muted"), MUTE_MS);
    });
    track.addEventListener("unmute", () => {
      clearTimeout(this.#muteTimer);
      if (mine() && this.#state === "muted") this.#set("on");
    });
  }

  async #devicesChanged() {
    const devices = await this.devices();
    this.#onDevices(devices);
    if (this.#state === "none" && devices.length) this.start();
  }

  async #watchPermission() {
    const status = await permissionStatus();
    status?.addEventListener("change", () => {
      if (this.#state === "denied" && status.state !== "denied") this.start();
    });
  }
}

async function open(deviceId) {
  const wanted = deviceId ? { deviceId: { exact: deviceId }, ...IDEAL } : { facingMode: { ideal: "user" }, ...IDEAL };
  const get = (video) => navigator.mediaDevices.getUserMedia({ video, audio: false });
  try {
    return await get(wanted);
  } catch (error) {
    // A remembered camera may be gone, and some refuse the size: any camera at any size is better than none.
    const unfulfillable = error.name === "OverconstrainedError" || (deviceId && error.name === "NotFoundError");
    if (!unfulfillable) throw error;
    return get(true);
  }
}

async function permissionStatus() {
  try {
    return await navigator.permissions.query({ name: "camera" });
  } catch {
    return null; // Firefox before 2025 and old Safari don't know the name
  }
}

const permission = async () => (await permissionStatus())?.state ?? "unknown";
