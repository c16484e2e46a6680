/**
 * The page: makes the parts and connects them. The camera's panel is there from the start; what reads faces, and the
 * other panels, are loaded when they are first used.
 *
 * `readings` carries every answered camera picture, and what the camera does (reading, paused, hidden, offline, stopped),
 * to timeline, recording and summary.
 */
import { Readings } from "./faces/reading.js";
import { Shortcuts } from "./live/keys.js";
import { Live } from "./live/live.js";
import { Page, Settings, element } from "./shared/page.js";
import { Panels } from "./shared/panels.js";
import { recordingWaits } from "./shared/unsaved.js";
import { toast } from "./shared/toast.js";

const page = new Page();
const settings = new Settings();
const readings = new Readings();
const live = new Live({ page, settings, readings });
const shortcuts = new Shortcuts(settings);
const opened = new Map();

/** Opens a panel's code once; later calls get the same panel. @returns {Promise<{enter: () => void, leave: () => void}>} */
function open(name) {
  if (name === "camera") return live;
  if (!opened.has(name)) {
    const loading = PANELS[name]();
    loading.catch(() => opened.delete(name)); // the next visit tries again
    opened.set(name, loading);
  }
  return opened.get(name);
}

const PANELS = {
  video: async () => {
    const [{ VideoPanel }, { Link }, { openFilm }] = await Promise.all([
      import("./video/panel.js"), import("./live/socket.js"), import("./session/film.js"), page.need("video"), page.need("found"),
    ]);
    return new VideoPanel(page, { Link, openFilm, loadOpened: () => import("./session/opened.js"), toPhotos: (file) => hand("photo", file) });
  },
  photo: async () => {
    const [{ PhotoPanel }] = await Promise.all([import("./photo/panel.js"), page.need("photo"), page.need("found")]);
    return new PhotoPanel(page, { toVideo: (file) => hand("video", file) });
  },
};

const panels = new Panels(page, async (shown, before) => {
  shortcuts.turnTo(shown);
  (await open(before)).leave();
  (await open(shown)).enter();
});

/** Opens a file in the panel that it belongs to; a panel that cannot be loaded says so itself. */
async function hand(name, file) {
  panels.show(name);
  (await open(name)).take(file);
}

/** Timeline and recording are loaded with the first answer, or at once if a recording can be recovered. Readings wait until then. */
let past = null;
const waiting = [];

async function openPast() {
  const { openSession } = await import("./session/session.js");
  past = await openSession({
    page, settings, stream: () => live.stream, restart: () => live.restart(), select: (id) => live.select(id), selected: () => live.selected,
  });
  shortcuts.add("camera", past.keys);
  for (const [name, news] of waiting.splice(0)) past[name](news);
}

let opening = null;
function tellPast(name, news) {
  if (past) return past[name](news);
  waiting.push([name, news]);
  opening ??= openPast().catch((error) => {
    console.error(error);
    toast(page.t("app.not_loaded"));
    past = { add() {}, activity() {} }; // the page works without it
    waiting.length = 0;
  });
}

readings.subscribe((reading) => tellPast("add", reading));
readings.subscribeActivity((activity) => tellPast("activity", activity));
if (recordingWaits()) (opening = openPast()).then(() => past.recover(), (error) => console.error(error));

shortcuts.add("camera", live.keys);
shortcuts.add("every", { "?": () => element("keys").showModal() });
element("show-keys").addEventListener("click", () => element("keys").showModal());
live.start();
// Every blocking state offers a photo instead: the panel is loaded while the server is reachable.
const forget = readings.subscribe(() => {
  forget();
  open("photo").catch((error) => console.warn("the panel of photographs is loaded later:", error));
});
if (panels.shown !== "camera") {
  live.leave();
  open(panels.shown).then((panel) => panel.enter());
}
