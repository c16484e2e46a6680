"""A recorded video read by the page: a real Chromium, a real server, both on this machine.

    python -m tests.bench.video [--video FILE] [--rate every|ten] [--copies N] [--viewers N] [--json]

Without a file, 60 seconds of H.264 with 640×480 at 30 frames a second are made of the test recording by ffmpeg. Prints
the seconds from the choice of the file to its end, frames a second, and where the processor's time went. `--viewers`
measures the delay of live viewers without and with the videos (`--copies`, each in a page of its own) beside them.
The last line is JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Any

import psutil
from playwright.sync_api import Browser, Page, sync_playwright

from tests.bench.load import Outcome, clip_frames, run_load
from tests.browser.conftest import FLAGS
from tests.support.serving import ROOT, Server

CLIP = Path(os.environ.get("EMOTION_TEST_DATA", ROOT.parent / "shared")) / "video" / "sorry.mkv"
DONE_MS = 280_000
PER_VIEWER_S = 10.0


def minute_of_h264(path: Path, clip: Path = CLIP) -> Path:
    """Sixty seconds of the recording with B-frames, as phones and cameras write them."""
    command = ["ffmpeg", "-v", "error", "-y", "-stream_loop", "-1", "-i", str(clip), "-t", "60", "-r", "30"]
    command += ["-vf", "scale=640:480", "-c:v", "libx264", "-preset", "veryfast", "-crf", "20", "-bf", "2"]
    subprocess.run([*command, "-pix_fmt", "yuv420p", "-an", str(path)], check=True)
    return path


def choose(browser: Browser, url: str, video: Path, rate: str) -> Page:
    """A page that reads the video."""
    page = browser.new_page(viewport={"width": 1280, "height": 720})
    page.goto(f"{url}/video")
    page.check(f"input[value={rate}]")
    page.set_input_files("#video-file", video)
    return page


def wait_until_done(page: Page) -> int:
    """Returns how many frames were read."""
    page.wait_for_selector("#video-view[data-state=done]", state="attached", timeout=DONE_MS)
    sentence = page.text_content("#video-status") or ""
    return int("".join(filter(str.isdigit, sentence.partition("read")[0])))


def cpu_s() -> dict[str, float]:
    """Processor time so far, by kind of process, of everything that this process started."""
    used: dict[str, float] = {}
    for process in psutil.Process().children(recursive=True):
        try:
            words, times = " ".join(process.cmdline()), process.cpu_times()
        except psutil.Error:
            continue
        kind = "other"
        if "gunicorn" in words:
            kind = "web"
        elif "ml.inference" in words or "worker" in words:
            kind = "workers"
        if "chromium" in words:
            kind = "browser " + (words.partition("--type=")[2].partition(" ")[0] or "main")
        used[kind] = used.get(kind, 0.0) + times.user + times.system
    return used


def read(browser: Browser, url: str, video: Path, rate: str) -> dict[str, Any]:
    """One video, nothing beside it."""
    before, began_s = cpu_s(), time.monotonic()
    page = choose(browser, url, video, rate)
    frames = wait_until_done(page)
    took_s = time.monotonic() - began_s
    spent = {kind: round(used - before.get(kind, 0.0), 1) for kind, used in cpu_s().items()}
    page.close()
    return {
        "rate": rate,
        "frames": frames,
        "seconds": round(took_s, 1),
        "frames_per_s": round(frames / took_s, 1),
        "cpu_s": {kind: seconds for kind, seconds in sorted(spent.items()) if seconds > 0.2},
    }


def viewers_beside(browser: Browser, server: Server, video: Path, copies: int, viewers: int) -> dict[str, Any]:
    """The delay of live viewers, ten frames a second each, alone and while videos are read."""
    frames, outcomes = clip_frames(CLIP), {}
    outcomes["alone"] = live(server, viewers, frames)
    pages = [choose(browser, server.url, video, "every") for _ in range(copies)]
    for page in pages:
        page.wait_for_selector("#video-view[data-state=reading]", state="attached", timeout=DONE_MS)
    before = server.metrics()
    outcomes["beside"] = live(server, viewers, frames)
    name = 'emotion_worker_seconds_count{lane="recording"}'
    read_frames = server.metrics().get(name, 0) - before.get(name, 0)
    states = [page.get_attribute("#video-view", "data-state") for page in pages]
    return {
        "viewers": viewers,
        "videos": copies,
        "videos_still_reading": states.count("reading"),
        "video_frames_per_s": round(read_frames / PER_VIEWER_S, 1),
        **{f"live_ms_{name}": outcome.percentiles_ms() for name, outcome in outcomes.items()},
        **{f"live_answers_{name}": len(outcome.answered) for name, outcome in outcomes.items()},
        **{f"live_refused_{name}": dict(outcome.refused) for name, outcome in outcomes.items()},
    }


def live(server: Server, viewers: int, frames: Sequence[bytes]) -> Outcome:
    """What live viewers see, measured in a thread of its own: the browser's pages go on meanwhile."""
    found: list[Outcome] = []
    thread = Thread(target=lambda: found.append(run_load(server.port, viewers, 10, PER_VIEWER_S, frames)))
    thread.start()
    thread.join()
    return found[0]


@contextmanager
def running(chromium: str) -> Iterator[tuple[Browser, Server]]:
    """A server with the workers it has by default, and a browser."""
    places = dict.fromkeys(("EMOTION_MAX_CLIENTS", "EMOTION_CLIENTS_PER_ADDRESS"), "64")
    with Server(log=Path(os.devnull), **places) as server:
        server.wait_until_ready(workers=len(os.sched_getaffinity(0)))
        with (
            sync_playwright() as playwright,
            playwright.chromium.launch(executable_path=chromium, args=FLAGS) as browser,
        ):
            yield browser, server


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.video", description=__doc__.splitlines()[0])
    parser.add_argument("--video", type=Path, help="a file instead of the minute of H.264")
    parser.add_argument("--rate", choices=("every", "ten"), nargs="+", default=["every", "ten"])
    parser.add_argument("--viewers", type=int, default=0, help="measure so many live viewers beside the videos")
    parser.add_argument("--copies", type=int, default=2, help="videos that are read beside the viewers")
    parser.add_argument("--chromium", default=os.environ.get("CHROMIUM", "/usr/bin/chromium"))
    parser.add_argument("--json", action="store_true", help="print the last line only")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder, running(options.chromium) as (browser, server):
        video = options.video or minute_of_h264(Path(folder) / "minute.mp4")
        if options.viewers:
            results = [viewers_beside(browser, server, video, options.copies, options.viewers)]
        else:
            results = [read(browser, server.url, video, rate) for rate in options.rate]
    if not options.json:
        for result in results:
            for name, value in result.items():
                print(f"{name:24} {value}")
    print(json.dumps({"bench": "video", "runs": results}))


if __name__ == "__main__":
    main()
