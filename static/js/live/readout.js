/** The numbers beside the picture: how fast, how late, how much. */
import { quantile, short, whole } from "../shared/format.js";
import { element } from "../shared/page.js";
import { write } from "../shared/dom.js";

const WINDOW_MS = 2000;

/** Collects measurements and writes them twice a second. */
export class Readout {
  #page;
  #answers = [];
  #ages = [];

  /** @param {{t: Function, language: string}} page */
  constructor(page) {
    this.#page = page;
  }

  answered(nowMs) {
    this.#answers.push(nowMs);
  }

  /** @param {number} ageMs of the marks at a drawing; also left as a performance measure for whoever observes it */
  drawn(ageMs, nowMs) {
    this.#ages.push({ ageMs, nowMs });
    performance.measure("overlay-age", { start: nowMs - ageMs, end: nowMs });
    performance.clearMeasures("overlay-age");
  }

  /** @param {{name?: string, version?: string}} model empty while the server still loads it */
  showModel({ name, version }) {
    if (name) write(element("number-model"), `${name} ${version}`);
  }

  /** @returns {number} answers per second of late */
  get rate() {
    return this.#answers.length / (WINDOW_MS / 1000);
  }

  /**
   * @param {{totals: object, pace: {ackMs: number}}} sender
   * @param {boolean} isLive
   * @param {number} nowMs
   */
  update(sender, isLive, nowMs) {
    this.#answers = this.#answers.filter((ms) => nowMs - ms < WINDOW_MS);
    this.#ages = this.#ages.filter((age) => nowMs - age.nowMs < WINDOW_MS);
    const { t, language } = this.#page;
    const age = quantile(this.#ages.map((entry) => entry.ageMs), 0.5);
    const number = (value) => (Number.isFinite(value) ? whole(language, value) : "–");
    const { totals, pace } = sender;
    element("readout").hidden = !isLive;
    write(element("readout-rate"), t("live.rate", { n: short(language, this.rate) }));
    write(element("readout-delay"), t("live.delay", { ms: number(pace.ackMs) }));
    write(element("readout-age"), t("live.age", { ms: number(age) }));
    if (!totals.sent) return;
    write(element("number-rate"), t("numbers.rate_value", { n: short(language, this.rate) }));
    write(element("number-delay"), t("numbers.ms", { n: number(pace.ackMs) }));
    write(element("number-age"), t("numbers.ms", { n: number(age) }));
    write(element("number-size"), t("numbers.size_value", { w: totals.width, h: totals.height, kb: short(language, totals.frameBytes / 1000) }));
    write(element("number-sent"), t("numbers.mb", { n: short(language, totals.bytes / 1e6) }));
    write(element("number-dropped"), whole(language, totals.dropped));
  }
}
