"""A long recording opened from this browser's storage: `python -m tests.bench.session [--minutes 30] [--json]`.

Writes a recording of 30 frames a second with one or two faces into IndexedDB by the page's own code, opens the page
anew, and recovers the recording. Prints how much memory the page's process then has more, and how long each export
takes from the click to the file. The last line is JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
from playwright.sync_api import BrowserContext, Page, sync_playwright

from tests.browser.conftest import FLAGS
from tests.support.serving import Server

FRAMES_PER_S = 30
OPEN_MS = 120_000
EXPORTS = ("CSV", "JSON")
WRITE = """async ({ frames, perS }) => {
  const base = document.querySelector('script[type=module]').src.replace(/main\\.js$/, 'session/');
  const [{ Journal }, { ReadingLog }, { newRecording }] = await Promise.all(
    ['journal', 'log', 'recording'].map((name) => import(`${base}${name}.js`)));
  const labels = ['angry', 'disgust', 'fear', 'happy', 'sad', 'surprise', 'neutral'];
  const log = new ReadingLog(labels);
  const recording = newRecording({ id: 'bench', startedUtcMs: Date.now(), model: {}, pageVersion: '', log });
  const journal = new Journal();
  await journal.hold(recording.id);
  let written = { frames: 0, video: 0 };
  const face = (id, at) => {
    const best = Math.floor((at + 97 * id) / 211) % labels.length;
    const emotions = Object.fromEntries(labels.map((label, i) => [label, i === best ? 0.82 : 0.03 + (at % 7) / 1e4]));
    return {
      id, box: [100 + 200 * id + (at % 50), 80, 120, 120], emotions, smoothed: emotions,
      dominant_emotion: labels[best], confidence: 0.82, uncertain: at % 10 === 0,
    };
  };
  for (let at = 0; at < frames; at++) {
    const faces = Math.floor(at / 900) % 2 ? [face(1, at), face(2, at)] : [face(1, at)];
    const moment = { timestamp_s: at / perS, time_utc: Date.now() + at, delay_ms: 40 };
    log.add({ ...moment, image: { width: 640, height: 480 }, faces });
    if (log.length - written.frames === 5 * perS) written = await journal.write(recording, written);
  }
  await journal.write(recording, written);
  return log.faces.length;
}"""


def memory_mb(page: Page) -> float:
    """What the processes of pages have for themselves after a collection."""
    session = page.context.new_cdp_session(page)
    for _ in range(3):
        session.send("HeapProfiler.collectGarbage")
        page.wait_for_timeout(300)
    session.detach()
    used = 0
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            if "--type=renderer" in process.cmdline():
                used += process.memory_full_info().uss
    return used / 1e6


def store(context: BrowserContext, url: str, minutes: float) -> int:
    """Write the recording; returns its faces. The page ends without saving it."""
    page = context.new_page()
    page.goto(url)
    faces = page.evaluate(WRITE, {"frames": round(minutes * 60 * FRAMES_PER_S), "perS": FRAMES_PER_S})
    page.close()
    return int(faces)


def measure(context: BrowserContext, url: str, minutes: float) -> dict[str, Any]:
    faces = store(context, url, minutes)
    page = context.new_page()
    page.goto(url)
    recover = page.get_by_role("button", name="Recover")
    recover.wait_for(timeout=OPEN_MS)
    empty_mb, began_s = memory_mb(page), time.monotonic()
    recover.click()
    page.wait_for_selector("#summary:not([hidden])", timeout=OPEN_MS)
    result: dict[str, Any] = {
        "minutes": minutes,
        "faces": faces,
        "open_s": round(time.monotonic() - began_s, 2),
        "page_mb": round(empty_mb, 1),
        "more_mb": round(memory_mb(page) - empty_mb, 1),
    }
    for name in EXPORTS:
        began_s = time.monotonic()
        with page.expect_download(timeout=OPEN_MS) as download:
            page.locator("#summary").get_by_role("button", name=name, exact=True).click()
        path = Path(download.value.path())
        result[f"{name.lower()}_s"] = round(time.monotonic() - began_s, 2)
        result[f"{name.lower()}_mb"] = round(path.stat().st_size / 1e6, 1)
    return result | {"after_exports_more_mb": round(memory_mb(page) - empty_mb, 1)}


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.session", description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--chromium", default=os.environ.get("CHROMIUM", "/usr/bin/chromium"))
    parser.add_argument("--json", action="store_true", help="print the last line only")
    options = parser.parse_args(arguments)
    with (
        Server(log=Path(os.devnull), EMOTION_WORKERS="1") as server,
        sync_playwright() as playwright,
        playwright.chromium.launch(executable_path=options.chromium, args=FLAGS) as browser,
    ):
        server.wait_until_ready()
        result = {
            "bench": "session",
            **measure(browser.new_context(accept_downloads=True), server.url, options.minutes),
        }
    if not options.json:
        for name, value in result.items():
            print(f"{name:24} {value}")
    print(json.dumps(result))


if __name__ == "__main__":
    main()
