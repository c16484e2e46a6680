"""The page of the HTTP interface: its examples run unchanged, and its form shows request and reply."""

from __future__ import annotations

import contextlib
import io
import json
import shlex
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.access import photograph
from webapp.errors import ERRORS

OpenPage = Callable[..., Page]


@pytest.fixture
def api_page(open_page: OpenPage, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Page:
    """The page, and beside the test a picture with the name that the examples use."""
    (tmp_path / "me.jpg").write_bytes((root / "static" / "examples" / "portrait.jpg").read_bytes())
    monkeypatch.chdir(tmp_path)
    return open_page("/api")


def code(page: Page, name: str) -> str:
    return page.locator(f"#code-{name}").inner_text()


def test_the_curl_line_runs(api_page: Page) -> None:
    done = subprocess.run(shlex.split(code(api_page, "curl")), capture_output=True, text=True, timeout=60)
    assert json.loads(done.stdout)["faces"][0]["dominant_emotion"] == "happy"


@pytest.mark.parametrize("name", ["python", "live"])
def test_the_python_blocks_run(api_page: Page, name: str) -> None:
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        exec(compile(code(api_page, name), name, "exec"), {})
    assert "happy" in said.getvalue()


def test_the_python_block_tells_an_error(api_page: Page) -> None:
    Path("me.jpg").write_bytes(b"no picture")
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        exec(compile(code(api_page, "python"), "python", "exec"), {})
    assert said.getvalue().startswith("not_an_image expected a JPEG, PNG or WebP")


@pytest.mark.skipif(shutil.which("node") is None, reason="needs Node.js")
def test_the_javascript_block_runs(api_page: Page) -> None:
    Path("analyze.mjs").write_text(code(api_page, "javascript"))
    done = subprocess.run(["node", "analyze.mjs"], capture_output=True, text=True, timeout=60)
    assert "happy" in done.stdout, done.stderr


def test_the_blocks_are_whole_on_narrow_screens(api_page: Page) -> None:
    for width in (1280, 320):
        api_page.set_viewport_size({"width": width, "height": 720})
        scrolled = "(boxes) => boxes.filter((box) => box.scrollWidth > box.clientWidth).length"
        assert api_page.locator(".code pre, .article__scroll").evaluate_all(scrolled) == 0


def test_the_form_shows_request_and_reply(api_page: Page, screenshots: Path) -> None:
    api_page.set_input_files("input[name=image]", "me.jpg")
    api_page.click("#try button")
    expect(api_page.locator("#try-reply")).to_contain_text('"dominant_emotion": "happy"')
    expect(api_page.locator("#try-request")).to_contain_text("POST /api/analyze")
    photograph(api_page, "api", screenshots)
    api_page.select_option("select[name=format]", "fer")
    api_page.click("#try button")
    expect(api_page.locator("#try-request")).to_contain_text("POST /api/analyze?format=fer")
    expect(api_page.locator("#try-reply")).not_to_contain_text("dominant_emotion")
    expect(api_page.locator("#try-reply")).to_contain_text('"happy": ')


def test_every_error_of_the_interface_is_explained(api_page: Page) -> None:
    rows = api_page.locator(".article__table tbody tr")
    codes = [row.locator("th").inner_text() for row in rows.all()]
    assert codes == [code for code, _ in ERRORS]
    for cell in rows.locator("td:last-child").all():
        assert len(cell.inner_text()) > 10
