"""Two cameras, and a page that the browser gives none because it is not https."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, Playwright, Route, expect

from tests.browser.conftest import CAMERA_FLAGS, FLAGS, TIMEOUT_MS, WORKING, stage_state, start_camera
from tests.support.serving import Server

OpenPage = Callable[..., Page]

TRACK_ID = "() => document.getElementById('video').srcObject?.getVideoTracks()[0]?.getSettings().deviceId"


@pytest.fixture
def two_cameras(playwright: Playwright, chromium: str, server: Server) -> Iterator[Page]:
    """The live page in a browser with two cameras."""
    device, permission = CAMERA_FLAGS
    flags = [*FLAGS, f"{device}=device-count=2", permission]
    with playwright.chromium.launch(executable_path=chromium, args=flags) as browser:
        page = browser.new_page()
        page.set_default_timeout(TIMEOUT_MS)
        page.goto(server.url)
        yield page


def wait_for_camera(page: Page, device: str) -> None:
    page.wait_for_function(f"device => ({TRACK_ID})() === device", arg=device)
    stage_state(page, *WORKING)


def test_a_second_camera_can_be_switched_to_and_the_menu_names_it(two_cameras: Page) -> None:
    page = start_camera(two_cameras)
    choice = page.locator("#camera-choice")
    first = page.evaluate(TRACK_ID)
    expect(choice.locator("option")).to_have_count(3)  # the browser's choice, and two cameras
    expect(choice).to_have_value("")
    page.click("#flip")
    page.wait_for_function(f"device => ![device, undefined].includes(({TRACK_ID})())", arg=first)
    second = page.evaluate(TRACK_ID)
    expect(choice).to_have_value(second)
    page.click("#more-button")
    choice.select_option(first)
    wait_for_camera(page, first)
    page.reload()
    start_camera(page)
    expect(choice).to_have_value(first)


def test_one_camera_offers_no_switch(open_page: OpenPage) -> None:
    page = start_camera(open_page())
    expect(page.locator("#camera-choice option")).to_have_count(2)
    expect(page.locator("#flip")).to_be_hidden()


@pytest.mark.parametrize("answers", [True, False])
def test_https_is_offered_only_where_it_answers(open_page: OpenPage, server: Server, answers: bool) -> None:
    page = open_page(base=f"http://cam.test:{server.port}", expect_errors=True)
    stage_state(page, "insecure")
    asked: list[str] = []

    def answer(route: Route) -> None:
        asked.append(route.request.url)
        if answers:  # as the server itself answers there, its headers included
            route.fulfill(response=page.request.get(route.request.url.replace("https://cam.test", "http://127.0.0.1")))
        else:
            route.abort()

    page.route("https://cam.test*/**", answer)
    page.reload()
    stage_state(page, "insecure")
    link = page.locator("#message-actions a[href^='https:']")
    if answers:
        expect(link).to_have_attribute("href", f"https://cam.test:{server.port}/")
        expect(link).to_contain_text("https://cam.test")
    else:
        page.wait_for_load_state("networkidle")
        expect(link).to_have_count(0)
    assert asked
