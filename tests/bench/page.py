"""The page at work: a real Chromium with a recording as its camera, a real server.

    python -m tests.bench.page [--clip FILE] [--seconds 20] [--rtt MS] [--uplink KBPS] [--slowdown N] [--eager] [--json]
    python -m tests.bench.page [--rtt MS] [--uplink KBPS] --viewers 2 | --stalls 1,3,10      (tests/bench/network.py)

Prints pictures read per second, the age of the marks when they are drawn (from the camera's capture to the drawing),
the time to encode a frame, dropped video frames and long tasks. `lag_ms` checks the page's own clock from outside: a
face moves at a known speed, and screenshots show how far behind it the mark is. The last line is JSON. `--rtt` and
`--uplink` put a network between page and server, `--slowdown` makes the page's processor that many times slower, and
`--eager` asks for as many pictures as the server takes. `queue_ms` is how long packets wait in the uplink's queue.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from playwright.sync_api import Page, sync_playwright

from tests.bench.network import run_stalls, run_viewers
from tests.bench.watching import CLEAR, OBSERVE, READ, open_page, percentiles
from tests.browser.conftest import CAMERA_FLAGS, FLAGS, WORKING, stage_state, start_camera
from tests.support import recordings
from tests.support.network import Network
from tests.support.serving import Server

VIDEO = (
    Path(os.environ.get("EMOTION_TEST_DATA", Path(__file__).resolve().parents[3] / "shared")) / "video" / "sorry.mkv"
)
HAPPY_BGR = (0x46, 0xD6, 0xFC)
"""The mark's colour on a face that smiles, as the picture of `crossing` does."""
EAGER = "localStorage.setItem('settings', JSON.stringify({eager: true}));"
UNMIRRORED = "localStorage.setItem('settings', JSON.stringify({mirror: false}))"


def measure(page: Page, seconds: float) -> dict[str, Any]:
    """Watch a page that is at work; every figure is of this time alone."""
    before = page.evaluate(READ)
    page.evaluate(CLEAR)
    answers: list[float] = []
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    session.on(
        "Network.webSocketFrameReceived",
        lambda event: answers.append(1) if '"faces"' in event["response"]["payloadData"] else None,
    )
    page.wait_for_timeout(seconds * 1000)
    after = page.evaluate(READ)
    session.detach()
    frames = after["video"] - before["video"]
    return {
        "answers_per_s": round(len(answers) / seconds, 1),
        "video_fps": round(frames / seconds, 1),
        "video_dropped_percent": round(100 * (after["dropped"] - before["dropped"]) / max(1, frames), 2),
        "overlay_age_ms": percentiles(after["age"]),
        "encode_ms": percentiles(after["encode"]),
        "slow_draws_percent": round(100 * float(np.mean(np.array(after["gaps"]) > 50)), 2),
        "long_tasks_per_min": round(60 * len(after["long"]) / seconds, 1),
        "sent": after["sent"],
        "seconds": seconds,
    }


def lag_ms(page: Page, screenshots: int = 40) -> float:
    """How far the mark is behind a face that moves to and fro at SPEED_PX_S, as time.

    The mark trails to the left or to the right of where it belongs, so half the spread of its place beside the face is
    the way the face went meanwhile.
    """
    suit = recordings.crossing()[0][355:470, 20:300]  # below the mark, so that nothing is drawn on it
    width = page.evaluate("document.getElementById('video').clientHeight * 4 / 3")
    scale = width / recordings.SIZE_WH[0]
    suit = cv2.resize(suit, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    offsets = []
    for _ in range(screenshots):
        picture = cv2.imdecode(np.frombuffer(page.locator("#picture").screenshot(), np.uint8), cv2.IMREAD_COLOR)
        *_, (suit_x, _) = cv2.minMaxLoc(cv2.matchTemplate(picture, suit, cv2.TM_CCOEFF_NORMED))
        is_mark = np.abs(picture.astype(int) - HAPPY_BGR).max(axis=2) < 24
        sides = np.flatnonzero(is_mark.sum(axis=0) > 40)  # columns that are the mark's upright lines
        if len(sides):
            offsets.append((sides[0] + sides[-1]) / 2 - suit_x)
    return float(np.mean(np.abs(offsets - np.mean(offsets))) / (recordings.SPEED_PX_S * scale) * 1000)


def run(
    clip: Path | None, seconds: float, chromium: str, path: dict[str, Any], slowdown: float, script: str = ""
) -> dict[str, Any]:
    """Start everything, measure, end everything.

    Args:
        path: `rtt_ms` and `uplink_kbit_s` of the network between page and server.
        slowdown: how many times slower the page's main thread runs.
    """
    with (
        tempfile.TemporaryDirectory() as folder,
        Server(log=Path(folder) / "log", EMOTION_WORKERS="1") as server,
        Network(server.port, **path) as network,
    ):
        frames = recordings.recorded(clip) if clip else recordings.portrait()
        camera = recordings.write_mjpeg(frames, Path(folder) / "camera.mjpeg")
        moving = recordings.write_mjpeg(recordings.crossing(), Path(folder) / "moving.mjpeg")
        server.wait_until_ready()
        flags = [*FLAGS, *CAMERA_FLAGS, f"--use-file-for-fake-video-capture={camera}"]
        with (
            sync_playwright() as playwright,
            playwright.chromium.launch(executable_path=chromium, args=flags) as browser,
        ):
            page = open_page(browser, network, script + OBSERVE, slowdown)
            paint_ms = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
            clicked_ms = page.evaluate("performance.now()")
            start_camera(page)
            page.wait_for_selector(".face")
            first_face_ms = page.evaluate("performance.now()") - clicked_ms
            page.wait_for_timeout(5000)  # the rate settles
            result = {"first_paint_ms": round(paint_ms), "click_to_first_face_ms": round(first_face_ms)}
            before_bytes, before_packets = network.uplink_bytes, len(network.uplink_waits_ms)
            result |= measure(page, seconds)
            result["uplink_kbit_s"] = round((network.uplink_bytes - before_bytes) / seconds / 125)
            result["queue_ms"] = percentiles(network.uplink_waits_ms[before_packets:])
            stage_state(page, *WORKING)
        flags[-1] = f"--use-file-for-fake-video-capture={moving}"
        with (
            sync_playwright() as playwright,
            playwright.chromium.launch(executable_path=chromium, args=flags) as browser,
        ):
            page = open_page(browser, network, UNMIRRORED, slowdown)
            start_camera(page).wait_for_selector(".face[data-word=happy]")
            page.wait_for_timeout(3000)
            return result | {"lag_ms": round(lag_ms(page))}


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.page", description=__doc__.splitlines()[0])
    parser.add_argument(
        "--clip", type=Path, default=VIDEO if VIDEO.exists() else None, help="a recording as the camera"
    )
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--rtt", type=float, default=0, metavar="MS", help="round-trip time of the network")
    parser.add_argument("--uplink", type=float, metavar="KBPS", help="kilobits a second from page to server")
    parser.add_argument("--slowdown", type=float, default=1, metavar="N", help="a processor N times slower")
    parser.add_argument("--eager", action="store_true", help="as many pictures as the server takes")
    parser.add_argument("--viewers", type=int, default=1, metavar="N", help="browsers behind the one network")
    parser.add_argument("--stalls", metavar="S,S", help="seconds for which the network stalls, separated by commas")
    parser.add_argument("--chromium", default=os.environ.get("CHROMIUM", "/usr/bin/chromium"))
    parser.add_argument("--json", action="store_true", help="print the last line only")
    options = parser.parse_args(arguments)
    path: dict[str, Any] = {"rtt_ms": options.rtt, "uplink_kbit_s": options.uplink}
    result = {"bench": "page", **path, "slowdown": options.slowdown}
    if options.stalls:
        stalls_s = [float(part) for part in options.stalls.split(",")]
        result |= run_stalls(options.chromium, path, stalls_s, options.clip)
    elif options.viewers > 1:
        result |= run_viewers(options.chromium, path, options.viewers, options.clip)
    else:
        script = EAGER if options.eager else ""
        result |= run(options.clip, options.seconds, options.chromium, path, options.slowdown, script)
    if not options.json:
        for name, value in result.items():
            print(f"{name:24} {value}")
    print(json.dumps(result))


if __name__ == "__main__":
    main()
