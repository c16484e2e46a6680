"""Opening a page behind a network and watching it at work."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from playwright.sync_api import Browser, Page

from tests.support.network import Network

OBSERVE = """
window.seen = {age: [], draws: [], encode: [], long: [], gaps: [], answers: 0};
new PerformanceObserver((list) => list.getEntriesByName('overlay-age').forEach((e) => {
  seen.age.push(e.duration);
  seen.draws.push([e.startTime, e.startTime + e.duration]);
}))
  .observe({type: 'measure'});
new PerformanceObserver((list) => list.getEntriesByName('encode').forEach((e) => seen.encode.push(e.duration)))
  .observe({type: 'measure'});
new PerformanceObserver((list) => list.getEntries().forEach((e) => seen.long.push(e.duration)))
  .observe({type: 'longtask'});
let last = performance.now();
requestAnimationFrame(function tick(now) { seen.gaps.push(now - last); last = now; requestAnimationFrame(tick); });
"""
READ = """() => {
  const quality = document.getElementById('video').getVideoPlaybackQuality();
  return {...seen, video: quality.totalVideoFrames, dropped: quality.droppedVideoFrames,
    sent: document.getElementById('number-size').textContent};
}"""
CLEAR = "for (const list of [seen.age, seen.draws, seen.encode, seen.long, seen.gaps]) list.length = 0"


def percentiles(values: Sequence[float]) -> dict[str, float] | None:
    if not values:
        return None
    return {f"p{q}": round(float(np.percentile(values, q)), 1) for q in (50, 95, 99)} | {"max": round(max(values), 1)}


def open_page(browser: Browser, network: Network, script: str, slowdown: float) -> Page:
    """The live page behind the network, on a processor that many times slower."""
    page = browser.new_page(viewport={"width": 1280, "height": 720})
    page.add_init_script(script)
    if slowdown > 1:
        page.set_viewport_size({"width": 360, "height": 740})
        page.context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": slowdown})
    page.goto(network.url)
    return page
