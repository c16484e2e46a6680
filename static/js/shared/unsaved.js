/** Whether this browser keeps a recording that is in no file yet: a word in the local storage, so that looking costs nothing. */

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
