/** What a percentage means: as much as was measured of the model that said it, and no more. */
import { percent, whole } from "./format.js";

/** Beyond this calibration error, or measured on fewer pictures, a percentage is a rough guide. */
const ROUGH_ECE = 0.05;
const FEW_PICTURES = 500;

/**
 * @param {number} confidence 0–1
 * @param {{t: Function, language: string, model: {ece?: number | null, n?: number | null, judged_by?: "people" | "labels"}}} page
 * @returns {string} a sentence
 */
export function meaning(confidence, { t, language, model }) {
  const shown = percent(language, confidence);
  if (!Number.isFinite(model.ece) || !model.n) return t("meaning.unmeasured", { percent: shown });
  const values = { percent: shown, ece: model.ece.toFixed(3), n: whole(language, model.n) };
  if (model.ece > ROUGH_ECE || model.n < FEW_PICTURES) return t("meaning.rough", values);
  const count = Math.min(99, Math.round(confidence * 100));
  return t(`meaning.${model.judged_by ?? "labels"}`, { ...values, count });
}
