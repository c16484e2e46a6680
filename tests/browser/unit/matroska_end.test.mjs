/** The last cluster of a Matroska file that ends early, cut at every byte. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { wholeElements } from "../../../static/js/video/matroska_end.js";

const EBML = [0x1a, 0x45, 0xdf, 0xa3];
const SEGMENT = [0x18, 0x53, 0x80, 0x67];
const CLUSTER = [0x1f, 0x43, 0xb6, 0x75];
const CUES = [0x1c, 0x53, 0xbb, 0x6b];
const BLOCK = [0xa3];
const UNKNOWN = [0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];

/** Four bytes for the size, as writers do that fill it in later. */
const sized = (length) => [0x10, length >> 16, (length >> 8) & 0xff, length & 0xff];
const element = (name, body, size = sized(body.length)) => [...name, ...size, ...body];
const block = (length) => element(BLOCK, Array(length).fill(7));
const BLOCKS = [block(300), block(20_000), block(5)];

function film(clusterSize, segmentSize) {
  const cluster = element(CLUSTER, BLOCKS.flat(), clusterSize);
  const bytes = [...element(EBML, [1, 2, 3]), ...element(SEGMENT, [...block(3), ...element(CLUSTER, block(40)), ...cluster, ...element(CUES, [1, 2])], segmentSize)];
  return { bytes: Uint8Array.from(bytes), firstBlockAt: bytes.length - 10 - BLOCKS.flat().length };
}

const bytesOf = async (blob) => new Uint8Array(await blob.arrayBuffer());

test("a whole file, another format and a damaged one stay as they are", async () => {
  const { bytes, firstBlockAt } = film();
  const damaged = bytes.slice(0, -100);
  damaged.fill(0, firstBlockAt + BLOCKS[0].length, firstBlockAt + BLOCKS[0].length + 20);
  for (const content of [bytes, damaged, bytes.slice(0, 5), bytes.slice(0, 20), new Uint8Array(100), new Uint8Array(0)]) {
    const file = new Blob([content]);
    assert.equal(await wholeElements(file), file);
  }
});

test("wherever the last cluster is cut, it ends after its last whole block and states that size", async () => {
  const { bytes, firstBlockAt } = film();
  const ends = BLOCKS.map((_, index) => firstBlockAt + BLOCKS.slice(0, index + 1).flat().length);
  for (const cut of [ends[0] - 1, ends[0], ends[0] + 1, ends[0] + 8, ends[1] - 1, ends[1], ends[1] + 3, ends[2] - 1]) {
    const end = Math.max(firstBlockAt, ...ends.filter((at) => at <= cut));
    const expected = bytes.slice(0, end);
    expected.set(sized(end - firstBlockAt), firstBlockAt - 4);
    assert.deepEqual(await bytesOf(await wholeElements(new Blob([bytes.slice(0, cut)]))), expected, `cut at ${cut}`);
  }
});

test("a cluster whose size is unknown, as in a live recording, loses its broken block alone", async () => {
  const { bytes, firstBlockAt } = film(UNKNOWN, UNKNOWN);
  const end = firstBlockAt + BLOCKS[0].length;
  assert.deepEqual(await bytesOf(await wholeElements(new Blob([bytes.slice(0, end + 99)]))), bytes.slice(0, end));
  assert.deepEqual(await bytesOf(await wholeElements(new Blob([bytes]))), bytes);
});
