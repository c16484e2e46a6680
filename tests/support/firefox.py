"""A headless Firefox that a test drives, with a picture as its camera."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time
import warnings
from pathlib import Path
from types import TracebackType
from typing import Any

from tests.support.serving import free_port

START_TIMEOUT_S = 60.0
WAIT_TIMEOUT_S = 30.0

PICTURE_AS_CAMERA = """
const page = window.wrappedJSObject || window;
page.problems = [];
page.addEventListener('error', (event) => page.problems.push(String(event.message)));
page.addEventListener('unhandledrejection', (event) => page.problems.push(String(event.reason)));
const picture = document.createElement('img');
picture.src = document.querySelector('script[type=module]').src.replace(/js\\/main\\.js$/, 'examples/portrait.jpg');
const canvas = Object.assign(document.createElement('canvas'), {width: 640, height: 480});
setInterval(() => canvas.getContext('2d').drawImage(picture, 0, 0, 640, 480), 50);
page.navigator.mediaDevices.getUserMedia = async () => (canvas.wrappedJSObject || canvas).captureStream(20);
"""


with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # the driver's own dependencies
    try:
        from marionette_driver.marionette import Marionette
    except ImportError:  # it needs `telnetlib`, which Python 3.13 has no longer
        Marionette = None


def find_firefox() -> str | None:
    """The browser's path; None where there is none, or nothing to drive it with."""
    if Marionette is None:
        return None
    return shutil.which("firefox-esr") or shutil.which("firefox")


class Firefox:
    """A context manager; what is saved lands in `folder / "downloads"`."""

    def __init__(self, folder: Path) -> None:
        self.downloads = folder / "downloads"
        self.downloads.mkdir()
        self._port = free_port()
        profile = folder / "profile"
        profile.mkdir()
        preferences = {
            "marionette.port": self._port,
            "browser.download.folderList": 2,
            "browser.download.dir": str(self.downloads),
        }
        lines = [f"user_pref({json.dumps(name)}, {json.dumps(value)});\n" for name, value in preferences.items()]
        (profile / "user.js").write_text("".join(lines), encoding="utf-8")
        self._command = [find_firefox() or "firefox", "--headless", "--marionette", "--profile", str(profile)]

    def __enter__(self) -> Firefox:
        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        give_up_s = time.monotonic() + START_TIMEOUT_S
        while True:
            try:
                socket.create_connection(("127.0.0.1", self._port), timeout=1).close()
                break
            except OSError:
                if time.monotonic() > give_up_s:
                    self._process.kill()
                    raise
                time.sleep(0.1)
        self._driver = Marionette("127.0.0.1", port=self._port)
        self._driver.start_session()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        client = self._driver.client
        self._driver.delete_session()
        client.close()
        self._process.terminate()
        self._process.wait(timeout=20)

    def open(self, url: str, *, camera: bool = False) -> None:
        """Go to a page; `camera`: the portrait among the page's examples stands in for a camera."""
        self._driver.navigate(url)
        if camera:
            self._driver.execute_script(PICTURE_AS_CAMERA, sandbox=None)

    def value(self, expression: str) -> Any:
        """What an expression of JavaScript gives in the page."""
        return self._driver.execute_script(f"return {expression}", sandbox=None)

    def wait(self, expression: str) -> None:
        """Wait until an expression holds."""
        give_up_s = time.monotonic() + WAIT_TIMEOUT_S
        while not self.value(expression):
            assert time.monotonic() < give_up_s, f"expected within {WAIT_TIMEOUT_S:.0f} s: {expression}"
            time.sleep(0.1)

    def press(self, text: str) -> None:
        """Click the button that says this."""
        find = f"[...document.querySelectorAll('button')].find((b) => b.textContent.trim() === {json.dumps(text)})"
        self.wait(f"Boolean({find})")
        self.value(f"{find}.click()")

    def saved(self, ending: str) -> Path:
        """The file with this ending that was saved, once it is complete."""
        give_up_s = time.monotonic() + WAIT_TIMEOUT_S
        while True:
            found = list(self.downloads.glob(f"*{ending}"))
            if found and found[0].stat().st_size and not list(self.downloads.glob("*.part")):
                return found[0]
            assert time.monotonic() < give_up_s, f"expected a saved file ending in {ending}"
            time.sleep(0.1)
