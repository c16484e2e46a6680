/** Sends photos over HTTP. `fetch` can't tell how much was sent, so this uses XMLHttpRequest. */

/**
 * Sends one picture for analysis.
 * @param {Blob} picture
 * @param {(fraction: number) => void} onProgress share of the bytes that was sent, 0–1
 * @returns {{answer: Promise<object>, cancel: () => void}} a result, or an error shape; "offline" when nothing answered
 */
export function analyse(picture, onProgress) {
  const request = new XMLHttpRequest();
  const answer = new Promise((resolve) => {
    request.open("POST", "/api/analyze");
    request.responseType = "json";
    request.upload.addEventListener("progress", ({ loaded, total, lengthComputable }) => lengthComputable && onProgress(loaded / total));
    request.addEventListener("load", () => resolve(request.response ?? { ok: false, code: `http ${request.status}`, message: "" }));
    request.addEventListener("error", () => resolve({ ok: false, code: "offline", message: "" }));
    request.addEventListener("abort", () => resolve({ ok: false, code: "cancelled", message: "" }));
    const form = new FormData();
    form.append("image", picture);
    request.send(form);
  });
  return { answer, cancel: () => request.abort() };
}

/**
 * What an answer means to the person: the state of a photo.
 * @param {{ok: boolean, code?: string, faces?: object[]}} answer
 * @returns {"done" | "nobody" | "not-a-picture" | "damaged" | "too-large" | "too-many-pixels" | "busy" | "offline" | "error"}
 */
export function photoState(answer) {
  if (answer.ok) return answer.faces.length ? "done" : "nobody";
  const known = { bad_image: "damaged", not_an_image: "not-a-picture", too_large: "too-many-pixels", busy: "busy", not_ready: "busy", offline: "offline" };
  return known[answer.code] ?? "error";
}

/** Pictures a browser can show and the server can read. Others are sent too if they claim to be pictures: names lie. */
export const looksLikePicture = ({ type }) => type === "" || type.startsWith("image/");
