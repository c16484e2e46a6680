"""Sessions that were saved as JSON open again; whatever is no session gets a sentence, and the page stays usable."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pandas as pd
from playwright.sync_api import Page, expect

from ml.inference.contract import EMOTIONS
from tests.browser.access import PSEUDO, SIZES, assert_no_sideways_scroll, assert_nothing_cut_off, photograph
from tests.browser.sessions import painted_colours, save

OpenPage = Callable[..., Page]

FRAMES, FRAMES_PER_S = 240, 12


def emotions(at_s: float) -> dict[str, float]:
    """Happy in the middle, otherwise neutral."""
    happy = round(0.05 + 0.85 * math.exp(-(((at_s - 10) / 4) ** 2)), 4)
    rest = dict.fromkeys(EMOTIONS, 0.01)
    return rest | {"happy": happy, "neutral": round(0.95 - happy, 4)}


def session() -> dict[str, Any]:
    """Twenty seconds of two people as the page saves them."""
    frames = []
    for frame in range(FRAMES):
        at_s = round(frame / FRAMES_PER_S, 3)
        faces = []
        for face_id in (1, 2) if at_s < 15 else (1,):
            values = emotions(at_s + 2 * face_id)
            best = max(values, key=values.__getitem__)
            faces.append(
                {"id": face_id, "box": [100 * face_id, 80, 90, 90], "emotions": values, "dominant_emotion": best}
                | {"confidence": values[best], "uncertain": values[best] < 0.5, "smoothed": values}
            )
        frames.append({"frame": frame, "timestamp_s": at_s, "image": {"width": 640, "height": 480}, "faces": faces})
    return {
        "schema": "emotion-session/1",
        "started_utc": "2026-11-22T07:15:30.000Z",
        "source": "live",
        "model": {"name": "emotion", "version": "1234abcd", "ece": 0.01},
        "page_version": "1",
        "labels": list(EMOTIONS),
        "names": {"2": "Ben"},
        "frames": frames,
        "events": [
            {"t_s": 3, "kind": "marker", "name": "Song"},
            {"t_s": 5, "kind": "excluded", "to_s": 6.5},
            {"t_s": 17, "kind": "paused", "to_s": 17.5},
            {"t_s": 18, "kind": "offline", "to_s": 18.4},
            {"t_s": 18.5, "kind": "offline", "to_s": 19.5},
        ],
    }


def write(path: Path, document: object) -> Path:
    path.write_text(json.dumps(document), "utf-8")
    return path


THEME_CHANGE = """async (selector) => {
  const canvas = document.querySelector(selector), select = document.getElementById('theme');
  const painted = () => canvas.toDataURL();
  const seen = [painted()];
  select.value = 'dark';
  select.dispatchEvent(new Event('change'));
  await null; // whatever is painted in time for the next picture of the screen is painted now
  seen.push(painted());
  await new Promise((resolve) => setTimeout(resolve, 600));
  seen.push(painted());
  return seen;
}"""
"""A finished session's timeline before the theme changes, at once after it, and later."""


def open_file(page: Page, path: Path, state: str) -> None:
    page.set_input_files("#video-file", path)
    page.wait_for_selector(f"#video-view[data-state={state}]", state="attached")


def test_a_saved_session_is_looked_at_changed_and_saved_again(
    open_page: OpenPage, tmp_path: Path, screenshots: Path
) -> None:
    page = open_page("/video")
    path = write(tmp_path / "session.json", session())
    open_file(page, path, "session")
    summary = page.locator("#video-summary")
    expect(summary.get_by_role("heading").first).to_contain_text("0:19 · 2 faces · unsure")
    expect(summary.get_by_role("heading").first).to_contain_text("· offline 0:01")
    expect(summary).to_contain_text("opened from session.json")
    expect(summary.get_by_label("Name of the marker at 0:03")).to_have_value("Song")
    expect(summary).to_contain_text("Excluded: 0:05–0:06")
    expect(summary).to_contain_text("Longest stretch of another emotion: ")
    summary.get_by_text("What do these numbers mean?").click()
    expect(summary.get_by_text("add up to its time in view")).to_be_visible()
    expect(page.locator("#video-rate")).to_be_hidden()  # its frames have been read
    expect(page.locator("#video-timeline")).to_have_attribute("data-state", "shown")
    assert len(painted_colours(page, "#video-timeline .timeline__canvas")) >= 2, "ribbons of two emotions"
    photograph(page, "session-opened", screenshots)

    page.set_viewport_size({"width": 1280, "height": 720})
    before, in_one_task, later = page.evaluate(THEME_CHANGE, "#video-timeline .timeline__canvas")
    assert before != in_one_task == later, "the timeline was painted late"
    slider = page.locator("#video-timeline").get_by_role("slider")
    slider.fill("8")
    expect(slider).to_have_attribute("aria-valuetext", "0:08, Face 1: Happiness 90%; Ben: Happiness 71%")
    expect(page.locator("#video-faces .face")).to_have_count(2)
    expect(page.locator("#video-faces")).to_contain_text("Ben")
    slider.fill("18")
    expect(page.locator("#video-faces .face")).to_have_count(1)

    summary.get_by_role("button", name="View").click()
    expect(summary.get_by_role("button", name="Play")).to_be_focused()
    slider.fill("8")
    assert len(painted_colours(page, ".viewer__canvas")) >= 1
    summary.get_by_role("button", name="Back to the summary").click()

    asks = """(() => { const leaving = new Event('beforeunload', {cancelable: true});
      dispatchEvent(leaving); return leaving.defaultPrevented; })()"""
    assert not page.evaluate(asks)
    name = summary.get_by_label("Name of the marker at 0:03")
    name.fill("Encore")
    name.press("Tab")
    summary.get_by_role("button", name="Include again").click()
    assert page.evaluate(asks), "what was changed is in no file"
    table = pd.read_csv(save(page, "CSV", tmp_path))
    assert len(table) == sum(len(frame["faces"]) for frame in session()["frames"])
    assert table["marker"].dropna().tolist() == ["Encore"]
    assert "excluded" not in table
    assert not page.evaluate(asks)

    summary.get_by_role("button", name="Close the session").click()
    expect(summary).to_be_hidden()
    expect(page.get_by_text("Choose a video")).to_be_visible()
    expect(page.locator("#video-faces .face")).to_have_count(0)


NAMED = """(() => {
  const write = CanvasRenderingContext2D.prototype.fillText;
  window.named = new Map();
  CanvasRenderingContext2D.prototype.fillText = function (text, x, y) {
    const { width, actualBoundingBoxAscent: up, actualBoundingBoxDescent: down } = this.measureText(text);
    if (this.canvas.matches('.timeline__canvas--lines') && !text.includes('%')) {
      const { clientWidth, clientHeight } = this.canvas;
      window.named.set(text, { left: x, right: x + width, top: y - up, bottom: y + down, clientWidth, clientHeight });
    }
    return write.call(this, text, x, y);
  };
})();"""
"""Keeps where the lines' names were written last."""


def test_every_line_has_its_name(open_page: OpenPage, tmp_path: Path, screenshots: Path) -> None:
    page = open_page("/video", script=NAMED + PSEUDO)
    open_file(page, write(tmp_path / "session.json", session()), "session")
    page.locator("#video-timeline .timeline__button").filter(has_text="line").first.click()
    for width, height in SIZES:
        page.set_viewport_size({"width": width, "height": height})
        page.evaluate("named.clear()")
        page.wait_for_function("() => named.size >= 7")
        page.screenshot(path=screenshots / f"session-lines-{width}.png")
        names = sorted(page.evaluate("[...named.values()]"), key=lambda name: name["top"])
        assert len(names) == len(EMOTIONS)
        assert all(name["left"] > 0 and name["right"] <= name["clientWidth"] for name in names), width
        assert names[0]["top"] >= 0, width
        assert names[-1]["bottom"] <= names[-1]["clientHeight"], width
        assert all(one["bottom"] < other["top"] for one, other in pairwise(names)), f"names overlap at {width}"
        assert_no_sideways_scroll(page)
        assert_nothing_cut_off(page)
        whole = """() => { const [canvas, view] = ['canvas--lines', 'view'].map((part) =>
          document.querySelector(`#video-timeline .timeline__${part}`).getBoundingClientRect());
          return canvas.top >= view.top - 1 && canvas.bottom <= view.bottom + 1; }"""
        assert page.evaluate(whole), "the canvas is cut"


def test_files_that_are_no_session_get_a_sentence_and_the_page_still_works(
    open_page: OpenPage, tmp_path: Path, screenshots: Path
) -> None:
    good = session()
    text = json.dumps(good)
    wrong = json.loads(text)
    wrong["frames"][7]["faces"][0]["emotions"]["happy"] = 17
    (tmp_path / "empty.json").touch()
    (tmp_path / "picture.json").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100))
    (tmp_path / "cut.json").write_text(text[: len(text) // 2])
    (tmp_path / "damaged").write_text(text.replace('"timestamp_s": 1.0', '"timestamp_s" 1.0'))
    with (tmp_path / "large.json").open("wb") as file:
        file.write(text[:5000].encode())
        file.truncate(100 << 20)  # takes no room on the disk
    with (tmp_path / "huge.json").open("wb") as file:
        file.truncate(4 << 30)
    page = open_page("/video")
    for path, sentence in (
        (tmp_path / "empty.json", "The file is empty."),
        (tmp_path / "picture.json", "not a saved session: it begins with “�PNG"),
        (tmp_path / "cut.json", "The file is incomplete; complete frames: 1"),
        (tmp_path / "damaged", "The file is damaged; frames before the damage: 12 "),
        (write(tmp_path / "map.json", {"type": "FeatureCollection"}), 'emotion-session/1, found {"type":'),
        (write(tmp_path / "new.json", good | {"schema": "emotion-session/2"}), "is 2, this page reads format 1"),
        (tmp_path / "large.json", "The file is damaged; frames before the damage: "),
        (tmp_path / "huge.json", "The file has 4295 MB; sessions of up to 537 MB can be opened."),
        (
            write(tmp_path / "wrong.json", wrong),
            "expected 0 … 1 in frames[7].faces[0].emotions.happy, found 17",
        ),
        (write(tmp_path / "labels.json", good | {"labels": ["calm", "bored"]}), "other classes (calm, bored)"),
    ):
        open_file(page, path, "problem")
        expect(page.locator("#video-status")).to_contain_text(sentence)
        expect(page.get_by_text("Choose a video")).to_be_visible()
    photograph(page, "session-problem", screenshots)
    drop = page.evaluate_handle(
        """text => { const data = new DataTransfer();
          data.items.add(new File([text], 'session.json', {type: 'application/json'})); return data; }""",
        text,
    )
    page.dispatch_event("body", "drop", {"dataTransfer": drop})
    page.wait_for_selector("#video-view[data-state=session]", state="attached")
    expect(page.locator("#video-summary")).to_be_visible()
    page.dispatch_event("body", "dragenter", {"dataTransfer": drop})
    expect(page.get_by_text("Drop the video here.")).to_be_visible()
    page.screenshot(path=screenshots / "session-over.png")
    page.dispatch_event("body", "dragleave", {"dataTransfer": drop})
    expect(page.get_by_text("Drop the video here.")).to_be_hidden()
    expect(page.locator("#video-summary")).to_be_visible()
