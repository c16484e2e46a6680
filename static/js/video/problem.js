/** What can be wrong with a video file, by a name that has a sentence in the catalogue (`video.problem.NAME`). */
export class VideoProblem extends Error {
  /**
   * @param {"empty" | "not-video" | "no-video" | "no-frames" | "codec" | "broken" | "unreadable"} name
   * @param {import("../shared/file_kind.js").Found} found what the file is
   */
  constructor(name, found) {
    super(`${name}: ${found.group} ${found.kind}`);
    this.name = name;
    this.found = found;
  }
}
