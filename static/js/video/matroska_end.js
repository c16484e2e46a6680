/**
 * Matroska and WebM files that end early (RFC 9559). The library reads a cluster, up to half a minute of pictures, only if
 * all of it is there. Here the last cluster ends after its last whole element, so that its pictures are read.
 */

const EBML = 0x1a45dfa3;
const SEGMENT = 0x18538067;
const CLUSTER = 0x1f43b675;
const NAME_BYTES = 4;
const HEAD_BYTES = NAME_BYTES + 8;
/** The file is read in pieces of this size where many small elements follow each other. */
const PIECE_BYTES = 1 << 14;

/**
 * @typedef {object} Element
 * @property {number} name
 * @property {number} sizeAt where its size stands
 * @property {number} dataAt where its data begins
 * @property {number} end Infinity where the file does not say it: the element ends before one that cannot be in it
 */

/**
 * The file without what is broken at the end of its last cluster.
 * @param {Blob} file
 * @returns {Promise<Blob>} the same where it is whole, or of another format
 */
export async function wholeElements(file) {
  const elementAt = reader(file);
  const head = await elementAt(0);
  if (head?.name !== EBML) return file;
  const segment = await elementAt(head.end);
  if (segment?.name !== SEGMENT || segment.end <= file.size) return file;
  let open = null; // the cluster that does not end before the file
  let at = segment.dataAt;
  while (at < file.size) {
    const element = await elementAt(at);
    const isWhole = element?.end <= file.size;
    if (element?.name === CLUSTER) open = isWhole ? null : element;
    if (isWhole) at = element.end;
    else if (element && element === open) at = element.dataAt;
    else if (element || file.size - at < HEAD_BYTES) break;
    else return file; // damaged: the library looks for the next cluster
  }
  return open ? endAt(file, open, at) : file;
}

/** The file with a cluster that ends at a byte, and nothing after it. */
function endAt(file, cluster, end) {
  if (cluster.end === Infinity) return file.slice(0, end);
  const size = new Uint8Array(cluster.dataAt - cluster.sizeAt);
  let rest = end - cluster.dataAt;
  for (let index = size.length - 1; index >= 0; index--) {
    size[index] = rest % 256;
    rest = Math.floor(rest / 256);
  }
  size[0] |= 0x80 >> (size.length - 1);
  return new Blob([file.slice(0, cluster.sizeAt), size, file.slice(cluster.dataAt, end)]);
}

/** @param {Blob} file @returns {(at: number) => Promise<Element | null>} null where no element begins */
function reader(file) {
  let piece = new DataView(new ArrayBuffer(0));
  let from = 0;
  return async (at) => {
    if (at < from || at + HEAD_BYTES > from + piece.byteLength) {
      piece = new DataView(await file.slice(at, at + PIECE_BYTES).arrayBuffer());
      from = at;
    }
    const head = new Uint8Array(piece.buffer, at - from, Math.min(HEAD_BYTES, piece.byteLength - (at - from)));
    const nameBytes = lengthOf(head[0]);
    const sizeBytes = lengthOf(head[nameBytes]);
    if (nameBytes > NAME_BYTES || nameBytes + sizeBytes > head.length) return null;
    const size = numberOf(head.subarray(nameBytes, nameBytes + sizeBytes));
    const dataAt = at + nameBytes + sizeBytes;
    return { name: new DataView(piece.buffer, at - from).getUint32(0) >>> (8 * (NAME_BYTES - nameBytes)), sizeAt: at + nameBytes, dataAt, end: dataAt + size };
  };
}

/** Bytes of a number of variable length, by its first one; 9 and more for a byte that begins none. */
const lengthOf = (first) => (first ? Math.clz32(first) - 23 : 9);

/** Infinity is a size that the writer did not know: all bits are 1. */
function numberOf(bytes) {
  const values = [...bytes];
  values[0] &= 0xff >> bytes.length;
  const isUnknown = values[0] === 0xff >> bytes.length && values.slice(1).every((value) => value === 0xff);
  return isUnknown ? Infinity : values.reduce((number, value) => number * 256 + value, 0);
}
