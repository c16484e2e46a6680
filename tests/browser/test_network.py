"""The live page over a network that stalls and loses its connections: nothing outdated is shown, ids stay."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import WORKING, start_camera, until
from tests.support.network import Network
from tests.support.serving import Server

OpenPage = Callable[..., Page]
WATCH_AGES = """
window.ages = [];
new PerformanceObserver((list) => list.getEntriesByName('overlay-age').forEach((entry) => ages.push(entry.duration)))
  .observe({type: 'measure'});
"""
OTHER_ID = """async () => {
  const { KnownFaces } = await import(new URL('live/known.js', document.querySelector('script[type=module]').src));
  const answered = KnownFaces.prototype.answered;
  let first;
  KnownFaces.prototype.answered = function (answer, connection, nowMs) {
    first ??= connection;
    const faces = connection === first ? answer.faces.map((face) => ({...face, id: 7})) : answer.faces;
    answered.call(this, {...answer, faces}, connection, nowMs);
  };
}"""
"""Lets the page remember the face of its first connection as number 7, a number that no tracker gives by itself."""


@pytest.fixture
def network(server: Server) -> Iterator[Network]:
    with Network(server.port) as running:
        yield running


def face_is_shown(page: Page, number: str = "") -> None:
    page.wait_for_selector(f'.face[data-face="{number}"]' if number else ".face")


def no_mark_is_drawn(page: Page) -> bool:
    return page.evaluate(
        """() => { const c = document.getElementById('overlay');
           return !c.getContext('2d').getImageData(0, 0, c.width, c.height).data.some((value) => value); }"""
    )


def assert_nothing_outdated_was_shown(page: Page) -> None:
    ages = page.evaluate("ages")
    assert ages
    assert max(ages) <= 1000 + 1, max(ages)


@pytest.mark.parametrize("ends", ["within a second of silence", "when the page has given the connection up"])
def test_a_stall_leaves_no_outdated_mark_and_ends_with_a_fresh_one(
    open_page: OpenPage, network: Network, ends: str
) -> None:
    page = start_camera(open_page(base=network.url, expect_errors=True, script=WATCH_AGES))
    face_is_shown(page)
    network.freeze()
    until(page, lambda: no_mark_is_drawn(page), "the marks to be gone")
    if "given" in ends:
        page.wait_for_function(
            "states => !states.includes(document.getElementById('stage').dataset.state)",
            arg=list(WORKING),
        )
        expect(page.locator(".face")).to_have_count(0)
    network.thaw()
    face_is_shown(page)
    until(page, lambda: not no_mark_is_drawn(page), "the marks to be back")
    assert_nothing_outdated_was_shown(page)


def test_a_change_of_address_keeps_the_ids(open_page: OpenPage, network: Network) -> None:
    page = open_page(base=network.url, expect_errors=True, script=WATCH_AGES)
    page.evaluate(OTHER_ID)
    start_camera(page)
    face_is_shown(page, "1")
    for _ in range(2):  # the second time, the number comes from the server alone
        network.drop_connections()
        face_is_shown(page, "7")
        page.wait_for_selector('.face[data-face="1"]', state="detached")
    assert_nothing_outdated_was_shown(page)


def test_a_new_session_begins_with_new_numbers(open_page: OpenPage, network: Network) -> None:
    page = open_page(base=network.url, expect_errors=True)
    page.evaluate(OTHER_ID)
    start_camera(page)
    face_is_shown(page, "1")
    page.click("#stop")
    start_camera(page)
    face_is_shown(page)
    expect(page.locator('.face[data-face="1"]')).to_have_count(1)
