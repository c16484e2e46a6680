"""Looking at what a page shows now: accessible by axe-core, nothing off the side, photographed."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from playwright.sync_api import Page

VIEWS = [(360, 640, "dark"), (1280, 720, "light"), (2560, 1440, "dark")]
MORE_VIEWS = [(320, 568, "light"), (768, 1024, "dark"), (740, 360, "light")]
"""For the states whose layout differs most: the narrowest reflow, a tablet, a phone on its side."""

# `target-size` is not in a default run of axe: it comes with its tag.
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa", "best-practice"]
AXE = files("axe_playwright_python").joinpath("axe.min.js")


def assert_accessible(page: Page) -> None:
    """Raise AssertionError that names every rule and element axe-core objects to."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE.read_text(encoding="utf-8") + "\n;0")
    violations = page.evaluate(
        "async tags => (await axe.run({runOnly: tags, resultTypes: ['violations']})).violations", TAGS
    )
    found = [
        f"{rule['id']}: {node['target']}: {node['failureSummary']}" for rule in violations for node in rule["nodes"]
    ]
    assert not found, "\n".join(found)


def assert_no_sideways_scroll(page: Page) -> None:
    """Everything fits the width (WCAG 1.4.10)."""
    wide, room = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
    assert wide <= room, f"the page is {wide} px wide in a window of {room} px"


def photograph(page: Page, name: str, folder: Path) -> None:
    """Look at the page at several sizes in either theme: accessible, nothing off the side, one picture each."""
    extra = MORE_VIEWS if name in ("live", "denied") else []
    for width, height, scheme in [*VIEWS, *extra]:
        page.set_viewport_size({"width": width, "height": height})
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        page.wait_for_timeout(100)
        page.screenshot(path=folder / f"{name}-{width}-{scheme}.png")
        assert_no_sideways_scroll(page)
        if width in (360, 1280) or name == "live":
            assert_accessible(page)
