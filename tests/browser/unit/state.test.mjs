import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import { Advisor } from "../../../static/js/live/advice.js";
import { INITIAL, STATES, activityOf, cameraProblem, cameraSupport, isReading, stageState, stepsFor } from "../../../static/js/live/state.js";

const catalogue = JSON.parse(readFileSync(new URL("../../../static/locales/en.json", import.meta.url)));
const LIVE = { ...INITIAL, wanted: true, camera: "on", link: "open" };
const NONE = { nobody: false, dark: false, small: false, "busy-server": false };

test("every state has a sentence, and every action a word", () => {
  for (const [name, { actions }] of Object.entries(STATES)) {
    if (name !== "live") assert.ok(catalogue.state[name], name);
    for (const action of actions) assert.ok(catalogue.action[action], `${name}: ${action}`);
  }
});

test("what blocks the camera blocks all else, in order", () => {
  assert.equal(stageState(INITIAL), "first");
  assert.equal(stageState({ ...LIVE, support: "insecure" }), "insecure");
  assert.equal(stageState({ ...LIVE, camera: "denied", link: "lost" }), "denied");
  assert.equal(stageState({ ...LIVE, link: "lost", paused: true }), "paused");
  assert.equal(stageState({ ...LIVE, link: "outdated", paused: true }), "outdated");
  assert.equal(stageState({ ...LIVE, link: "lost", advice: "dark" }), "lost");
  assert.equal(stageState({ ...LIVE, hidden: true, link: "lost" }), "hidden");
  assert.equal(stageState({ ...INITIAL, hidden: true }), "first");
  assert.equal(stageState({ ...LIVE, link: "off" }), "connecting");
  assert.equal(stageState({ ...LIVE, advice: "small" }), "small");
  assert.equal(stageState(LIVE), "live");
});

test("every state that the facts can amount to is known", () => {
  const cameras = ["off", "asking", "dismissed", "denied", "denied-system", "none", "busy", "starting", "tap", "on", "unplugged", "muted", "error"];
  const links = ["off", "connecting", "open", "full", "lost", "reconnecting", "offline", "restarting", "outdated"];
  for (const camera of cameras) for (const link of links) for (const paused of [true, false]) for (const failed of [true, false]) {
    const state = stageState({ ...LIVE, camera, link, paused, failed });
    assert.ok(state in STATES, state);
  }
});

test("getUserMedia's errors by name", () => {
  const named = (name, message) => ({ name, message });
  assert.equal(cameraProblem(named("NotAllowedError"), "prompt"), "dismissed");
  assert.equal(cameraProblem(named("NotAllowedError"), "denied"), "denied");
  assert.equal(cameraProblem(named("NotAllowedError"), "unknown"), "denied");
  assert.equal(cameraProblem(named("NotAllowedError", "Permission denied by system"), "prompt"), "denied-system");
  assert.equal(cameraProblem(named("NotFoundError"), "granted"), "none");
  for (const name of ["NotReadableError", "AbortError", "TrackStartError"]) assert.equal(cameraProblem(named(name), "granted"), "busy");
  assert.equal(cameraProblem(named("TypeError"), "granted"), "error");
});

test("where a camera can't be had at all", () => {
  const surroundings = { isSecureContext: true, hasMediaDevices: true, userAgent: "Chrome/156" };
  assert.equal(cameraSupport(surroundings), "ok");
  assert.equal(cameraSupport({ ...surroundings, isSecureContext: false, hasMediaDevices: false }), "insecure");
  assert.equal(cameraSupport({ ...surroundings, hasMediaDevices: false }), "unsupported");
  assert.equal(cameraSupport({ ...surroundings, hasMediaDevices: false, userAgent: "iPhone Instagram 300" }), "in-app");
});

test("steps fit the browser, or the system", () => {
  const steps = (agent, bySystem = false) => stepsFor(agent, bySystem);
  assert.equal(steps("(Windows NT 10.0) Chrome/156 Safari/537"), "chromium");
  assert.equal(steps("(Windows NT 10.0) Chrome/156 Safari/537", true), "windows");
  assert.equal(steps("(Macintosh; Intel Mac OS X) Version/18 Safari/605"), "safari");
  assert.equal(steps("(X11; Linux) Gecko Firefox/140"), "firefox");
  assert.equal(steps("(Linux; Android 15) Chrome/156"), "android");
  assert.equal(steps("(iPhone; CPU iPhone OS 18 like Mac OS X) Version/18 Safari"), "ios");
  for (const key of ["chromium", "firefox", "safari", "android", "ios", "windows", "mac", "linux"]) assert.ok(catalogue.steps[key].length >= 2);
});

test("advice comes after its delay and goes a second after its cause, the empty picture's at once", () => {
  const advisor = new Advisor();
  const nobody = { ...NONE, nobody: true };
  assert.equal(advisor.update(nobody, 0).advice, null);
  assert.equal(advisor.update(nobody, 1400).advice, null);
  assert.deepEqual(advisor.update(nobody, 1500), { advice: "nobody", isLate: false });
  assert.deepEqual(advisor.update(nobody, 5000), { advice: "nobody", isLate: true });
  assert.equal(advisor.update(NONE, 5001).advice, null, "a face is there: the sentence would be wrong");
  const small = { ...NONE, small: true };
  advisor.update(small, 6000);
  assert.equal(advisor.update(small, 7500).advice, "small");
  assert.equal(advisor.update(NONE, 8400).advice, "small");
  assert.equal(advisor.update(NONE, 8500).advice, null);
});

test("one piece of advice at a time, darkness first: it explains the rest", () => {
  const advisor = new Advisor();
  const both = { ...NONE, nobody: true, dark: true };
  advisor.update(both, 0);
  assert.equal(advisor.update(both, 1600).advice, "nobody");
  assert.equal(advisor.update(both, 2100).advice, "dark");
});

test("pictures are read only while no fact prevents it, and the timeline gets the reason", () => {
  assert.ok(isReading(LIVE));
  assert.equal(activityOf(LIVE), "reading");
  const because = { wanted: "stopped", paused: "paused", hidden: "hidden", away: "paused" };
  for (const [fact, kind] of Object.entries(because)) {
    const facts = { ...LIVE, [fact]: fact !== "wanted" };
    assert.equal(isReading(facts), false, fact);
    assert.equal(activityOf(facts), kind);
  }
  assert.equal(activityOf({ ...LIVE, link: "lost" }), "offline");
  assert.equal(activityOf({ ...LIVE, link: "restarting" }), "restarted");
});
