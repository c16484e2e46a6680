"""The pages in other engines: Firefox by Marionette, WebKitGTK by WebDriver under a virtual screen."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from selenium import webdriver

from tests.support.serving import Server, free_port
from webapp.catalogue import LANGUAGES, load_catalogue

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # of what it imports itself
    from marionette_driver.marionette import Marionette  # type: ignore[import-untyped]

GIVE_UP_S = 60.0
pytestmark = pytest.mark.filterwarnings("ignore:setting remote_server_addr:DeprecationWarning")  # Selenium's own
DEBIAN_BROWSER = "/usr/lib/x86_64-linux-gnu/webkit2gtk-4.1/MiniBrowser"

PORTRAIT_CAMERA = """
const picture = Object.assign(new Image(), { src: arguments[0] });
const canvas = Object.assign(document.createElement('canvas'), { width: 640, height: 480 });
const context = canvas.getContext('2d');
setInterval(() => {
  context.fillRect(0, 0, 640, 480);
  context.drawImage(picture, 80 + 4 * (Date.now() / 100 % 2), 0, 480, 480);
}, 66);
navigator.mediaDevices.getUserMedia = async () => canvas.captureStream(15);
"""
"""Stands in for a camera with a person before it: what Firefox plays by itself shows no face."""

CHOOSE_LANGUAGE = """
const select = document.getElementById('language');
select.value = arguments[0];
select.dispatchEvent(new Event('change'));
"""

Run = Callable[..., Any]


def until(run: Run, script: str, what: str) -> Any:
    """Wait until a script in the page returns something true."""
    give_up_s = time.monotonic() + GIVE_UP_S
    while not (found := run(f"return {script}")):
        assert time.monotonic() < give_up_s, f"expected {what} within {GIVE_UP_S} s"
        time.sleep(0.2)
    return found


def wait_for_port(port: int) -> None:
    give_up_s = time.monotonic() + GIVE_UP_S
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            assert time.monotonic() < give_up_s, f"expected somebody at port {port} within {GIVE_UP_S} s"
            time.sleep(0.2)


def show_every_language(run: Run) -> None:
    """Choose one language after the other; English last, for it is there at the start."""
    for language in [*(code for code in LANGUAGES if code != "en"), "en"]:
        until(run, "document.readyState === 'complete'", "a page")
        run(CHOOSE_LANGUAGE, language)
        until(run, f"document.documentElement.lang === '{language}' && document.readyState === 'complete'", language)
        first = run("return document.getElementById('message-text').textContent")
        assert first in load_catalogue(language).all["state"].values()


def installed(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"needs {name}: none on the PATH")
    return found


@pytest.fixture(scope="module")
def downloads(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("downloads")


@pytest.fixture(scope="module")
def firefox(tmp_path_factory: pytest.TempPathFactory, downloads: Path) -> Iterator[Marionette]:
    """A Firefox that gives pages its own moving picture for a camera, and saves files without asking."""
    profile, port = tmp_path_factory.mktemp("firefox"), free_port()
    preferences = {
        "marionette.port": port,
        "media.navigator.streams.fake": True,
        "media.navigator.permission.disabled": True,
        "intl.accept_languages": "en",
        "browser.download.folderList": 2,
        "browser.download.dir": str(downloads),
        "browser.helperApps.neverAsk.saveToDisk": "text/csv",
        "browser.shell.checkDefaultBrowser": False,
    }
    literal = {True: "true", False: "false"}
    lines = [
        f'user_pref("{name}", {literal[value] if isinstance(value, bool) else repr(value).replace(chr(39), chr(34))});'
        for name, value in preferences.items()
    ]
    (profile / "user.js").write_text("\n".join(lines))
    command = [
        installed("firefox-esr"),
        "--headless",
        "--marionette",
        "-remote-allow-system-access",
        "--profile",
        str(profile),
    ]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    driver = Marionette("127.0.0.1", port=port, startup_timeout=GIVE_UP_S)
    try:
        wait_for_port(port)
        driver.start_session()
        yield driver
        driver.delete_session()
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()


@pytest.fixture
def in_firefox(firefox: Marionette, server: Server) -> Iterator[Callable[[str], Run]]:
    """Opens an address and gives what runs scripts there; the test fails if the page reported an error."""

    def script_errors() -> list[str]:
        with firefox.using_context("chrome"):
            return firefox.execute_script(
                """return Services.console.getMessageArray()
                     .filter((m) => m instanceof Ci.nsIScriptError && !(m.flags & Ci.nsIScriptError.warningFlag))
                     .filter((m) => m.sourceName.startsWith(arguments[0]))
                     .map((m) => m.errorMessage)""",
                [server.url],
            )

    before = len(script_errors())

    def open_page(path: str) -> Run:
        firefox.navigate(server.url + path)
        return lambda script, *arguments: firefox.execute_script(script, list(arguments), sandbox=None)

    yield open_page
    assert script_errors()[before:] == []


def test_firefox_reads_its_camera(in_firefox: Callable[[str], Run]) -> None:
    run = in_firefox("/")
    run("document.querySelector('[data-action=start]').click()")
    until(run, "document.getElementById('stage').dataset.state === 'nobody'", "pictures that are read")
    until(run, "/[1-9]/.test(document.getElementById('number-rate').textContent)", "a rate")
    run("document.getElementById('stop').click()")
    until(run, "document.getElementById('stage').dataset.state === 'first'", "the first state again")


def test_firefox_reads_a_face_and_saves_a_session(in_firefox: Callable[[str], Run], downloads: Path) -> None:
    run = in_firefox("/")
    source = run("return document.querySelector('[data-example]').dataset.example")
    run(PORTRAIT_CAMERA, source)
    run("document.querySelector('[data-action=start]').click()")
    until(run, "document.querySelector('#faces .face')?.dataset.word === 'happy'", "a smiling face")
    time.sleep(6)  # a session of less than five seconds has no summary
    run("document.getElementById('stop').click()")
    until(run, "!document.getElementById('summary').hidden", "the summary")
    run("[...document.querySelectorAll('#summary button')].find((b) => b.textContent === 'CSV').click()")
    give_up_s = time.monotonic() + GIVE_UP_S
    while not (files := [path for path in downloads.glob("*.csv") if path.stat().st_size]):
        assert time.monotonic() < give_up_s, "expected a saved table, received none"
        time.sleep(0.2)
    table = pd.read_csv(files[0])
    assert (table["dominant_emotion"] == "happy").mean() > 0.9
    assert table["timestamp_s"].is_monotonic_increasing
    assert table["uncertain"].dtype == bool


def test_firefox_reads_a_photo(in_firefox: Callable[[str], Run]) -> None:
    run = in_firefox("/photo")
    until(run, "document.querySelector('#photo-faces .face')?.dataset.word === 'happy'", "the example's face")


SAMPLE_IS_READ = """(() => {
  const { state } = document.getElementById('video-view').dataset;
  return (state === 'done' || state === 'problem') && document.getElementById('video-status').textContent;
})()"""


def reads_the_sample(run: Run) -> None:
    """The clip that comes with the page is read from its first frame to its last, and the player can show it."""
    sentence = until(run, SAMPLE_IS_READ, "the end of the clip")
    assert "face" in sentence
    assert int(sentence.split()[0]) > 40
    assert run("return document.getElementById('video-player').videoWidth") == 384


def test_firefox_reads_a_video_to_its_end(in_firefox: Callable[[str], Run]) -> None:
    reads_the_sample(in_firefox("/video?sample"))


def test_firefox_shows_every_language(in_firefox: Callable[[str], Run]) -> None:
    show_every_language(in_firefox("/"))


@pytest.fixture(scope="module")
def webkit() -> Iterator[webdriver.WebKitGTK]:
    """WebKitGTK's own small browser on a screen that nobody sees."""
    xvfb, driver_path = installed("Xvfb"), installed("WebKitWebDriver")
    if not Path(DEBIAN_BROWSER).exists():
        pytest.skip(f"needs WebKitGTK's MiniBrowser: none at {DEBIAN_BROWSER}")
    screen = subprocess.Popen(
        [xvfb, "-displayfd", "1", "-screen", "0", "1280x800x24"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert screen.stdout
    display = screen.stdout.readline().decode().strip()
    options = webdriver.WebKitGTKOptions()
    options.binary_location = DEBIAN_BROWSER
    options.add_argument("--automation")
    service = webdriver.webkitgtk.service.Service(
        driver_path, env={"DISPLAY": f":{display}", "PATH": "/usr/bin:/bin", "HOME": "/tmp"}
    )
    try:
        driver = webdriver.WebKitGTK(options=options, service=service)
        yield driver
        driver.quit()
    finally:
        screen.terminate()
        screen.wait(15)
        screen.stdout.close()


def test_webkit_reads_a_photo(webkit: webdriver.WebKitGTK, server: Server) -> None:
    webkit.get(server.url + "/photo")
    until(
        webkit.execute_script,
        "document.querySelector('#photo-faces .face')?.dataset.word === 'happy'",
        "the example's face",
    )


def test_webkit_reads_a_video_to_its_end(webkit: webdriver.WebKitGTK, server: Server) -> None:
    webkit.get(server.url + "/video?sample")
    reads_the_sample(webkit.execute_script)


def test_webkit_shows_every_language(webkit: webdriver.WebKitGTK, server: Server) -> None:
    webkit.get(server.url)
    show_every_language(webkit.execute_script)


def test_webkit_without_a_camera_says_so_and_offers_a_photo(webkit: webdriver.WebKitGTK, server: Server) -> None:
    webkit.get(server.url)
    state = webkit.execute_script("return document.getElementById('stage').dataset.state")
    if state == "first":
        webkit.execute_script("document.querySelector('[data-action=start]').click()")
    leads_on = "document.querySelector('#message-actions [data-panel=photo]')"
    until(webkit.execute_script, f"{leads_on} !== null", "a way on")
    webkit.execute_script(f"{leads_on}.click()")
    until(webkit.execute_script, "location.pathname === '/photo'", "the panel of photographs")
