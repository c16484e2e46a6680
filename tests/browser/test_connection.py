"""What the live page does when the server goes away, comes back, is full or too busy."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from playwright.sync_api import Page, expect

from tests.browser.access import photograph
from tests.browser.conftest import APP, WORKING, had_state, stage_state, start_camera, watch_states
from tests.support.network import Network
from tests.support.serving import Server

OpenPage = Callable[..., Page]


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[Server]:
    """A server for one test, to be ended; it has room for one."""
    with Server(APP, tmp_path / "log", EMOTION_WORKERS="1", EMOTION_MAX_CLIENTS="1") as server:
        server.wait_until_ready()
        yield server


def test_a_killed_server_is_lost_then_found_again(
    open_page: OpenPage, own_server: Server, tmp_path: Path, screenshots: Path
) -> None:
    page = start_camera(open_page(base=own_server.url, expect_errors=True))
    page.wait_for_selector(".face")
    watch_states(page)
    for process in [*own_server.descendants(), psutil.Process(own_server.process.pid)]:
        process.kill()
    had_state(page, "lost: Connection lost")
    expect(page.locator(".face")).to_have_count(0)
    stage_state(page, "reconnecting")
    photograph(page, "reconnecting", screenshots)
    page.context.set_offline(True)
    stage_state(page, "offline")
    photograph(page, "offline", screenshots)
    page.context.set_offline(False)
    again = Server(APP, tmp_path / "log2", EMOTION_WORKERS="1")
    again.port = own_server.port
    with again:
        again.wait_until_ready()
        stage_state(page, *WORKING)  # by itself
        page.wait_for_selector(".face")


def test_a_server_that_restarts_says_so(open_page: OpenPage, own_server: Server, screenshots: Path) -> None:
    page = start_camera(open_page(base=own_server.url, expect_errors=True))
    page.wait_for_selector(".face")
    own_server.signal(signal.SIGTERM)
    stage_state(page, "restarting")
    expect(page.locator("#message-text")).to_contain_text("The server is restarting")
    photograph(page, "restarting", screenshots)


def test_a_full_server_says_when_it_tries_again(open_page: OpenPage, own_server: Server, screenshots: Path) -> None:
    first = start_camera(open_page(base=own_server.url, expect_errors=True))
    second = open_page(base=own_server.url, expect_errors=True)
    second.click("[data-action=start]")
    stage_state(second, "full")
    expect(second.locator("#message-text")).to_contain_text("The server is full. Trying again in")
    photograph(second, "full", screenshots)
    first.click("#stop")
    stage_state(second, *WORKING)  # by itself


def test_a_silent_server_is_mentioned_and_frames_are_dropped_not_queued(
    open_page: OpenPage, own_server: Server, screenshots: Path
) -> None:
    with Network(own_server.port) as network:
        page = start_camera(open_page(base=network.url, expect_errors=True))
        page.wait_for_selector(".face")
        # Answers come too late to be shown, and early enough for the connection not to count as dead.
        network.set(rtt_ms=1500)
        stage_state(page, "busy-server")
        expect(page.locator("#advice")).to_contain_text("The server does not answer")
        photograph(page, "busy-server", screenshots)
        network.set(rtt_ms=0)
        page.wait_for_selector(".face")
