/**
 * Keeps recordings in this browser while they run, so that a crash costs at most the last seconds. Loaded when something is
 * recorded or found again. Every recording is protected by a lock that the browser releases when its page ends.
 */
import { openDB } from "../../vendor/idb-8.0.4.esm.js";
import { setRecordingWaits } from "../shared/unsaved.js";
import { ReadingLog } from "./log.js";
import { newRecording } from "./recording.js";

const NAME = "emotion-sessions";
const VERSION = 1;
const lockOf = (id) => `recording-${id}`;

export class Journal {
  #opening = null;
  #letGo = new Map();

  #open() {
    return (this.#opening ??= openDB(NAME, VERSION, {
      upgrade(database) {
        database.createObjectStore("recordings", { keyPath: "id" });
        database.createObjectStore("parts", { keyPath: ["recording", "at"] });
        database.createObjectStore("video", { keyPath: ["recording", "at"] });
      },
    }));
  }

  /** Takes a recording's lock: until `forget`, `release` or the end of this page, no page offers to recover it. */
  async hold(id) {
    setRecordingWaits(true);
    if (!navigator.locks || this.#letGo.has(id)) return;
    await new Promise((isHeld) => {
      navigator.locks.request(lockOf(id), () => new Promise((letGo) => {
        this.#letGo.set(id, letGo);
        isHeld();
      }));
    });
  }

  release(id) {
    this.#letGo.get(id)?.();
    this.#letGo.delete(id);
  }

  /**
   * Writes what is new.
   * @param {import("./recording.js").Recording} recording
   * @param {{frames: number, video: number}} written how much of it is stored already
   * @returns {Promise<{frames: number, video: number}>} how much is stored now
   * @throws when the storage is full or blocked: what was written before stays
   */
  async write(recording, written) {
    const database = await this.#open();
    const { log, video, ...rest } = recording;
    const transaction = database.transaction(["recordings", "parts", "video"], "readwrite");
    const parts = video?.parts.slice(written.video) ?? [];
    const now = { frames: log.length, video: written.video + parts.length };
    const facts = { ...structuredClone(rest), labels: log.labels, endS: log.endS, video: video ? { type: video.type, anchors: video.anchors } : null };
    const done = [transaction.objectStore("recordings").put(facts)];
    if (log.length > written.frames) {
      done.push(transaction.objectStore("parts").put({ recording: recording.id, at: written.frames, ...log.part(written.frames) }));
    }
    parts.forEach((part, i) => done.push(transaction.objectStore("video").put({ recording: recording.id, at: written.video + i, part })));
    await Promise.all([...done, transaction.done]);
    return now;
  }

  /** @returns {Promise<{id: string, startedUtcMs: number, endS: number}[]>} recordings whose page has ended, oldest first */
  async list() {
    const database = await this.#open();
    const held = new Set((await navigator.locks?.query())?.held.map(({ name }) => name));
    const all = await database.getAll("recordings");
    const free = all.filter(({ id }) => !held.has(lockOf(id))).sort((a, b) => a.startedUtcMs - b.startedUtcMs);
    if (!all.length) setRecordingWaits(false);
    return free;
  }

  /** @param {string} id @returns {Promise<import("./recording.js").Recording>} up to the last write */
  async read(id) {
    const database = await this.#open();
    const facts = await database.get("recordings", id);
    if (!facts) throw new Error(`expected a stored recording ${id}, received none`);
    const { labels, endS: _, video, ...rest } = facts;
    const log = new ReadingLog(labels);
    const range = IDBKeyRange.bound([id, 0], [id, Infinity]);
    for (const part of await database.getAll("parts", range)) log.append(part);
    const parts = video ? (await database.getAll("video", range)).map(({ part }) => part) : [];
    return newRecording({ ...rest, log, video: parts.length ? { ...video, parts } : null });
  }

  /** Removes a recording that was saved as a file or deleted. */
  async forget(id) {
    this.release(id);
    const database = await this.#open();
    const range = IDBKeyRange.bound([id, 0], [id, Infinity]);
    const transaction = database.transaction(["recordings", "parts", "video"], "readwrite");
    transaction.objectStore("recordings").delete(id);
    transaction.objectStore("parts").delete(range);
    transaction.objectStore("video").delete(range);
    await transaction.done;
    if (!(await database.count("recordings"))) setRecordingWaits(false);
  }

  async close() {
    for (const id of [...this.#letGo.keys()]) this.release(id);
    (await this.#opening?.catch(() => null))?.close();
    this.#opening = null;
  }
}
