/** Input of pictures: chosen, taken, pasted, dropped anywhere on the page, or one of the examples. */
import { element } from "../shared/page.js";
import { toast } from "../shared/toast.js";

export class Intake {
  #page;
  #handlers;
  #listening = null;
  #dragDepth = 0;
  #examples = [...document.querySelectorAll("[data-example]")];

  /**
   * @param {import("../shared/page.js").Page} page
   * @param {{onFiles: (files: Blob[]) => void, onExample: (blob: Blob, name: string) => void, onDrag: (isOver: boolean) => void}} handlers
   */
  constructor(page, handlers) {
    this.#page = page;
    this.#handlers = handlers;
    for (const input of document.querySelectorAll("[data-files]")) {
      input.addEventListener("change", ({ target }) => {
        this.#handlers.onFiles([...target.files]);
        target.value = ""; // choosing the same file again counts too
      });
    }
    element("paste").addEventListener("click", () => this.#pasteByButton());
    for (const button of this.#examples) button.addEventListener("click", () => this.#example(button));
  }

  /** Listens to the whole page while the panel is shown. */
  start() {
    this.#listening = new AbortController();
    const { signal } = this.#listening;
    addEventListener("paste", (event) => this.#handlers.onFiles([...event.clipboardData.files]), { signal });
    addEventListener("dragenter", (event) => this.#drag(event, 1), { signal });
    addEventListener("dragleave", (event) => this.#drag(event, -1), { signal });
    addEventListener("dragover", (event) => event.preventDefault(), { signal });
    addEventListener("drop", (event) => this.#dropped(event), { signal });
  }

  stop() {
    this.#listening?.abort();
    this.#dragDepth = 0;
  }

  /** Shows the first example, so that the panel is never empty. @param {() => boolean} isWanted asked again once it is loaded */
  showExample(isWanted) {
    this.#example(this.#examples[0], isWanted);
  }

  async #example(button, isWanted = () => true) {
    try {
      const response = await fetch(button.dataset.example);
      if (!isWanted()) return;
      this.#handlers.onExample(await response.blob(), button.querySelector("span").textContent);
    } catch (error) {
      console.error(error);
      toast(this.#page.t("photo.offline"));
    }
  }

  async #pasteByButton() {
    try {
      const items = await navigator.clipboard.read();
      const found = items.flatMap((item) => item.types.filter((type) => type.startsWith("image/")).map((type) => item.getType(type)));
      const blobs = await Promise.all(found);
      if (!blobs.length) return toast(this.#page.t("photo.nothing_pasted"));
      this.#handlers.onFiles(blobs.map((blob) => new File([blob], this.#page.t("photo.title"), { type: blob.type })));
    } catch {
      toast(this.#page.t("photo.nothing_pasted"));
    }
  }

  #drag(event, by) {
    event.preventDefault();
    this.#dragDepth = Math.max(0, this.#dragDepth + by);
    this.#handlers.onDrag(this.#dragDepth > 0);
  }

  #dropped(event) {
    event.preventDefault();
    this.#dragDepth = 0;
    this.#handlers.onDrag(false);
    this.#handlers.onFiles([...event.dataTransfer.files]);
  }
}
