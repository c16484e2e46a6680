/** Pure geometry shared by drawing, clicking and snapshots. Boxes are {x, y, w, h}. */

/**
 * The position of a picture in a container under `object-fit: contain`.
 * @param {number} pictureWidth
 * @param {number} pictureHeight
 * @param {number} width of the container
 * @param {number} height of the container
 * @returns {{x: number, y: number, w: number, h: number}} in the container's units
 */
export function contain(pictureWidth, pictureHeight, width, height) {
  if (!(pictureWidth > 0 && pictureHeight > 0)) return { x: 0, y: 0, w: width, h: height };
  const scale = Math.min(width / pictureWidth, height / pictureHeight);
  const [w, h] = [pictureWidth * scale, pictureHeight * scale];
  return { x: (width - w) / 2, y: (height - h) / 2, w, h };
}

/**
 * A pixel box as fractions of its picture, which do not depend on the resolution.
 * @param {[number, number, number, number]} box left, top, width, height in pixels
 * @param {{width: number, height: number}} image
 */
export const toFractions = ([x, y, w, h], { width, height }) => ({ x: x / width, y: y / height, w: w / width, h: h / height });

/**
 * A fractional box on the screen. Only coordinates are mirrored, so that text never is: x′ = 1 − x − w.
 * @param {{x: number, y: number, w: number, h: number}} box fractions of the picture
 * @param {{x: number, y: number, w: number, h: number}} view where the picture lies
 * @param {boolean} mirrored
 */
export function project(box, view, mirrored) {
  const x = mirrored ? 1 - box.x - box.w : box.x;
  return { x: view.x + x * view.w, y: view.y + box.y * view.h, w: box.w * view.w, h: box.h * view.h };
}

/**
 * The index of the smallest box that holds the point (the nearest of nested faces), or -1.
 * @param {{x: number, y: number, w: number, h: number}[]} boxes
 */
export function hit(boxes, x, y) {
  let found = -1;
  boxes.forEach((b, i) => {
    const inside = x >= b.x && x <= b.x + b.w && y >= b.y && y <= b.y + b.h;
    if (inside && (found < 0 || b.w * b.h < boxes[found].w * boxes[found].h)) found = i;
  });
  return found;
}

const overlap = (a, b) =>
  Math.max(0, Math.min(a.x + a.w, b.x + b.w) - Math.max(a.x, b.x)) *
  Math.max(0, Math.min(a.y + a.h, b.y + b.h) - Math.max(a.y, b.y));

/**
 * The largest share of a face that the plates of other faces hide, 0–1 (more where plates overlap).
 * @param {{x: number, y: number, w: number, h: number}[]} plates
 * @param {{x: number, y: number, w: number, h: number}[]} faces in the same order
 */
export function hidden(plates, faces) {
  return Math.max(0, ...faces.map((face, i) => {
    const behind = plates.reduce((sum, plate, j) => sum + (i === j ? 0 : overlap(plate, face)), 0);
    return behind / (face.w * face.h);
  }));
}

const SIDES = ["above", "inside", "below", "right", "left"];

function beside(side, box, size, gap) {
  const middle = box.x + box.w / 2 - size.w / 2;
  switch (side) {
    case "above": return { x: middle, y: box.y - size.h - gap };
    case "inside": return { x: middle, y: box.y + gap };
    case "below": return { x: middle, y: box.y + box.h + gap };
    case "right": return { x: box.x + box.w + gap, y: box.y };
    default: return { x: box.x - size.w - gap, y: box.y };
  }
}

/**
 * Places plates so that none is clipped, none covers another plate and, if possible, none covers another face.
 * Items are placed in order (give the largest face first); each keeps its side until that side is blocked.
 * @param {{box: object, size: {w: number, h: number}, side?: string}[]} items
 * @param {{x: number, y: number, w: number, h: number}} bounds
 * @param {number} gap
 * @returns {{x: number, y: number, w: number, h: number, side: string, moved: boolean}[]} `moved`: it needs a leader line
 */
export function placePlates(items, bounds, gap = 6) {
  const placed = [];
  items.forEach(({ box, size, side }, index) => {
    let choice = null;
    for (const name of [...new Set([side ?? "above", ...SIDES])]) {
      const wanted = beside(name, box, size, gap);
      const x = Math.min(Math.max(wanted.x, bounds.x), Math.max(bounds.x, bounds.x + bounds.w - size.w));
      const y = Math.min(Math.max(wanted.y, bounds.y), Math.max(bounds.y, bounds.y + bounds.h - size.h));
      const plate = { x, y, w: size.w, h: size.h, side: name };
      const shift = Math.abs(y - wanted.y) + (name === "right" || name === "left" ? Math.abs(x - wanted.x) : 0);
      const covered = placed.reduce((sum, other) => sum + overlap(plate, other), 0);
      const faces = items.reduce((sum, other, i) => sum + (i === index ? 0 : overlap(plate, other.box)), 0);
      const own = name === "inside" ? size.w * size.h * 0.3 : overlap(plate, box);
      const cost = covered * 20 + faces * 4 + own + (shift > 1 ? size.w * size.h : 0);
      if (!choice || cost < choice.cost - 1) choice = { ...plate, cost };
      if (cost < 1) break;
    }
    // Everything is blocked by other plates: slide down to the first free row.
    for (let y = bounds.y; y + size.h <= bounds.y + bounds.h && placed.some((p) => overlap(choice, p) > 0); y += size.h + gap) {
      choice = { ...choice, y };
    }
    const { cost, ...plate } = choice;
    const reach = Math.max(plate.y - (box.y + box.h), box.y - (plate.y + plate.h), plate.x - (box.x + box.w), box.x - (plate.x + plate.w));
    placed.push({ ...plate, moved: reach > gap * 2 });
  });
  return placed;
}
