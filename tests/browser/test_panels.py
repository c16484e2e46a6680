"""One page, several panels: switching between them loses nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from playwright.sync_api import Page, expect

from tests.browser.access import PSEUDO, assert_no_sideways_scroll, assert_nothing_cut_off, photograph
from tests.browser.conftest import APP, WORKING, frames_counted, stage_state, start_camera, until
from tests.browser.states import KEEP_TRACK
from tests.support.serving import Server
from webapp.catalogue import LANGUAGES, load_catalogue

OpenPage = Callable[..., Page]


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[Server]:
    """A server for one test, to be ended."""
    with Server(APP, tmp_path / "log", EMOTION_WORKERS="1") as server:
        server.wait_until_ready()
        yield server


def test_the_camera_pauses_while_photos_are_shown_and_continues(open_page: OpenPage) -> None:
    page = start_camera(open_page(script=KEEP_TRACK))
    page.wait_for_selector("#faces .face")
    page.evaluate("window.samePage = true")
    with frames_counted(page) as count:
        page.click("nav >> text=Photos")
        expect(page).to_have_url(page.evaluate("location.origin") + "/photo")
        expect(page).to_have_title("Photos – Emotion")
        expect(page.locator("#panel-camera")).to_be_hidden()
        page.wait_for_selector(".tile[data-state=done]")
        page.wait_for_timeout(300)
        before = count()
        page.wait_for_timeout(600)
        assert count() == before
        page.go_back()
        stage_state(page, *WORKING)
        until(page, lambda: count() > before, "frames to be sent again")
    expect(page).to_have_title("Camera – Emotion")
    expect(page.locator("#faces .face")).to_have_count(1)
    page.go_forward()
    expect(page.locator(".tile[data-state=done]")).to_have_count(1)
    assert page.evaluate("window.samePage && track.readyState") == "live"


def test_every_panel_has_its_address(open_page: OpenPage) -> None:
    page = open_page("/photo")
    page.wait_for_selector(".tile[data-state=done]")
    page.click("nav >> text=Camera")
    stage_state(page, "first")
    start_camera(page)
    page.wait_for_selector("#faces .face")


def test_the_panel_of_photos_can_be_opened_when_the_server_is_gone(open_page: OpenPage, own_server: Server) -> None:
    page = start_camera(open_page(base=own_server.url, expect_errors=True))
    page.wait_for_selector("#faces .face")
    page.wait_for_load_state("networkidle")
    for process in [*own_server.descendants(), psutil.Process(own_server.process.pid)]:
        process.kill()
    stage_state(page, "lost", "reconnecting")
    assert "photo" not in page.locator("#message-actions").inner_text(), "nothing can be read without the server"
    page.click("nav >> text=Photos")
    expect(page.locator("#photo-drop")).to_be_visible()
    page.set_input_files("#file", Path("static/examples/close.jpg"))
    expect(page.locator("#photo-status")).to_have_text("No connection. Nothing was sent.")
    page.go_back()
    stage_state(page, "lost", "reconnecting")


def test_keys_work_after_the_menu_was_closed(open_page: OpenPage) -> None:
    page = start_camera(open_page())
    page.click("#more-button")
    page.keyboard.press("Escape")
    page.keyboard.press("m")
    expect(page.locator("#video")).not_to_have_class("mirrored")
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_be_visible()


def test_a_chosen_language_is_kept(open_page: OpenPage, screenshots: Path) -> None:
    page = open_page()
    for language in ("de", "zh", "es"):
        page.select_option("#language", language)
        expect(page.locator("html")).to_have_attribute("lang", language)
        expect(page.locator("#message-text")).to_have_text(load_catalogue(language).all["state"]["first"])
        page.reload()
        expect(page.locator("html")).to_have_attribute("lang", language)
        page.screenshot(path=screenshots / f"first-{language}.png")


@pytest.mark.parametrize("language", [*LANGUAGES, "longer"])
def test_every_language_fits_the_narrowest_screens(open_page: OpenPage, language: str, screenshots: Path) -> None:
    locale, script = ("en", PSEUDO) if language == "longer" else (language, "")
    page = open_page(size=(320, 568), locale=locale, camera="people", script=script)
    for width, height in ((320, 568), (640, 360)):
        page.set_viewport_size({"width": width, "height": height})
        assert_no_sideways_scroll(page)
        assert_nothing_cut_off(page)
    start_camera(page)
    page.wait_for_selector("#faces .face")
    photograph(page, f"live-{language}", screenshots)
    page.set_viewport_size({"width": 320, "height": 568})
    page.click("nav a[data-panel=photo]")
    page.wait_for_selector(".tile[data-state=done]", timeout=60_000)
    photograph(page, f"photo-{language}", screenshots)


@pytest.mark.parametrize("size", [(1280, 720), (1024, 768), (2560, 1440)])
def test_on_a_desktop_nothing_but_the_list_of_faces_scrolls(open_page: OpenPage, size: tuple[int, int]) -> None:
    page = start_camera(open_page(camera="crowd", size=size))
    page.wait_for_function("() => document.querySelectorAll('#faces .face').length >= 4")
    tall, room = page.evaluate("[document.documentElement.scrollHeight, innerHeight]")
    assert tall <= room
    for button in ("pause", "stop", "more-button"):
        expect(page.locator(f"#{button}")).to_be_in_viewport(ratio=1)


@pytest.mark.parametrize("size", [(320, 568), (360, 640), (640, 360)])
def test_the_first_view_tells_about_privacy_and_offers_the_camera(open_page: OpenPage, size: tuple[int, int]) -> None:
    page = open_page(size=size)
    expect(page.locator("#message-privacy")).to_be_in_viewport(ratio=1)
    expect(page.locator("[data-action=start]")).to_be_in_viewport(ratio=1)
    above = page.locator("#message-privacy").bounding_box()
    below = page.locator("[data-action=start]").bounding_box()
    assert above
    assert below
    assert above["y"] < below["y"]


@pytest.mark.parametrize("size", [(360, 640), (320, 568)])
def test_on_a_phone_the_answer_and_stop_are_in_view_and_values_open_as_a_sheet(
    open_page: OpenPage, size: tuple[int, int]
) -> None:
    page = start_camera(open_page(size=size))
    face = page.locator("#faces .face").first
    expect(face.locator(".face__word")).to_be_in_viewport(ratio=1)
    expect(page.locator("#stop")).to_be_in_viewport(ratio=1)
    expect(face.locator(".face__details")).to_be_hidden()
    face.locator(".face__head").click()
    expect(face.locator(".bars__row").last).to_be_in_viewport(ratio=1)
    face.locator(".face__close").click()
    expect(face.locator(".face__details")).to_be_hidden()
    with page.expect_download():
        page.click("#snapshot-corner")
