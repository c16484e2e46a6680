"""What tests of sessions share: answers as they reach the page, saved files, and the colours that a canvas shows."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from playwright.sync_api import Download, Page


class Answers:
    """Every answered frame that reached the page, read from its socket: the list of its faces.

    Made before the camera starts, it also knows how many frames were on their way at once, at most.
    """

    def __init__(self, page: Page) -> None:
        self.faces: list[list[dict[str, Any]]] = []
        self.most_on_the_way = 0
        self._on_the_way = 0
        self._newest = -1
        session = page.context.new_cdp_session(page)
        session.on("Network.webSocketFrameReceived", self._received)
        session.on("Network.webSocketFrameSent", self._sent)
        session.send("Network.enable")

    def _sent(self, event: dict[str, Any]) -> None:
        if event["response"]["opcode"] == 2:
            self._on_the_way += 1
            self.most_on_the_way = max(self.most_on_the_way, self._on_the_way)

    def _received(self, event: dict[str, Any]) -> None:
        found = re.match(r"43(\d+)(\[.*)", str(event["response"]["payloadData"]), re.DOTALL)
        if not found:
            return
        number = int(found[1])
        for answer in json.loads(found[2]):
            self._on_the_way -= 1
            # An answer that was overtaken by a later one is not shown.
            if "faces" in answer and number > self._newest:
                self._newest = number
                self.faces.append(answer["faces"])


def save(page: Page, name: str, folder: Path) -> Path:
    with page.expect_download(timeout=60_000) as saving:
        page.get_by_role("group", name="Save…").get_by_role("button", name=name).click()
    return keep(saving.value, folder)


def keep(download: Download, folder: Path) -> Path:
    path = folder / download.suggested_filename
    download.save_as(path)
    return path


def painted_colours(page: Page, canvas: str) -> set[int]:
    """Opaque colours that cover at least ten pixels of a canvas."""
    found = page.evaluate(
        """selector => { const c = document.querySelector(selector), counts = new Map();
           const d = new Uint32Array(c.getContext('2d').getImageData(0, 0, c.width, c.height).data.buffer);
           for (const pixel of d) if (pixel >>> 24 === 255) counts.set(pixel, (counts.get(pixel) ?? 0) + 1);
           return [...counts].filter(([, n]) => n >= 10).map(([pixel]) => pixel); }""",
        canvas,
    )
    return set(found)
