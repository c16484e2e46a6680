"""What a stalled network and a shared uplink do to the live page: parts of `python -m tests.bench.page`.

`--viewers` opens several browsers behind one uplink and compares their rates over ten seconds, 20 s after the last one
began.
`--stalls` holds everything for these seconds, one after the other, and times the first mark of a picture that was taken
when the stall had ended.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from playwright.sync_api import Page, sync_playwright

from tests.bench.watching import CLEAR, OBSERVE, open_page, percentiles
from tests.browser.conftest import CAMERA_FLAGS, FLAGS, start_camera
from tests.support import recordings
from tests.support.network import Network
from tests.support.serving import Server

BETWEEN_ANSWERS_MS = 10
"""Marks whose pictures were taken this much later belong to another answer."""


def stall(page: Page, network: Network, seconds: float) -> dict[str, float]:
    """Hold everything for a while; when the first mark of a picture that was taken afterwards is drawn."""
    began_ms = page.evaluate("() => { seen.draws.length = 0; return performance.now(); }")
    network.stall(seconds)
    page.wait_for_function(
        "end => seen.draws.some(([captured, drawn]) => drawn > end && captured > end - 100)",
        arg=began_ms + 1000 * seconds,
        timeout=60_000,
    )
    draws = np.array(page.evaluate("seen.draws"))
    after_ms = draws[:, 1] - began_ms - 1000 * seconds
    return {
        "stall_s": seconds,
        "first_fresh_ms": round(float(min(after_ms[(after_ms > 0) & (draws[:, 0] > began_ms + 1000 * seconds - 100)]))),
        "drawn_over_1_s_old": int(np.sum(draws[:, 1] - draws[:, 0] > 1001)),
    }


def run_stalls(
    chromium: str, path: dict[str, Any], stalls_s: Sequence[float], camera_of: Path | None
) -> dict[str, Any]:
    """One page whose network stalls several times, with time to settle in between."""
    with opened(chromium, path, camera_of, 1) as (network, [page]):
        results = []
        for seconds in stalls_s:
            page.wait_for_timeout(4000)
            results.append(stall(page, network, seconds))
        return {"stalls": results}


def run_viewers(chromium: str, path: dict[str, Any], viewers: int, camera_of: Path | None) -> dict[str, Any]:
    """Rates of several browsers behind one uplink, each started some seconds after the one before it."""
    with opened(chromium, path, camera_of, viewers) as (network, pages):
        pages[0].wait_for_timeout(20_000)
        before = len(network.uplink_waits_ms), network.uplink_bytes
        for page in pages:
            page.evaluate(CLEAR)
        pages[0].wait_for_timeout(10_000)
        captures = [np.array([captured for captured, _ in page.evaluate("seen.draws")]) for page in pages]
        rates = [float(np.sum(np.diff(times) > BETWEEN_ANSWERS_MS)) / 10 for times in captures]
        return {
            "answers_per_s": rates,
            "ratio": round(max(rates) / max(0.1, min(rates)), 2),
            "uplink_kbit_s": round((network.uplink_bytes - before[1]) / 10 / 125),
            "queue_ms": percentiles(network.uplink_waits_ms[before[0] :]),
        }


@contextmanager
def opened(
    chromium: str, path: dict[str, Any], clip: Path | None, viewers: int
) -> Iterator[tuple[Network, list[Page]]]:
    """Pages at work, each in a browser of its own, behind one network."""
    with (
        tempfile.TemporaryDirectory() as folder,
        Server(log=Path(folder) / "log", EMOTION_WORKERS="1") as server,
        Network(server.port, **path) as network,
        sync_playwright() as playwright,
        ExitStack() as browsers,
    ):
        frames = recordings.recorded(clip) if clip else recordings.portrait()
        camera = recordings.write_mjpeg(frames, Path(folder) / "camera.mjpeg")
        server.wait_until_ready()
        flags = [*FLAGS, *CAMERA_FLAGS, f"--use-file-for-fake-video-capture={camera}"]
        pages = []
        for _ in range(viewers):
            browser = browsers.enter_context(playwright.chromium.launch(executable_path=chromium, args=flags))
            page = open_page(browser, network, OBSERVE, 1)
            start_camera(page).wait_for_selector(".face")
            pages.append(page)
        yield network, pages
