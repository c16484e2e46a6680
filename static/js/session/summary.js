/** The summary of a session, in place of the stage after Stop: numbers, one bar per face, and actions. */
import { drawing, SHAPES } from "../faces/emotions.js";
import { make } from "../shared/dom.js";
import { dateAndTime } from "../shared/format.js";
import { clock } from "./scale.js";
import { summarise } from "./statistics.js";
import { share } from "./words.js";

/** A shorter session gets no summary. */
export const SUMMED_FROM_S = 5;

/** An emotion that was shown for less time is not listed. */
const NAMED_FROM_S = 0.5;
/** A shorter stretch of another emotion is not named. */
const CHANGE_FROM_S = 1;

/**
 * @typedef {{key: "summary.renew" | "summary.back" | "summary.close", go: () => void}} Way out of the summary, and its words
 *
 * @typedef {object} SummaryHandlers each gets the recording
 * @property {Record<"csv" | "json" | "video" | "picture" | "report", (recording: object) => void>} save
 * @property {(recording: object) => void} look
 * @property {Way} leave
 * @property {(() => void) | null} [remove] delete the recording; null where there is none
 * @property {(marker: object, name: string) => void} rename
 * @property {(range: object) => void} include take an excluded range back in
 */

/** "3:12 · 2 faces · unsure 9 % · nobody 4 % · offline 0:12 · excluded 0:05" @param {import("./statistics.js").Summary} summary */
export function headline({ duration_s, faces, unsure, nobody, gaps }, { t, language }) {
  const count = new Intl.PluralRules(language).select(faces.length) === "one" ? "summary.faces_one" : "summary.faces_other";
  return [
    clock(duration_s), t(count, { n: faces.length }), t("summary.unsure", { percent: share(language, unsure) }),
    t("summary.nobody", { percent: share(language, nobody) }), ...gaps.map(([kind, seconds]) => t(`summary.${kind}`, { time: clock(seconds) })),
  ].join(" · ");
}

/** "in view 2:58; mostly Neutral; Happiness 0:41" @param {import("./statistics.js").FaceSummary} face @param {string[]} labels */
export function faceLine({ seen_s, mostly, next, times }, labels, page) {
  const { t } = page;
  const most = mostly < 0 ? t("summary.only_unsure") : t("summary.mostly", { word: t(`emotion.${labels[mostly]}`) });
  const second = timeLines({ times: times.filter(({ key }) => key === next) }, labels, page).map(({ text }) => text);
  const time = seen_s < 1 ? t("summary.instant", { time: clock(1) }) : clock(seen_s);
  return [t("summary.seen", { time }), most, ...second].join(t("list.semicolon"));
}

/**
 * "Neutral 2:17", "Happiness 0:41", "Unsure under 0:01": together the time in view.
 * @returns {{style: string, text: string}[]}
 */
export function timeLines({ times }, names, { t, labels }) {
  return times.filter(({ seconds, whole_s }) => whole_s || seconds >= NAMED_FROM_S).map(({ key, whole_s }) => ({
    style: styleOf(key, names, labels),
    text: `${key === "unsure" ? t("timeline.unsure") : t(`emotion.${names[key]}`)} ${whole_s ? clock(whole_s) : t("summary.instant", { time: clock(1) })}`,
  }));
}

/** @param {number | "unsure"} key of a time @returns {string} */
export const styleOf = (key, names, labels) => (key === "unsure" ? key : labels.styleOf(names[key]));

/** "Longest stretch of another emotion: Happiness, 0:12 from 1:03", "" when there was none */
export function changeLine({ change }, labels, { t }) {
  if (!change || change.to_s - change.from_s < CHANGE_FROM_S) return "";
  return t("summary.change", { word: t(`emotion.${labels[change.key]}`), length: clock(change.to_s - change.from_s), time: clock(change.from_s) });
}

/** Where the recording is kept. */
function keptLine({ openedFrom, startedUtcMs, recorded }, { t, language }) {
  if (!openedFrom) return t(recorded ? "summary.recorded" : "summary.remembered");
  return t("summary.opened", { name: openedFrom, time: dateAndTime(language, startedUtcMs) });
}

export class SummaryView {
  #root;
  #page;

  /** @param {HTMLElement} root @param {{t: Function, language: string, labels: object}} page with the session's sentences */
  constructor(root, page) {
    this.#root = root;
    this.#page = page;
    root.tabIndex = -1;
  }

  /**
   * @param {import("./recording.js").Recording} recording
   * @param {(id: number) => string} nameOf
   * @param {SummaryHandlers} handlers
   */
  show(recording, nameOf, handlers) {
    const { t } = this.#page;
    const summary = summarise(recording);
    const title = make("h2", "summary__title", headline(summary, this.#page));
    title.id = `${this.#root.id}-title`;
    this.#root.setAttribute("role", "region");
    this.#root.setAttribute("aria-labelledby", title.id);
    const faces = make("div", "summary__faces");
    faces.append(...summary.faces.map((face) => this.#face(face, recording.log.labels, nameOf)));
    faces.append(summary.faces.length ? this.#meaning() : make("p", "", t("summary.no_faces")));
    const kept = make("p", "small summary__kept", keptLine(recording, this.#page));
    const body = make("div", "summary__body");
    body.append(faces, this.#marks(recording, handlers), kept);
    body.tabIndex = 0; // it scrolls where there are many faces
    body.setAttribute("role", "group");
    body.setAttribute("aria-label", t("summary.details"));
    this.#root.replaceChildren(title, body, this.#actions(recording, handlers));
    this.#root.hidden = false;
  }

  hide() {
    this.#root.hidden = true;
    this.#root.replaceChildren();
  }

  focus() {
    this.#root.focus({ preventScroll: true });
  }

  #meaning() {
    const { t } = this.#page;
    const details = make("details", "details small");
    details.append(make("summary", "", t("summary.numbers_title")), make("p", "", t("summary.numbers")));
    return details;
  }

  #face(face, labels, nameOf) {
    const element = make("article", "summary__face");
    const bar = make("div", "summary__bar");
    bar.setAttribute("aria-hidden", "true");
    const times = make("ul", "summary__times");
    for (const { key, seconds } of face.times) {
      const part = make("span", "summary__part");
      part.dataset.style = styleOf(key, labels, this.#page.labels);
      part.style.setProperty("flex-grow", seconds.toFixed(3));
      bar.append(part);
    }
    for (const { style, text } of timeLines(face, labels, this.#page)) {
      const item = make("li", "summary__time");
      item.dataset.style = style;
      item.append(drawing(SHAPES[style], "shape"), text);
      times.append(item);
    }
    const change = changeLine(face, labels, this.#page);
    const head = make("div", "summary__head");
    head.append(make("h3", "summary__name", nameOf(face.id)), make("p", "summary__line", faceLine(face, labels, this.#page)));
    element.append(head, bar, times, ...(change ? [make("p", "small", change)] : []));
    return element;
  }

  #marks({ markers, excluded }, { rename, include }) {
    const { t } = this.#page;
    const list = make("ul", "summary__marks");
    for (const marker of markers) {
      const item = make("li", "summary__mark");
      const name = Object.assign(make("input", "summary__input"), { value: marker.name, maxLength: 80 });
      name.setAttribute("aria-label", t("record.marker_name", { time: clock(marker.t_s) }));
      name.addEventListener("change", () => rename(marker, name.value.trim() || marker.name));
      item.append(make("span", "summary__clock", clock(marker.t_s)), name);
      list.append(item);
    }
    for (const range of excluded) {
      const item = make("li", "summary__mark");
      const text = t("summary.excluded", { from: clock(range.from_s), to: clock(range.to_s) });
      item.append(make("span", "", text), this.#button("summary.include", () => include(range), "button button--small", { range: text }));
      list.append(item);
    }
    list.hidden = !list.children.length;
    return list;
  }

  #actions(recording, { save, look, leave, remove }) {
    const { t } = this.#page;
    const group = make("div", "summary__saves");
    const heading = make("h3", "summary__heading", t("summary.save"));
    heading.id = `${this.#root.id}-save`;
    group.setAttribute("role", "group");
    group.setAttribute("aria-labelledby", heading.id);
    const video = this.#button("summary.video", () => recording.video && save.video(recording));
    const reason = make("p", "small", recording.video ? "" : t(recording.openedFrom ? "summary.no_pictures" : "summary.no_video"));
    if (!recording.video) {
      reason.id = `${this.#root.id}-no-video`;
      video.setAttribute("aria-disabled", "true");
      video.setAttribute("aria-describedby", reason.id);
    }
    reason.hidden = Boolean(recording.video);
    group.append(
      this.#button("summary.csv", () => save.csv(recording), "button button--main"), this.#button("summary.json", () => save.json(recording)), video,
      this.#button("summary.picture", () => save.picture(recording)), this.#button("summary.report", () => save.report(recording)),
    );
    const ways = make("div", "summary__ways");
    ways.append(this.#button("summary.look", () => look(recording)), this.#button(leave.key, leave.go));
    if (remove) ways.append(this.#deleteButton(remove));
    const all = make("div", "summary__actions");
    group.prepend(heading);
    all.append(group, reason, ways);
    return all;
  }

  /** Asks once more before it deletes. */
  #deleteButton(remove) {
    const { t } = this.#page;
    let isSure = false;
    const made = this.#button("recover.delete", () => {
      if (isSure) return remove();
      isSure = true;
      made.textContent = t("summary.sure");
    });
    made.addEventListener("blur", () => {
      isSure = false;
      made.textContent = t("recover.delete");
    });
    return made;
  }

  #button(key, onClick, className = "button", values = {}) {
    const made = make("button", className, this.#page.t(key, values));
    made.type = "button";
    made.addEventListener("click", onClick);
    return made;
  }
}
