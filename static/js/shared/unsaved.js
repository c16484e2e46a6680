/** Whether this browser has an unsaved recording: a flag in the local storage, which is cheap to read. */

const KEY = "unsaved-recording";

export function recordingWaits() {
  try {
    return localStorage.getItem(KEY) !== null;
  } catch {
    return false; // blocked storage keeps no recordings either
  }
}

/** @param {boolean} waits */
export function setRecordingWaits(waits) {
  try {
    if (waits) localStorage.setItem(KEY, "1");
    else localStorage.removeItem(KEY);
  } catch {
    // See above.
  }
}
