/**
 * The page: makes the parts and connects them. The camera's panel is there from the start; what reads faces, and the
 * other panels, are loaded when they are first used.
 *
 * `readings` carries every answered camera picture, and what the camera does (reading, paused, hidden, offline, stopped),
 * to whatever has a past: timeline, recording, summary.
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
  photo: async () => {
    const [{ PhotoPanel }] = await Promise.all([import("./photo/panel.js"), page.need("photo")]);
    return new PhotoPanel(page);
  },
};

const panels = new Panels(page, async (shown, before) => {
  shortcuts.turnTo(shown);
  (await open(before)).leave();
  (await open(shown)).enter();
});

/** What has a past is loaded with the first answer, or at once where a recording waits to be recovered. */
function openPast(early) {
  opening ??= import("./session/session.js").then(({ openSession }) => openSession({
    page, settings, readings, stream: () => live.stream, restart: () => live.restart(), select: (id) => live.select(id), selected: () => live.selected,
  }, early)).then((session) => {
    shortcuts.add("camera", session.keys);
    return session;
  });
  return opening;
}

let opening = null;
const unsubscribe = readings.subscribe((reading) => {
  unsubscribe();
  openPast([reading]).catch((error) => {
    console.error(error);
    toast(page.t("app.not_loaded"));
  });
});
if (recordingWaits()) openPast().then((session) => session.recover());

shortcuts.add("camera", live.keys);
shortcuts.add("every", { "?": () => element("keys").showModal() });
element("show-keys").addEventListener("click", () => element("keys").showModal());
live.start();
// Photographs are the way out when the server goes away: their panel is fetched while it is there.
const forget = readings.subscribe(() => {
  forget();
  open("photo").catch((error) => console.warn("the panel of photographs is loaded later:", error));
});
if (panels.shown !== "camera") {
  live.leave();
  open(panels.shown).then((panel) => panel.enter());
}
