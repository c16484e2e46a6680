/** The message for a photograph's state, and a few words for its tile. */
import { percent, short } from "../shared/format.js";

/**
 * @param {import("./shot.js").Shot} shot
 * @param {import("../shared/page.js").Page} page
 * @returns {string}
 */
export function sentence({ state, part, code, file, faces, found }, { t, language, limits }) {
  switch (state) {
    case "sending": return t("photo.sending", { percent: percent(language, part) });
    case "done": return faces.length === 1 ? t("photo.done_one") : t("photo.done_other", { n: faces.length });
    case "too-large": return t("photo.too-large", { mb: short(language, file.size / 1e6), max: Math.floor(limits.max_upload_bytes / 1e6) });
    case "too-many-pixels": return t("photo.too-many-pixels", { max: limits.max_megapixels });
    case "no-picture": return t("photo.no-picture", { found: t(`found.${found.group}`, found) });
    case "error": return t("photo.error", { id: code });
    default: return t(`photo.${state}`);
  }
}

/** A problem in a few words. @param {import("./shot.js").Shot} shot */
export function inShort(shot, page) {
  const { state } = shot;
  return ["done", "waiting", "reading"].includes(state) ? sentence(shot, page) : page.t(`photo.short.${state}`);
}
