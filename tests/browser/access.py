"""Accessibility of what a page shows now, checked by axe-core."""

from __future__ import annotations

from importlib.resources import files

from playwright.sync_api import Page

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
