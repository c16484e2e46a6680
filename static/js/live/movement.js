/** Measures how fast faces move, which decides whether more pictures a second are sent. */

/** Least time between compared positions: over a shorter time, the jitter of boxes would look like movement. */
const MOVEMENT_MS = 250;

export class Movement {
  #sights = [];

  reset() {
    this.#sights = [];
  }

  /** @returns {number} face widths a second */
  update({ image, faces }, capturedMs) {
    const now = new Map(faces.map(({ id, box: [x, y, w, h] }) => [id, { x: (x + w / 2) / image.width, y: (y + h / 2) / image.height, w: w / image.width }]));
    const before = this.#sights.findLast((sight) => capturedMs - sight.capturedMs >= MOVEMENT_MS);
    this.#sights = [...this.#sights.filter((sight) => capturedMs - sight.capturedMs < 4 * MOVEMENT_MS), { capturedMs, faces: now }];
    if (!before) return 0;
    const elapsedS = (capturedMs - before.capturedMs) / 1000;
    const speeds = [...now].map(([id, face]) => {
      const then = before.faces.get(id);
      return then ? Math.hypot(face.x - then.x, face.y - then.y) / then.w / elapsedS : 0;
    });
    return Math.max(0, ...speeds);
  }
}
