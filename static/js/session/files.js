/** Saves a file through the browser's downloads. */
import { fileStamp } from "../shared/format.js";

/** @param {import("./recording.js").Recording} recording @param {string} extension @returns {string} "emotions_2026-11-22_07-15-30.csv" */
export const fileName = ({ startedUtcMs }, extension) => `emotions_${fileStamp(new Date(startedUtcMs))}.${extension}`;

/** @param {Blob} blob @param {string} name */
export function download(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
