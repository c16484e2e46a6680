"""Every state of the live page: reached in a real browser; its text, actions and accessibility.

The pictures go to the folder `screenshots` of conftest.py.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.access import photograph
from tests.browser.conftest import WORKING, stage_state, start_camera, watch_states
from tests.browser.states import KEEP_TRACK, OTHER_CLASSES, STATES, refusal
from tests.support.serving import Server

OpenPage = Callable[..., Page]


@pytest.mark.parametrize("name", STATES)
def test_a_state_says_what_happened_and_offers_a_way_on(
    name: str, open_page: OpenPage, server: Server, screenshots: Path
) -> None:
    state = STATES[name]
    opened = dict(state.opened)
    if "base" in opened:
        opened["base"] += f":{server.port}"
    page = open_page(**opened)
    state.reach(page)
    stage_state(page, *(WORKING if name == "live" else (name,)))
    if name != "live":  # some words pass by themselves, so they are read before the slow pictures
        line = page.locator("#advice" if page.get_attribute("#stage", "data-look") == "line" else "#message-text")
        expect(line).to_contain_text(state.says)
        buttons = page.locator("#message-actions > *")
        expect(buttons).to_contain_text(list(state.actions)) if state.actions else expect(buttons).to_have_count(0)
    photograph(page, name, screenshots)


def test_a_page_does_not_read_with_a_model_of_other_classes(open_page: OpenPage) -> None:
    """As after a restart of the server with another model: the page has the classes of the one before."""
    page = open_page(script=OTHER_CLASSES)
    page.click("[data-action=start]")
    stage_state(page, "outdated")
    expect(page.locator("#message-actions")).to_contain_text("Reload")
    expect(page.locator(".face")).to_have_count(0)
    page.get_by_role("link", name="Video", exact=True).click()
    page.get_by_role("link", name="Try a sample").click()
    page.wait_for_selector("#video-view[data-state=done]", state="attached")
    expect(page.locator("#video-status")).to_contain_text("0 frames read")


def test_the_page_of_an_unknown_address_links_to_the_camera(open_page: OpenPage, screenshots: Path) -> None:
    page = open_page("/nowhere", expect_errors=True)
    photograph(page, "missing", screenshots)
    page.click("main a >> text=Camera")
    stage_state(page, "first")


def test_the_focus_moves_from_the_camera_to_the_controls(open_page: OpenPage) -> None:
    page = open_page()
    page.focus("[data-action=start]")
    page.keyboard.press("Enter")
    stage_state(page, *WORKING)
    page.keyboard.press("Tab")
    expect(page.locator("#stage .stage__info")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.locator("#pause")).to_be_focused()


NO_POPOVER_SELECTOR = """
const matches = Element.prototype.matches;
Element.prototype.matches = function (selector) {
  return matches.call(this, selector.includes(":popover-open") ? ":unknown" : selector);
};
"""
"""A selector that some browsers do not know ends an update with an error."""


def test_an_open_popover_and_dialog_are_accessible(open_page: OpenPage, screenshots: Path) -> None:
    page = start_camera(open_page(script=NO_POPOVER_SELECTOR))
    page.wait_for_selector(".face")
    page.click("#more-button")
    page.click(".details summary")
    photograph(page, "more", screenshots)
    page.keyboard.press("Escape")
    page.locator(".face__details:visible .link").first.click()
    expect(page.locator("#meaning-text")).to_have_text(
        re.compile(r"Of 100 faces read with >?\d+%, about \d+ get the same word from most people")
    )
    photograph(page, "meaning", screenshots)
    value = "document.querySelector('.bars__row').dataset.value"
    before = page.evaluate(value)
    page.wait_for_function(f"before => {value} !== before", arg=before)
    asked, told = (page.locator(at).first.inner_text() for at in (".face__details:visible .link", "#meaning-text"))
    number = re.search(r">?\d+%", asked)  # none while a word is held
    assert number is None or number[0] in told, "the button names another percentage than the one that is explained"
    page.keyboard.press("Escape")
    page.evaluate("document.getElementById('keys').showModal()")
    photograph(page, "keys", screenshots)


@pytest.mark.parametrize("camera", ["people", "crowd"])
def test_several_faces_are_accessible(open_page: OpenPage, screenshots: Path, camera: str) -> None:
    page = start_camera(open_page(camera=camera))
    page.wait_for_function("() => document.querySelectorAll('.face').length >= 2")
    photograph(page, camera, screenshots)


def test_a_browser_that_was_never_asked_is_refused(open_page: OpenPage) -> None:
    page = open_page(camera=None)
    page.click("[data-action=start]")
    stage_state(page, "denied", "dismissed", "none")
    expect(page.locator("#message-actions")).to_contain_text("Use a photo")


@pytest.mark.parametrize("name", ["TrackStartError", "AbortError"])
def test_other_names_of_a_busy_camera(open_page: OpenPage, name: str) -> None:
    page = open_page(script=refusal(name))
    page.click("[data-action=start]")
    stage_state(page, "busy")


def test_unsupported_camera_constraints_are_dropped(open_page: OpenPage) -> None:
    page = open_page(
        script="""
        const get = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
        navigator.mediaDevices.getUserMedia = (wanted) => wanted.video === true
          ? get(wanted) : Promise.reject(new OverconstrainedError('width', 'no'));
        """
    )
    start_camera(page)


def test_it_starts_by_itself_when_the_permission_changes(open_page: OpenPage) -> None:
    page = open_page(
        script="""
        const get = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
        const status = Object.assign(new EventTarget(), {state: 'denied'});
        navigator.permissions.query = async () => status;
        navigator.mediaDevices.getUserMedia = (wanted) => status.state === 'denied'
          ? Promise.reject(new DOMException('no', 'NotAllowedError')) : get(wanted);
        window.allow = () => { status.state = 'granted'; status.dispatchEvent(new Event('change')); };
        """
    )
    page.click("[data-action=start]")
    stage_state(page, "denied")
    page.evaluate("allow()")
    stage_state(page, *WORKING)


def test_it_starts_by_itself_when_a_camera_is_plugged_in(open_page: OpenPage) -> None:
    page = open_page(
        script="""
        const get = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
        let plugged = false;
        navigator.mediaDevices.getUserMedia = (wanted) => plugged
          ? get(wanted) : Promise.reject(new DOMException('none', 'NotFoundError'));
        window.plug = () => { plugged = true; navigator.mediaDevices.dispatchEvent(new Event('devicechange')); };
        """
    )
    page.click("[data-action=start]")
    stage_state(page, "none")
    page.evaluate("plug()")
    stage_state(page, *WORKING)


def test_a_tap_starts_where_the_browser_wants_one(open_page: OpenPage) -> None:
    page = open_page(**STATES["tap"].opened)
    page.click("[data-action=start]")
    stage_state(page, "tap")
    page.click("[data-action=tap]")
    stage_state(page, *WORKING)


def test_a_mute_that_ends_soon_is_not_mentioned(open_page: OpenPage) -> None:
    page = start_camera(open_page(script=KEEP_TRACK))
    watch_states(page)
    page.evaluate(
        """async () => {
          const after = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
          track.dispatchEvent(new Event('mute'));
          await after(500);
          track.dispatchEvent(new Event('unmute'));
          await after(1500);
        }"""
    )
    assert not [state for state in page.evaluate("states") if state.startswith("muted")]
    stage_state(page, *WORKING)


def test_cancel_while_the_browser_asks_goes_back(open_page: OpenPage) -> None:
    page = open_page(**STATES["asking"].opened)
    page.click("[data-action=start]")
    stage_state(page, "asking")
    page.click("[data-action=cancel]")
    stage_state(page, "first")
