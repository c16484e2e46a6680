/** The message for a photograph's state. */
import { percent, short } from "../shared/format.js";

/**
 * @param {import("./shot.js").Shot} shot
 * @param {import("../shared/page.js").Page} page
 * @returns {string}
 */
export function sentence({ state, part, code, file, faces }, { t, language, limits }) {
  switch (state) {
    case "sending": return t("photo.sending", { percent: percent(language, part) });
    case "done": return faces.length === 1 ? t("photo.done_one") : t("photo.done_other", { n: faces.length });
    case "too-large": return t("photo.too-large", { mb: short(language, file.size / 1e6), max: Math.floor(limits.max_upload_bytes / 1e6) });
    case "too-many-pixels": return t("photo.too-many-pixels", { max: limits.max_megapixels });
    case "error": return t("photo.error", { id: code });
    default: return t(`photo.${state}`);
  }
}
