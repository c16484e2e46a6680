/** The panels of the page, one per source. One is shown at a time; each has an address, and the browser's Back works. */
import { hide } from "./dom.js";
import { element } from "./page.js";
import { toast } from "./toast.js";

export class Panels {
  #page;
  #onChange;
  #shown;

  /**
   * @param {import("./page.js").Page} page
   * @param {(shown: string, before: string) => void | Promise<void>} onChange names as in the addresses: "camera", "video", "photo"
   */
  constructor(page, onChange) {
    this.#page = page;
    this.#onChange = onChange;
    this.#shown = document.body.dataset.panel;
    document.addEventListener("click", (event) => this.#clicked(event));
    addEventListener("popstate", () => this.#turnTo(document.querySelector(`nav a[data-panel][href="${location.pathname}"]`)?.dataset.panel));
    history.scrollRestoration = "manual";
  }

  get shown() {
    return this.#shown;
  }

  /**
   * @param {string} name
   * @param {string} address of the panel, with what it should do as the query
   */
  show(name, address = tab(name).getAttribute("href")) {
    if (name === this.#shown) return;
    history.pushState(null, "", address);
    this.#turnTo(name);
  }

  #clicked(event) {
    const link = event.target.closest("a[data-panel]");
    if (!link || event.defaultPrevented || event.button || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    this.show(link.dataset.panel, link.getAttribute("href"));
  }

  async #turnTo(name) {
    if (!name || name === this.#shown) return;
    const before = this.#shown;
    this.#shown = name;
    document.body.dataset.panel = name;
    for (const panel of document.querySelectorAll(".panel")) hide(panel, panel.id !== `panel-${name}`, element("main"));
    for (const link of document.querySelectorAll("nav a[data-panel]")) link.ariaCurrent = link.dataset.panel === name ? "page" : null;
    document.title = `${tab(name).textContent.trim()} – ${this.#page.t("app.name")}`;
    scrollTo(0, 0);
    try {
      await this.#onChange(name, before);
    } catch (error) {
      console.error(error);
      toast(this.#page.t("app.not_loaded"));
    }
  }
}

const tab = (name) => document.querySelector(`nav a[data-panel="${name}"]`);
