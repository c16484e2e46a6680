/** What the server wrote into the page, and what this browser remembers. */
import { useLabels } from "../faces/emotions.js";
import { asName, fill } from "./format.js";

/**
 * The page's configuration and catalogue.
 * @returns {{language: string, model: object, limits: object, pageVersion: string, t: (key: string, values?: object) => string,
 *   list: (key: string) => string[]}} `t("state.first")` looks a sentence up and fills its placeholders
 */
export function readPage() {
  const config = JSON.parse(document.getElementById("page-config").textContent);
  useLabels(config.model?.labels);
  const look = (key) => {
    const found = key.split(".").reduce((part, name) => part?.[name], config.strings);
    if (found === undefined && key.startsWith("emotion.")) return asName(key.slice("emotion.".length));
    if (found === undefined) throw new Error(`expected a string named "${key}" in the catalogue, received none`);
    return found;
  };
  return {
    language: document.documentElement.lang || "en",
    model: config.model ?? {},
    limits: config.limits ?? {},
    pageVersion: config.page_version,
    t: (key, values) => fill(look(key), values),
    list: look,
  };
}

const DEFAULTS = {
  camera: "", mirror: null, marks: true, smoothing: "normal", announce: true, shortcuts: true,
};

/** Settings kept in this browser; they last as long as the page where storage is blocked. */
export class Settings {
  #values;

  constructor() {
    let saved = {};
    try {
      saved = JSON.parse(localStorage.getItem("settings") ?? "{}");
    } catch {
      // Blocked or damaged storage: start from the defaults.
    }
    this.#values = { ...DEFAULTS, ...saved };
  }

  /** @param {keyof typeof DEFAULTS} name */
  get(name) {
    return this.#values[name];
  }

  /** @param {keyof typeof DEFAULTS} name */
  set(name, value) {
    this.#values[name] = value;
    try {
      localStorage.setItem("settings", JSON.stringify(this.#values));
    } catch {
      // See above.
    }
  }
}

/** @param {string} id @returns {HTMLElement} */
export const element = (id) => {
  const found = document.getElementById(id);
  if (!found) throw new Error(`expected an element with id "${id}", received none`);
  return found;
};
