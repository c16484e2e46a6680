/** Numbers, times and templates for the page's language, and what a percentage means. */

/**
 * Fills `{name}` placeholders; an unknown one is a programming error and throws.
 * @param {string} template
 * @param {Record<string, string | number>} values
 */
export function fill(template, values = {}) {
  return template.replace(/\{(\w+)\}/g, (_, name) => {
    if (!(name in values)) throw new Error(`expected a value for {${name}} in "${template}", received ${Object.keys(values)}`);
    return String(values[name]);
  });
}

/**
 * Whole per cent as the language writes it: "82%", "82 %". "100%" stands only for exactly 1, "0%" only for exactly 0.
 * @param {string} language
 * @param {number} fraction 0–1
 */
export function percent(language, fraction) {
  const format = numberFormat(language, { style: "percent" });
  if (fraction < 0.005) return `<${format.format(0.01)}`;
  return fraction >= 0.995 && fraction < 1 ? `>${format.format(0.99)}` : format.format(fraction);
}

/** @param {number} fraction 0–1 @returns {number} the number that `percent` writes */
export const wholePercent = (fraction) => (fraction < 1 ? Math.min(99, Math.round(fraction * 100)) : 100);

/** @param {string} language @param {number} value */
export const whole = (language, value) => numberFormat(language, { maximumFractionDigits: 0 }).format(value);

/** @param {string} language @param {number} value one decimal below ten, none above */
export const short = (language, value) => numberFormat(language, { maximumFractionDigits: Math.abs(value) < 10 ? 1 : 0 }).format(value);

/** @param {number} ms @returns {string} m:ss */
export const minutes = (ms) => `${Math.floor(ms / 60000)}:${String(Math.floor(ms / 1000) % 60).padStart(2, "0")}`;

/** @param {string} language @param {number} ece @returns {string} a calibration error with three decimals */
export const calibrationError = (language, ece) => numberFormat(language, { minimumFractionDigits: 3, maximumFractionDigits: 3 }).format(ece);

/** @param {string} language @param {string} noun @returns {string} as it is written inside a sentence: German keeps the capital letter */
export const inSentence = (language, noun) => (language === "de" ? noun : noun.toLocaleLowerCase(language));

/** @param {string} language @param {number} utcMs @returns {string} local date and time as people read them: "Nov 26, 2026, 3:41 PM" */
export const dateAndTime = (language, utcMs) => new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" }).format(new Date(utcMs));

/** @param {Date} date @returns {string} local time for file names, for instance "2026-11-22_07-15-30" */
export function fileStamp(date) {
  const two = (n) => String(n).padStart(2, "0");
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day}_${two(date.getHours())}-${two(date.getMinutes())}-${two(date.getSeconds())}`;
}

/** @param {number[]} values @param {number} q 0–1 @returns {number} nearest-rank quantile, NaN when empty */
export function quantile(values, q) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted.length ? sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] : NaN;
}

const formats = new Map();

function numberFormat(language, options) {
  const key = `${language} ${JSON.stringify(options)}`;
  if (!formats.has(key)) formats.set(key, new Intl.NumberFormat(language, options));
  return formats.get(key);
}

/** @param {string} label a class, as its folder is named @returns {string} as people read it: "half_asleep" → "Half asleep" */
export const asName = (label) => (label[0].toUpperCase() + label.slice(1)).replaceAll(/[_-]+/g, " ");

/** Beyond this calibration error, or measured on fewer pictures, a percentage is a rough guide. */
const ROUGH_ECE = 0.05;
const FEW_PICTURES = 500;
/** The percentage of the example while no number is shown. */
const EXAMPLE = 0.8;

/**
 * What a percentage means, from the measurements of the model.
 * @param {number | null} confidence 0–1; null while no number is shown
 * @param {{t: Function, language: string, model: {ece?: number | null, n?: number | null, judged_by?: "people" | "labels"}}} page
 * @returns {string} a sentence
 */
export function meaning(confidence, { t, language, model }) {
  if (!Number.isFinite(model.ece) || !model.n) return t("meaning.unmeasured");
  const measured = { ece: calibrationError(language, model.ece), n: whole(language, model.n) };
  if (model.ece > ROUGH_ECE || model.n < FEW_PICTURES) return t("meaning.rough", measured);
  const value = confidence ?? EXAMPLE;
  const text = t(`meaning.${model.judged_by ?? "labels"}`, { ...measured, percent: percent(language, value), count: Math.min(99, Math.round(value * 100)) });
  return confidence === null ? t("meaning.example", { text }) : text;
}

/** @param {number} seconds @returns {string} "0:42", "1:02:03" */
export function clock(seconds) {
  const whole = Math.max(0, Math.floor(seconds + 1e-6));
  const two = (n) => String(n).padStart(2, "0");
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  return hours ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
}
