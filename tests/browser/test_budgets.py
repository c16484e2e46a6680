"""Budgets of the page: requests, bytes, layout shifts, flicker, frames in flight."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from itertools import pairwise
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, Request

from tests.browser.access import assert_no_sideways_scroll
from tests.browser.conftest import frames_counted, stage_state, start_camera, until
from webapp import MAX_IN_FLIGHT

OpenPage = Callable[..., Page]

WATCH_SHIFTS = """
window.shift = 0;
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) shift += entry.value;
}).observe({type: 'layout-shift', buffered: true});
"""
WATCH_WORDS = """() => {
  window.changes = [];
  let shown = document.querySelector('.face__word').textContent;
  new MutationObserver(() => {
    const word = document.querySelector('.face__word')?.textContent ?? '';
    if (word && word !== shown) { changes.push(performance.now()); shown = word; }
  }).observe(document.getElementById('faces'), {childList: true, characterData: true, subtree: true});
}"""


def test_the_first_load_is_small_and_from_this_server_only(open_page: OpenPage) -> None:
    first = open_page()
    page = first.context.new_page()  # one that no request of an earlier load can reach
    requests: list[Request] = []
    page.on("request", lambda request: requests.append(request))
    page.goto(first.url)
    page.wait_for_load_state("networkidle")
    assert len(requests) <= 25, [request.url for request in requests]
    assert {urlsplit(request.url).netloc for request in requests} == {urlsplit(page.url).netloc}
    bodies = [
        request.response().body()  # type: ignore[union-attr]
        for request in requests
        if request.resource_type in ("script", "stylesheet")
    ]
    assert sum(map(len, bodies)) <= 220_000
    assert sum(len(gzip.compress(body)) for body in bodies) <= 75_000


def test_the_catalogue_is_small(open_page: OpenPage) -> None:
    page = open_page()
    assert page.evaluate("new Blob([document.getElementById('page-config').textContent]).size") <= 8_500


CAMERA_IN_HAND = """
const getUserMedia = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
const released = new Promise((resolve) => { window.releaseCamera = resolve; });
navigator.mediaDevices.getUserMedia = (wanted) => released.then(() => getUserMedia(wanted));
"""
"""The camera is given when the test says so."""
DRAWN = "() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)))"


@pytest.mark.parametrize("size", [(1280, 720), (820, 1180), (360, 640)])
def test_nothing_jumps_on_the_way_to_the_first_face(open_page: OpenPage, size: tuple[int, int]) -> None:
    page = open_page(script=WATCH_SHIFTS + CAMERA_IN_HAND, size=size)
    page.wait_for_load_state("networkidle")
    assert page.evaluate("shift") <= 0.02, "while the page is loaded"
    page.click("[data-action=start]")
    stage_state(page, "asking", "starting")
    page.evaluate(DRAWN)  # what the press itself moves has moved
    page.evaluate("shift = 0")
    page.evaluate("releaseCamera()")
    page.wait_for_selector(".face")
    page.wait_for_timeout(500)
    assert page.evaluate("shift") <= 0.02


def test_words_do_not_flicker(open_page: OpenPage) -> None:
    page = start_camera(open_page(camera="changing"))
    page.wait_for_selector(".face")
    page.evaluate(WATCH_WORDS)
    page.wait_for_function("() => changes.length >= 5", timeout=60_000)
    changes = page.evaluate("changes")
    assert all(later - earlier >= 500 for earlier, later in pairwise(changes)), changes


def test_no_more_frames_are_in_flight_than_the_server_allows(open_page: OpenPage) -> None:
    page = start_camera(open_page())
    page.wait_for_selector(".face")
    on_the_way, most = 0, 0

    def sent(event: dict[str, dict[str, str | int]]) -> None:
        nonlocal on_the_way, most
        if event["response"]["opcode"] == 2:
            on_the_way += 1
            most = max(most, on_the_way)

    def received(event: dict[str, dict[str, str | int]]) -> None:
        nonlocal on_the_way
        answer = str(event["response"]["payloadData"])
        if answer.startswith("43") and "[{" in answer:  # the acknowledgement of a frame, not of an echo
            on_the_way -= 1

    session = page.context.new_cdp_session(page)
    page.keyboard.press(" ")
    page.wait_for_timeout(1200)  # what was on the way has been answered
    session.on("Network.webSocketFrameSent", sent)
    session.on("Network.webSocketFrameReceived", received)
    session.send("Network.enable")
    page.keyboard.press(" ")
    until(page, lambda: most > 0, "frames to be sent")
    page.wait_for_timeout(3000)
    assert most <= MAX_IN_FLIGHT


def test_no_picture_is_sent_before_the_camera_is_on(open_page: OpenPage) -> None:
    page = open_page()
    with frames_counted(page) as count:
        page.wait_for_timeout(500)
        assert count() == 0
        start_camera(page)
        until(page, lambda: count() > 0, "frames to be sent")


LENGTHEN = """() => {
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node; (node = walker.nextNode()); ) {
    const text = node.data.trim();
    if (node.parentElement.closest('script, svg, option')) continue;
    node.data += text.slice(0, Math.ceil(text.length * 0.4));
  }
}"""
CLIPPED = """() => [...document.querySelectorAll('button, a, h1, h2, p, label, dt, dd')]
  .filter((e) => e.checkVisibility() && !e.closest('.unseen, .skip') && !e.classList.contains('unseen'))
  .filter((e) => {
    const box = e.getBoundingClientRect();
    return box.width && (box.left < -1 || box.right > innerWidth + 1);
  })
  .map((e) => e.outerHTML.slice(0, 120))"""


@pytest.mark.parametrize("path", ["/", "/photo"])
def test_longer_languages_fit_the_narrowest_screen(open_page: OpenPage, path: str) -> None:
    page = open_page(path, size=(320, 568))
    page.wait_for_load_state("networkidle")
    page.evaluate(LENGTHEN)
    assert_no_sideways_scroll(page)
    assert not page.evaluate(CLIPPED)
