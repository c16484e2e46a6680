/** The numbers under Details: rates, delays, sizes. */
import { quantile, short, whole } from "../shared/format.js";
import { element } from "../shared/page.js";
import { write } from "../shared/dom.js";

const WINDOW_MS = 2000;
/** Interval of updates of the stage's attributes, which describe the last second. */
const WATCHED_MS = 1000;
const FLOW_WINDOW_MS = 10000;

/** Collects measurements and writes them twice a second. */
export class Readout {
  #page;
  #answers = [];
  #ages = [];
  #sent = [];
  #watchedMs = 0;

  /** @param {{t: Function, language: string}} page */
  constructor(page) {
    this.#page = page;
  }

  answered(nowMs) {
    this.#answers.push(nowMs);
  }

  /** @param {number} ageMs of the marks at a drawing; also left as a performance measure for observers */
  drawn(ageMs, nowMs) {
    this.#ages.push({ ageMs, nowMs });
    performance.measure("overlay-age", { start: nowMs - ageMs, end: nowMs });
    performance.clearMeasures("overlay-age");
  }

  /** @param {{name?: string, version?: string}} model empty while the server still loads it */
  showModel({ name, version }) {
    if (name) write(element("number-model"), `${name} ${version}`);
  }

  /** @returns {number} recent answers per second */
  get rate() {
    return this.#answers.length / (WINDOW_MS / 1000);
  }

  /**
   * @param {{totals: object, isRunning: boolean, pace: {ackMs: number, roundTripMs: number, queueMs: number}}} sender
   * @param {number} nowMs
   */
  update(sender, nowMs) {
    this.#answers = this.#answers.filter((ms) => nowMs - ms < WINDOW_MS);
    this.#ages = this.#ages.filter((age) => nowMs - age.nowMs < WINDOW_MS);
    if (nowMs - this.#watchedMs >= WATCHED_MS) this.#watch(sender.isRunning, nowMs);
    const { t, language } = this.#page;
    const age = quantile(this.#ages.map((entry) => entry.ageMs), 0.5);
    const number = (value) => (Number.isFinite(value) ? whole(language, value) : "–");
    const { totals, pace } = sender;
    if (!totals.sent) return;
    write(element("number-rate"), t("numbers.rate_value", { n: short(language, this.rate) }));
    write(element("number-delay"), t("numbers.ms", { n: number(pace.ackMs) }));
    write(element("number-path"), t("numbers.path_value", { rtt: number(pace.roundTripMs), queue: number(pace.queueMs) }));
    write(element("number-age"), t("numbers.ms", { n: number(age) }));
    write(element("number-size"), t("numbers.size_value", { w: totals.width, h: totals.height, kb: short(language, totals.frameBytes / 1000) }));
    write(element("number-sent"), t("numbers.mb", { n: short(language, totals.bytes / 1e6) }));
    write(element("number-flow"), t("numbers.flow_value", { n: short(language, this.#megabytesPerMinute(totals.bytes, nowMs)) }));
    write(element("number-dropped"), whole(language, totals.dropped));
  }

  /** `data-rate` and `data-age-ms` of the stage, for programs that watch the page; empty while nothing is read. */
  #watch(isRunning, nowMs) {
    this.#watchedMs = nowMs;
    const late = (list, timeOf) => list.filter((entry) => nowMs - timeOf(entry) < WATCHED_MS);
    const age = quantile(late(this.#ages, (entry) => entry.nowMs).map((entry) => entry.ageMs), 0.5);
    const { dataset } = element("stage");
    dataset.rate = isRunning ? late(this.#answers, (ms) => ms).length : "";
    dataset.ageMs = isRunning && Number.isFinite(age) ? Math.round(age) : "";
  }

  /** Of the last ten seconds. */
  #megabytesPerMinute(bytes, nowMs) {
    this.#sent = this.#sent.filter((mark) => nowMs - mark.nowMs <= FLOW_WINDOW_MS);
    this.#sent.push({ bytes, nowMs });
    const [first] = this.#sent;
    return nowMs > first.nowMs ? ((bytes - first.bytes) / 1e6) * (60000 / (nowMs - first.nowMs)) : 0;
  }
}
