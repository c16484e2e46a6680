/** Analyses a few photographs at a time, in the order of selection. */

const AT_ONCE = 2;

export class Queue {
  #waiting = [];
  #running = 0;
  #read;

  /** @param {(shot: import("./shot.js").Shot) => Promise<void>} read never rejects */
  constructor(read) {
    this.#read = read;
  }

  add(shot) {
    this.#waiting.push(shot);
    this.#fill();
  }

  /** Removes a photograph that has not been started. */
  remove(shot) {
    this.#waiting = this.#waiting.filter((other) => other !== shot);
  }

  #fill() {
    while (this.#running < AT_ONCE && this.#waiting.length) this.#run(this.#waiting.shift());
  }

  async #run(shot) {
    this.#running += 1;
    try {
      await this.#read(shot);
    } finally {
      this.#running -= 1;
      this.#fill();
    }
  }
}
