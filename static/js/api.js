/** The page of the HTTP interface: blocks to copy, and a form that shows a request and its reply. */
import { Page, element } from "./shared/page.js";
import { write } from "./shared/dom.js";
import { whole } from "./shared/format.js";

const COPIED_MS = 2000;

const page = new Page();

for (const button of document.querySelectorAll("[data-copy]")) button.addEventListener("click", () => copy(button));
element("try").addEventListener("submit", (event) => send(event));

async function copy(button) {
  await navigator.clipboard.writeText(button.closest("figure").querySelector("code").textContent);
  write(button, page.t("api.copied"));
  setTimeout(() => write(button, page.t("api.copy_code")), COPIED_MS);
}

async function send(event) {
  event.preventDefault();
  const { image, format, explain } = event.target.elements;
  const query = new URLSearchParams();
  if (format.value !== "emotion") query.set("format", format.value);
  if (explain.checked) query.set("explain", "1");
  const address = `/api/analyze${query.size ? `?${query}` : ""}`;
  const [file] = image.files;
  write(element("try-request"), `POST ${address}\nmultipart/form-data: image = ${file.name} (${bytes(file.size)})`);
  write(element("try-reply"), page.t("api.waiting"));
  const body = new FormData();
  body.append("image", file);
  try {
    const reply = await fetch(address, { method: "POST", body });
    write(element("try-reply"), `${reply.status} ${reply.statusText}\n${readable(await reply.text())}`);
  } catch {
    write(element("try-reply"), page.t("api.no_answer"));
  }
}

const bytes = (size) => `${whole(page.language, size)} B`;

/** Indented, but lists of numbers stay on their line. */
function readable(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2).replace(/\[[\d\s,.eE+-]*\]/g, (list) => list.replace(/\s+/g, " "));
  } catch {
    return text;
  }
}
