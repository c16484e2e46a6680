/** The photo page: pictures come in by choosing, dropping, pasting or an example; each becomes a `Shot`. */
import { element, readPage } from "./shared/page.js";
import { Shot } from "./photo/shot.js";
import { write } from "./shared/dom.js";

class PhotoPage {
  #page = readPage();
  #root = element("photo");
  #results = element("results");
  #shots = [];
  #dragDepth = 0;
  #isExample = false;

  start() {
    for (const id of ["file", "capture"]) {
      element(id).addEventListener("change", ({ target }) => {
        this.#add([...target.files]);
        target.value = ""; // choosing the same file again counts too
      });
    }
    element("paste").addEventListener("click", () => this.#pasteByButton());
    addEventListener("paste", (event) => this.#add([...event.clipboardData.files]));
    addEventListener("dragenter", (event) => this.#drag(event, 1));
    addEventListener("dragleave", (event) => this.#drag(event, -1));
    addEventListener("dragover", (event) => event.preventDefault());
    addEventListener("drop", (event) => this.#dropped(event));
    for (const button of document.querySelectorAll("[data-example]")) {
      button.addEventListener("click", () => this.#example(button));
    }
    this.#example(document.querySelector("[data-example]"));
  }

  #add(files) {
    if (!files.length) return;
    if (this.#isExample) this.#clear();
    this.#isExample = false;
    write(element("note"), "");
    // The newest batch comes first, in the order it was given.
    for (const file of files.toReversed()) this.#show(file, file.name || this.#page.t("photo.title"));
    this.#bringIntoView(this.#shots[0].element);
  }

  /** Whatever stands above it: what was just given is what the person waits for. */
  #bringIntoView(shot) {
    const { top } = shot.getBoundingClientRect();
    if (top < 0 || top > innerHeight / 2) shot.scrollIntoView({ block: "start" });
  }

  #show(file, name) {
    const shot = new Shot(this.#page, file, name, (removed) => this.#remove(removed));
    this.#shots.unshift(shot);
    this.#results.prepend(shot.element);
    this.#arrange();
    shot.start();
  }

  #remove(shot) {
    const index = this.#shots.indexOf(shot);
    this.#shots.splice(index, 1);
    shot.stop();
    this.#arrange();
    const next = this.#shots[Math.min(index, this.#shots.length - 1)];
    (next?.element.querySelector("button") ?? element("file")).focus();
  }

  #clear() {
    this.#shots.splice(0).forEach((shot) => shot.stop());
    this.#arrange();
  }

  #arrange() {
    this.#results.classList.toggle("results--single", this.#shots.length === 1);
    this.#root.dataset.state = this.#shots.length ? "filled" : "empty";
  }

  async #example(button) {
    const name = button.querySelector("span").textContent;
    this.#clear();
    this.#isExample = true;
    const response = await fetch(button.querySelector("img").src);
    if (this.#isExample) this.#show(await response.blob(), name);
  }

  async #pasteByButton() {
    try {
      const items = await navigator.clipboard.read();
      const found = items.flatMap((item) => item.types.filter((type) => type.startsWith("image/")).map((type) => item.getType(type)));
      const blobs = await Promise.all(found);
      this.#add(blobs.map((blob) => new File([blob], this.#page.t("photo.title"), { type: blob.type })));
      if (!blobs.length) write(element("note"), this.#page.t("photo.nothing_pasted"));
    } catch {
      write(element("note"), this.#page.t("photo.nothing_pasted"));
    }
  }

  #drag(event, by) {
    event.preventDefault();
    this.#dragDepth = Math.max(0, this.#dragDepth + by);
    this.#root.dataset.state = this.#dragDepth ? "over" : this.#shots.length ? "filled" : "empty";
  }

  #dropped(event) {
    event.preventDefault();
    this.#dragDepth = 0;
    this.#arrange();
    this.#add([...event.dataTransfer.files]);
  }
}

new PhotoPage().start();
