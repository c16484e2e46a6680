"""Checks of what a page shows: accessibility by axe-core, nothing clipped, no sideways scrolling; and screenshots."""

from __future__ import annotations

import os
import zlib
from importlib.resources import files
from pathlib import Path

from playwright.sync_api import Page

FULL = bool(os.environ.get("EMOTION_TEST_FULL"))
"""Every state at every size in both themes; the default run spreads the pairs over the states."""

SIZES = [(320, 568), (360, 640), (640, 360), (768, 1024), (1280, 720), (2560, 1440)]
SCHEMES = ("light", "dark")
VIEWS = [(*size, scheme) for size in SIZES for scheme in SCHEMES]
VIEWS_PER_STATE = 3

# `target-size` is not in a default run of axe: it comes with its tag.
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa", "best-practice"]
AXE = files("axe_playwright_python").joinpath("axe.min.js")

CUT_OFF = """() => [...document.querySelectorAll('button, a, select, input, label.button, label.tool')]
  .filter((e) => e.checkVisibility() && !e.closest('.unseen, .skip') && !e.matches('.unseen'))
  .flatMap((e) => {
    const box = e.getBoundingClientRect();
    for (let parent = e.parentElement; parent && box.width; parent = parent.parentElement) {
      const { overflowX, overflowY, position } = getComputedStyle(parent);
      const room = parent.getBoundingClientRect();
      const hides = (overflow) => overflow === 'hidden' || overflow === 'clip';
      const isWide = box.left < room.left - 1 || box.right > room.right + 1;
      const isTall = box.top < room.top - 1 || box.bottom > room.bottom + 1;
      if ((hides(overflowX) && isWide) || (hides(overflowY) && isTall)) return [e.outerHTML.slice(0, 140)];
      if (/auto|scroll/.test(overflowX + overflowY)) return []; // it can be scrolled to
      if (position === 'fixed') break;
    }
    return box.left < -1 || box.right > innerWidth + 1 ? [e.outerHTML.slice(0, 140)] : [];
  })"""
SHORTENED = """() => [...document.querySelectorAll('.tool__label, .segments span, .button')]
  .filter((e) => e.checkVisibility() && e.scrollWidth > e.clientWidth + 1).map((e) => e.textContent.trim())"""
"""Words of controls that are cut, with or without an ellipsis."""
SQUEEZED = """() => [...document.querySelectorAll('.stage__advice')]
  .filter((e) => e.checkVisibility() && e.textContent && e.clientWidth < 100).map((e) => e.textContent)"""
"""Sentences in a column of a few letters."""


PSEUDO = r"""(() => {
  const longer = (text) => text.replace(/\{\w+\}|\p{L}{3,}/gu, (word) =>
    word.startsWith('{') ? word : word + word.slice(0, Math.ceil(0.4 * word.length)).toLowerCase());
  const all = (value) => {
    if (typeof value === 'string') return longer(value);
    if (Array.isArray(value)) return value.map(all);
    return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, all(one)]));
  };
  const [parse, json] = [JSON.parse, Response.prototype.json];
  JSON.parse = (...given) => {
    const value = parse(...given);
    return value?.strings ? {...value, strings: all(value.strings)} : value;
  };
  Response.prototype.json = async function () {
    const value = await json.call(this);
    return this.url.includes('/locales/') ? all(value) : value;
  };
  document.addEventListener('readystatechange', () => {
    if (document.readyState !== 'interactive') return;
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
      const text = texts.currentNode;
      if (!text.parentElement.closest('script, code')) text.data = longer(text.data);
    }
  });
})();"""
"""A script after which every word of a page is 40 % longer, as in a language that needs more room than these."""


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


def assert_nothing_cut_off(page: Page) -> None:
    """Every button, link and field that is shown is shown whole, or can be scrolled to."""
    assert page.evaluate(CUT_OFF) == []
    assert page.evaluate(SHORTENED) == []
    assert page.evaluate(SQUEEZED) == []


def views(name: str) -> list[tuple[int, int, str]]:
    """The sizes and themes in which a state is looked at: all, or some that depend on its name alone."""
    if FULL or name == "live":
        return VIEWS
    first = zlib.crc32(name.encode())
    step = 5  # shares no divisor with the number of views, so that all of them have their turn
    return [VIEWS[(first + step * index) % len(VIEWS)] for index in range(VIEWS_PER_STATE)]


def photograph(page: Page, name: str, folder: Path) -> None:
    """Look at the page at several sizes in either theme: accessible, nothing cut off, one picture each."""
    for index, (width, height, scheme) in enumerate(views(name)):
        page.set_viewport_size({"width": width, "height": height})
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        page.wait_for_timeout(100)
        page.screenshot(path=folder / f"{name}-{width}-{scheme}.png")
        assert_no_sideways_scroll(page)
        assert_nothing_cut_off(page)
        if FULL or index == 0:
            assert_accessible(page)
