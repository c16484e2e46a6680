/** What can be wrong with a video file, by a name that has a sentence in the catalogue (`video.problem.NAME`). */
export class VideoProblem extends Error {
  /**
   * @param {"empty" | "no-video" | "no-frames" | "codec" | "container" | "unreadable"} name
   * @param {string} detail what was found: a codec, a kind of file
   */
  constructor(name, detail = "") {
    super(detail ? `${name}: ${detail}` : name);
    this.name = name;
    this.detail = detail;
  }
}
