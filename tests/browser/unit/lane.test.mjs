import assert from "node:assert/strict";
import test from "node:test";
import { Lane } from "../../../static/js/video/lane.js";

const turn = () => new Promise((resolve) => setImmediate(resolve));
const face = (id, timeS) => ({ id, box: [timeS, 0, 10, 10], smoothed: { happy: 1 } });

/** A server that answers when it is told to; every message is kept. */
class Server {
  messages = [];
  unanswered = [];
  send = (bytes, details) => new Promise((resolve, reject) => {
    const message = { frame: bytes, details, resolve, reject };
    this.messages.push(message);
    this.unanswered.push(message);
  });

  async answer(count = 1, make = ({ details }) => ({ ok: true, image: { width: 100, height: 50 }, faces: [face(1, details.time_s)] })) {
    for (const message of this.unanswered.splice(0, count)) message.resolve(make(message));
    await turn();
  }

  async breakOff() {
    for (const message of this.unanswered.splice(0)) message.reject(new Error("disconnected"));
    await turn();
  }
}

function start(window = 4) {
  const server = new Server();
  const answered = [];
  const lane = new Lane({ send: server.send, window, onAnswer: ({ frame }, answer) => answered.push([frame, answer.ok]) });
  return { server, answered, lane };
}

const frame = (number) => ({ frame: number, timeS: number / 10, bytes: number });

test("nothing is sent before the connection is open", async () => {
  const { server, lane } = start();
  lane.push(frame(0));
  await turn();
  assert.equal(server.messages.length, 0);
  lane.opened();
  assert.equal(server.messages.length, 1);
});

test("the first frame starts the tracker and is waited for; then the window fills", async () => {
  const { server, answered, lane } = start();
  lane.opened();
  for (let i = 0; i < 3; i++) lane.push(frame(i));
  assert.deepEqual(server.messages.map(({ details }) => details), [{ lane: "recording", time_s: 0, known: { faces: [] } }]);
  await server.answer();
  assert.deepEqual(server.messages.slice(1).map(({ details }) => details), [{ lane: "recording", time_s: 0.1 }, { lane: "recording", time_s: 0.2 }]);
  await server.answer(2);
  assert.deepEqual(answered.map(([number]) => number), [0, 1, 2]);
});

test("push waits while the window is full, and finish until all is answered", async () => {
  const { server, lane } = start(2);
  lane.opened();
  await lane.push(frame(0));
  let hasRoom = false;
  const second = lane.push(frame(1)).then(() => (hasRoom = true));
  await turn();
  assert.equal(hasRoom, false);
  await server.answer();
  await second;
  let isDone = false;
  const end = lane.finish().then(() => (isDone = true));
  await turn();
  assert.equal(isDone, false);
  await server.answer();
  await end;
});

test("answers are passed on in order even if they come otherwise", async () => {
  const { server, answered, lane } = start();
  lane.opened();
  for (let i = 0; i < 3; i++) lane.push(frame(i));
  await server.answer();
  server.unanswered.reverse();
  await server.answer(1);
  assert.deepEqual(answered.map(([number]) => number), [0]);
  await server.answer(1);
  assert.deepEqual(answered.map(([number]) => number), [0, 1, 2]);
});

test("after a broken connection every unanswered frame is sent again after the one before, with the faces that are known", async () => {
  const { server, answered, lane } = start();
  lane.opened();
  for (let i = 0; i < 4; i++) lane.push(frame(i));
  await server.answer();
  await server.answer();
  lane.lost();
  await server.breakOff();
  server.messages.length = 0;
  lane.opened();
  assert.deepEqual(server.messages.map(({ frame: number, details }) => [number, details.known]), [
    [1, { image: { width: 100, height: 50 }, faces: [{ id: 1, box: [0.1, 0, 10, 10], time_s: 0.1, smoothed: { happy: 1 } }], next_id: 2 }],
  ], "a cut just before 2 is recognised by 1");
  lane.lost();
  await server.breakOff();
  lane.opened();
  await server.answer();
  assert.deepEqual(server.messages.map(({ frame: number, details }) => [number, Boolean(details.known)]), [[1, true], [1, true], [2, false], [3, false]]);
  await server.answer(2);
  assert.deepEqual(answered.map(([number]) => number), [0, 1, 2, 3], "none twice");
});

test("after a cut only the faces of the new scene are known, and the next id stays above all earlier ones", async () => {
  const { server, lane } = start();
  const known = () => server.messages.at(-1).details.known;
  const reconnect = async () => {
    lane.lost();
    await server.breakOff();
    lane.opened();
  };
  const image = { width: 100, height: 50 };
  const results = [
    { faces: [face(1, 0), face(2, 0)] }, { faces: [face(2, 1)] }, // 1 is known on: it may come back
    { faces: [], is_cut: true }, { faces: [face(3, 3)] },
  ];
  const remembered = [{ ids: [1, 2], next: 3 }, { ids: [2, 1], next: 3 }, { ids: [], next: 3 }, { ids: [3], next: 4 }];
  lane.opened();
  lane.push(frame(0));
  for (const [i, result] of results.entries()) {
    if (i) await server.answer(); // the one before, once more
    await server.answer(1, () => ({ ok: true, image, ...result }));
    lane.push(frame(i + 1));
    await reconnect();
    assert.deepEqual({ ids: known().faces.map(({ id }) => id), next: known().next_id }, remembered[i]);
  }
});

test("an answer of the previous connection is ignored", async () => {
  const { server, answered, lane } = start();
  lane.opened();
  lane.push(frame(0));
  const late = server.unanswered.pop();
  lane.lost();
  lane.opened();
  late.resolve({ ok: true, image: { width: 1, height: 1 }, faces: [] });
  await turn();
  assert.deepEqual(answered, []);
  await server.answer();
  assert.equal(answered.length, 1);
});

test("busy frames are sent again after the time that the server names, other errors are passed on", async () => {
  const { server, answered, lane } = start();
  lane.opened();
  lane.push(frame(0));
  lane.push(frame(1));
  await server.answer(1, () => ({ ok: false, code: "busy", retry_after_ms: 30 }));
  await new Promise((resolve) => setTimeout(resolve, 60));
  assert.equal(server.messages.length, 2);
  await server.answer(1, () => ({ ok: false, code: "bad_image" }));
  await server.answer(1);
  assert.deepEqual(answered, [[0, false], [1, true]]);
});

test("closing ends all waiting", async () => {
  const { lane } = start(1);
  const pushed = lane.push(frame(0));
  const finished = lane.finish();
  lane.close();
  await Promise.all([pushed, finished]);
});
