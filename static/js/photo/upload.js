/** Sends photos over HTTP. `fetch` can't tell how much was sent, so this uses XMLHttpRequest. */

const BUSY = new Set(["busy", "not_ready"]);
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 5000;

/**
 * Sends one picture for analysis.
 * @param {Blob} picture
 * @param {(fraction: number) => void} onProgress share of the bytes that was sent, 0–1
 * @param {{explain?: boolean}} [options] `explain`: with a heat map per face
 * @returns {{answer: Promise<object>, cancel: () => void}} a result, or an error shape; "offline" when nothing answered
 */
export function analyse(picture, onProgress, { explain = false } = {}) {
  const request = new XMLHttpRequest();
  const answer = new Promise((resolve) => {
    request.open("POST", explain ? "/api/analyze?explain=1" : "/api/analyze");
    request.responseType = "json";
    request.upload.addEventListener("progress", ({ loaded, total, lengthComputable }) => lengthComputable && onProgress(loaded / total));
    request.addEventListener("load", () => {
      const waitMs = 1000 * Number(request.getResponseHeader("Retry-After"));
      resolve({ ...(request.response ?? { ok: false, code: `http ${request.status}`, message: "" }), ...(waitMs && { waitMs }) });
    });
    request.addEventListener("error", () => resolve({ ok: false, code: "offline", message: "" }));
    request.addEventListener("abort", () => resolve({ ok: false, code: "cancelled", message: "" }));
    const form = new FormData();
    form.append("image", picture);
    request.send(form);
  });
  return { answer, cancel: () => request.abort() };
}

/**
 * The same, repeated for as long as the server is busy.
 * @param {Blob} picture
 * @param {(fraction: number) => void} onProgress
 * @param {AbortSignal} signal
 * @returns {Promise<object>} never an answer of "busy"
 */
export async function analyseAgain(picture, onProgress, signal) {
  for (let tries = 0; ; tries += 1) {
    const sending = analyse(picture, onProgress);
    signal.addEventListener("abort", sending.cancel);
    const answer = await sending.answer;
    signal.removeEventListener("abort", sending.cancel);
    if (signal.aborted) return { ok: false, code: "cancelled", message: "" };
    if (answer.ok || !BUSY.has(answer.code)) return answer;
    await rest(Math.max(answer.waitMs ?? 0, Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** tries)), signal);
  }
}

const rest = (ms, signal) => new Promise((resolve) => {
  const timer = setTimeout(resolve, ms);
  signal.addEventListener("abort", () => (clearTimeout(timer), resolve()), { once: true });
});

/**
 * The state of a photo after an answer.
 * @param {{ok: boolean, code?: string, faces?: object[]}} answer
 * @returns {"done" | "nobody" | "not-a-picture" | "damaged" | "too-many-pixels" | "offline" | "error"}
 */
export function photoState(answer) {
  if (answer.ok) return answer.faces.length ? "done" : "nobody";
  const known = { bad_image: "damaged", not_an_image: "not-a-picture", too_large: "too-many-pixels", offline: "offline" };
  return known[answer.code] ?? "error";
}
