"""A real Chromium with recordings as its camera, looking at a real server. Browsers and the server are shared."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Playwright, expect, sync_playwright

from tests.support import recordings
from tests.support.serving import Server

APP = "wsgi:app"
TIMEOUT_MS = 60_000
"""How long anything may take on a slow and busy machine."""
WORKING = ("live", "nobody", "small", "dark", "busy-server", "returned")
"""States in which frames are sent and read; which one it is depends on the picture, and on how busy the machine is."""
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
CAMERA_FLAGS = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents and "chromium" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The server as it ships."""
    log = tmp_path_factory.mktemp("server") / "log"
    with Server(APP, log, EMOTION_API_PER_MINUTE="10000", EMOTION_HOSTS="cam.test") as running:
        running.wait_until_ready()
        yield running


@pytest.fixture(scope="session")
def clips(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Recordings by name, made when first asked for."""
    folder = tmp_path_factory.mktemp("clips")
    data = Path(os.environ.get("EMOTION_TEST_DATA", root.parent / "shared"))
    videos = data / "video"
    makers: dict[str, Callable[[], list[Any]]] = {
        # A real webcam's recording where there is one; a still face moved about where there is none.
        "person": lambda: (
            recordings.recorded(video) if (video := videos / "sorry.mkv").exists() else recordings.portrait()
        ),
        "two-people": lambda: (
            recordings.recorded(video)
            if (video := videos / "two-people-turning-heads.gif").exists()
            else recordings.portrait(face_px=95, count=2)
        ),
        "changing": lambda: recordings.changing(sorted((data / "photos").glob("0[0-4]?.jpg"))),
        "people": lambda: recordings.portrait(face_px=95, count=2),
        "crowd": lambda: recordings.portrait(face_px=40, count=8, sway_px=0),
        "empty": recordings.empty_room,
        "dark": recordings.darkness,
        "small": lambda: recordings.portrait(face_px=36),
    }

    def clip(name: str) -> Path:
        path = folder / f"{name}.mjpeg"
        return path if path.exists() else recordings.write_mjpeg(makers[name](), path)

    return clip


@pytest.fixture(scope="session")
def screenshots(root: Path) -> Path:
    """Where pictures of the pages go, to be looked at: EMOTION_SCREENSHOTS, or runs/screenshots."""
    folder = Path(os.environ.get("EMOTION_SCREENSHOTS", root / "runs" / "screenshots"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    expect.set_options(timeout=TIMEOUT_MS)
    with sync_playwright() as running:
        yield running


@pytest.fixture(scope="session")
def browsers(playwright: Playwright, chromium: str, clips: Callable[[str], Path]) -> Iterator[Callable[..., Browser]]:
    """Browsers by camera: the name of a recording, or None for one that asks and is refused."""
    running: dict[str | None, Browser] = {}

    def browser(camera: str | None) -> Browser:
        if camera not in running:
            flags = [*FLAGS, "--host-resolver-rules=MAP cam.test 127.0.0.1"]
            if camera:
                flags += [*CAMERA_FLAGS, f"--use-file-for-fake-video-capture={clips(camera)}"]
            running[camera] = playwright.chromium.launch(executable_path=chromium, args=flags)
        return running[camera]

    yield browser
    for one in running.values():
        one.close()


@pytest.fixture
def open_page(browsers: Callable[..., Browser], server: Server) -> Iterator[Callable[..., Page]]:
    """Opens a page in a context of its own; the test fails if the page logged an error it did not expect."""
    contexts: list[BrowserContext] = []
    problems: list[str] = []

    def open_page(
        path: str = "/",
        camera: str | None = "person",
        size: tuple[int, int] = (1280, 720),
        script: str = "",
        base: str = "",
        expect_errors: bool = False,
        **options: Any,
    ) -> Page:
        context = browsers(camera).new_context(viewport={"width": size[0], "height": size[1]}, **options)
        contexts.append(context)
        context.set_default_timeout(TIMEOUT_MS)
        if script:
            context.add_init_script(script)
        page = context.new_page()
        page.on("pageerror", lambda error: problems.append(str(error)))
        if not expect_errors:
            page.on("console", lambda message: problems.append(message.text) if is_unexpected(message) else None)
        page.goto((base or server.url) + path)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not problems, problems


def is_unexpected(message: ConsoleMessage) -> bool:
    """An error in the console, but for refused photos: the browser logs those whatever the page makes of them."""
    return message.type == "error" and "/api/analyze" not in message.location["url"]


def stage_state(page: Page, *states: str, timeout_ms: int = TIMEOUT_MS) -> None:
    """Wait until the live page is in one of these states."""
    page.wait_for_function(
        "states => states.includes(document.getElementById('stage').dataset.state)",
        arg=list(states),
        timeout=timeout_ms,
    )


def watch_states(page: Page) -> None:
    """From now on the page keeps every state of the stage with its sentence, as one text each, in `window.states`."""
    page.evaluate(
        """() => {
          const stage = document.getElementById('stage');
          window.states = [];
          const text = document.getElementById('message-text');
          const note = () => states.push(`${stage.dataset.state}: ${text.textContent}`);
          const options = {attributes: true, childList: true, characterData: true, subtree: true};
          new MutationObserver(note).observe(stage, options);
        }"""
    )


def had_state(page: Page, start: str) -> None:
    """Wait until a state whose text begins like this has been shown, even if only for a moment."""
    page.wait_for_function("start => states.some((state) => state.startsWith(start))", arg=start)


def start_camera(page: Page) -> Page:
    """Turn the camera on and wait until the page is at work."""
    page.click("[data-action=start]")
    stage_state(page, *WORKING)
    return page


def until(page: Page, holds: Callable[[], bool], what: str) -> None:
    """Wait for something only this side can see, or fail saying what it was."""
    give_up_s = time.monotonic() + TIMEOUT_MS / 1000
    while not holds():
        assert time.monotonic() < give_up_s, f"expected {what} within {TIMEOUT_MS} ms"
        page.wait_for_timeout(50)


@contextmanager
def frames_counted(page: Page) -> Iterator[Callable[[], int]]:
    """Counts binary WebSocket messages the page sends while the block runs."""
    sent = 0

    def count(event: dict[str, Any]) -> None:
        nonlocal sent
        sent += event["response"]["opcode"] == 2

    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    session.on("Network.webSocketFrameSent", count)
    yield lambda: sent
    session.detach()
