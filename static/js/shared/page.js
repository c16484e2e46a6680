/** The configuration that the server wrote into the page, and the settings that the browser stores. */
import { asName, fill } from "./format.js";
import { Labels } from "./labels.js";

/** The page's configuration, the model's labels and the catalogue. One object, handed to every part. */
export class Page {
  #config = JSON.parse(document.getElementById("page-config").textContent);
  #strings = this.#config.strings;

  language = document.documentElement.lang;
  limits = this.#config.limits;
  pageVersion = this.#config.page_version;
  /** @type {{labels?: string[], name?: string, version?: string, uncertain_below?: number, ece?: number | null, n?: number | null}} */
  model = this.#config.model ?? {};
  labels = new Labels(this.model.labels);

  /** Looks a sentence up, for instance `t("state.first")`, and fills its placeholders. */
  t = (key, values) => fill(this.list(key), values);

  /** The same for a list of sentences, as it stands. @param {string} key @returns {string | string[]} */
  list = (key) => {
    const found = key.split(".").reduce((part, name) => part?.[name], this.#strings);
    if (found === undefined && key.startsWith("emotion.")) return asName(key.slice("emotion.".length));
    if (found === undefined) throw new Error(`expected a string named "${key}" in the catalogue, received none`);
    return found;
  };

  /**
   * Updates the description of the model: the server may still have been loading it when it wrote the page.
   * @returns {boolean} false for a model of other classes than the page has known, as after a restart with another one:
   *   this page can't show them
   */
  useModel(model) {
    const [known, given] = [this.model.labels, model.labels];
    if (known && given && known.join() !== given.join()) return false;
    Object.assign(this.model, model);
    if (given) this.labels = new Labels(given);
    return true;
  }

  /**
   * Loads a part of the catalogue that the first view does not need.
   * @param {string} part name of its file in `static/locales/{language}/`
   */
  async need(part) {
    if (this.#strings[part]) return;
    const response = await fetch(new URL(`../../locales/${this.language}/${part}.json`, import.meta.url));
    if (!response.ok) throw new Error(`expected the words of "${part}", received status ${response.status}`);
    Object.assign(this.#strings, await response.json());
  }
}

const DEFAULTS = {
  camera: "", mirror: null, marks: true, smoothing: "normal", eager: false, announce: true, shortcuts: true,
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
