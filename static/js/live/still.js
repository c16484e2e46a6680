/** The picture that the video shows, in the camera's size and colours, with the marks at their places: for a snapshot. */

export class Still {
  #video;
  #faces;
  #follower;
  #kept = null;

  /**
   * @param {HTMLVideoElement} video
   * @param {import("../faces/faces.js").Faces} faces
   * @param {import("./follower.js").Follower} follower
   */
  constructor(video, faces, follower) {
    this.#video = video;
    this.#faces = faces;
    this.#follower = follower;
  }

  /** Keeps what is shown now, while the camera may go on without being read. */
  keep() {
    this.#kept ??= this.#take();
    this.#kept.picture.catch(() => {}); // the camera was lost: there is nothing to save
  }

  /** Forgets what was kept. */
  drop() {
    this.#kept?.picture.then((picture) => picture.close(), () => {});
    this.#kept = null;
  }

  /** Saves what was kept, else what is shown now. */
  async save(page) {
    const { picture, faces } = this.#kept ?? this.#take();
    const { save, takeSnapshot } = await import("../faces/snapshot.js");
    save(await takeSnapshot(await picture, faces, page), "emotions", "png");
  }

  #take() {
    const faces = this.#faces.list().filter((face) => face.present).map((face) => {
      const shift = this.#follower.shift(face.id);
      return { ...face, box: { ...face.box, x: face.box.x + shift.x, y: face.box.y + shift.y } };
    });
    return { picture: createImageBitmap(this.#video), faces };
  }
}
