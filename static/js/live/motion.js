/**
 * The movement of faces since the analysed picture. An answer is 50 to 300 ms old when it arrives. Meanwhile the page
 * finds each face by block matching (least sum of absolute differences) on small grey copies of the video. Only positions
 * are updated in this way, never words or numbers.
 */

/** Number of grey copies that are kept: enough for the delay of an answer. */
const KEPT_MS = 1000;
/** A face's patch is compared at this many points across and down. */
const POINTS = 14;
/** The inner part of a face's box that is compared, as a share of its side: it contains no background. */
const PATCH_SHARE = 0.7;
/** Largest movement of a face between two copies, in pixels of the copy. */
const REACH_PX = 6;
/** Mean difference, as a share of the patch's contrast, above which the face counts as not found. */
const LOST_AT = 0.75;
const FLAT_CONTRAST = 4;
/** A face that is not found keeps the speed of its last answers for this long. */
const GUESSED_MS = 150;
/** Copies and answers of the same picture of the camera may differ by this much in their times. */
const SAME_PICTURE_MS = 8;
/** Longest time between two answers from which a speed is calculated. */
const BREAK_MS = 500;

/**
 * @typedef {{grey: Uint8Array, width: number, height: number, capturedMs: number}} Copy one byte a pixel
 * @typedef {{x: number, y: number, w: number, h: number}} Box fractions of the picture
 */

/** Follows faces between answers. Pure: copies and answers come in, displacements come out. */
export class Motion {
  #copies = [];
  #faces = new Map();

  #newestMs = 0;

  /** Takes the newest copy of the video and finds each face in it. @param {Copy} copy */
  see(copy) {
    this.#newestMs = copy.capturedMs;
    this.#copies = this.#copies.filter(({ capturedMs }) => copy.capturedMs - capturedMs < KEPT_MS);
    this.#copies.push(copy);
    for (const face of this.#faces.values()) {
      if (face.points) follow(face, copy);
      else if (isOf(copy, face.capturedMs)) begin(face, copy); // answered before it was shown
    }
  }

  /**
   * Takes an answer: its positions are those at the time of its picture, and the faces are followed from there.
   * @param {{id: number, box: Box}[]} faces
   * @param {number} capturedMs of the answered picture
   */
  answer(faces, capturedMs) {
    const start = startOf(this.#copies, capturedMs);
    const before = this.#faces;
    this.#faces = new Map();
    for (const { id, box } of faces) {
      const face = { box, capturedMs, velocity: velocityOf(before.get(id), box, capturedMs), isLost: true };
      if (start >= 0) begin(face, this.#copies[start]);
      if (start >= 0) for (const copy of this.#copies.slice(start + 1)) follow(face, copy);
      this.#faces.set(id, face);
    }
  }

  /** @returns {{x: number, y: number}} the movement of a face since its answer, in fractions of the picture */
  shift(id) {
    const face = this.#faces.get(id);
    if (!face) return { x: 0, y: 0 };
    if (!face.isLost) return { x: face.moved.x + face.dx / face.width, y: face.moved.y + face.dy / face.height };
    const elapsedMs = Math.min(GUESSED_MS, Math.max(0, this.#newestMs - face.capturedMs));
    return { x: face.velocity.x * elapsedMs, y: face.velocity.y * elapsedMs };
  }

  clear() {
    this.#copies = [];
    this.#faces.clear();
  }
}

/** Whether a copy shows the picture of this time, or a later one. */
const isOf = (copy, capturedMs) => copy.capturedMs >= capturedMs - SAME_PICTURE_MS;

/** The copy that is nearest in time to an answered picture; -1 while that picture has not been shown. */
function startOf(copies, capturedMs) {
  const after = copies.findIndex((copy) => isOf(copy, capturedMs));
  if (after < 1) return after;
  return capturedMs - copies[after - 1].capturedMs < copies[after].capturedMs - capturedMs ? after - 1 : after;
}

/**
 * Takes a face's patch from a copy. A slow machine does not copy every picture: in the copy of another one, the face is where
 * its velocity has brought it.
 */
function begin(face, copy) {
  const lateMs = copy.capturedMs - face.capturedMs;
  const isSame = Math.abs(lateMs) <= SAME_PICTURE_MS;
  const moved = isSame ? { x: 0, y: 0 } : { x: face.velocity.x * lateMs, y: face.velocity.y * lateMs };
  Object.assign(face, patchOf(copy, { ...face.box, x: face.box.x + moved.x, y: face.box.y + moved.y }), { moved });
}

/** Between two answers, in fractions of the picture a ms; none after a break. */
function velocityOf(before, box, capturedMs) {
  const elapsedMs = capturedMs - (before?.capturedMs ?? -Infinity);
  if (!(elapsedMs > 0 && elapsedMs < BREAK_MS)) return { x: 0, y: 0 };
  const across = box.x + box.w / 2 - (before.box.x + before.box.w / 2);
  const down = box.y + box.h / 2 - (before.box.y + before.box.h / 2);
  return { x: across / elapsedMs, y: down / elapsedMs };
}

/** The points of a face in a copy, and its contrast. */
function patchOf({ grey, width, height }, box) {
  const left = (box.x + (box.w * (1 - PATCH_SHARE)) / 2) * width;
  const top = (box.y + (box.h * (1 - PATCH_SHARE)) / 2) * height;
  const stepX = (box.w * PATCH_SHARE * width) / (POINTS - 1);
  const stepY = (box.h * PATCH_SHARE * height) / (POINTS - 1);
  const points = [];
  for (let row = 0; row < POINTS; row++) {
    for (let column = 0; column < POINTS; column++) {
      const x = Math.round(left + column * stepX);
      const y = Math.round(top + row * stepY);
      if (x >= 0 && y >= 0 && x < width && y < height) points.push({ x, y, level: grey[y * width + x] });
    }
  }
  const mean = points.reduce((sum, { level }) => sum + level, 0) / points.length;
  const contrast = points.reduce((sum, { level }) => sum + Math.abs(level - mean), 0) / points.length;
  const flat = Int16Array.from(points.flatMap(({ x, y, level }) => [x, y, level]));
  return { points: flat, contrast, dx: 0, dy: 0, width, height, isLost: !(contrast > FLAT_CONTRAST) };
}

/** Moves a face to where its patch is found in a copy; a face that is not found stays where it was. */
function follow(face, copy) {
  if (!(face.contrast > FLAT_CONTRAST) || copy.width !== face.width || copy.height !== face.height) return;
  let best = { dx: face.dx, dy: face.dy, difference: difference(face, copy, face.dx, face.dy, Infinity) };
  for (const step of [4, 2, 1]) {
    const { dx, dy } = best;
    const reach = step === 4 ? REACH_PX - 2 : step;
    for (let y = dy - reach; y <= dy + reach; y += step) {
      for (let x = dx - reach; x <= dx + reach; x += step) {
        if (x === best.dx && y === best.dy) continue;
        const found = difference(face, copy, x, y, best.difference);
        if (found < best.difference) best = { dx: x, dy: y, difference: found };
      }
    }
  }
  face.isLost = best.difference > LOST_AT * face.contrast && hasVelocity(face);
  if (best.difference > LOST_AT * face.contrast) return;
  face.dx = best.dx;
  face.dy = best.dy;
}

const hasVelocity = ({ velocity }) => Boolean(velocity && (velocity.x || velocity.y));

/** Mean absolute difference between a face's points and a copy at a displacement; gives up above `limit`. */
function difference({ points }, { grey, width, height }, dx, dy, limit) {
  let sum = 0;
  let count = 0;
  const most = (limit * points.length) / 3;
  for (let i = 0; i < points.length; i += 3) {
    const x = points[i] + dx;
    const y = points[i + 1] + dy;
    if (x < 0 || y < 0 || x >= width || y >= height) continue;
    const level = grey[y * width + x] - points[i + 2];
    sum += level < 0 ? -level : level;
    count += 1;
    if (sum > most) return Infinity;
  }
  return count * 6 > points.length ? sum / count : Infinity;
}
