"""The live page at work: camera, frames, marks, rows, controls."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from playwright.sync_api import Page, expect

from ml.inference.contract import DISPLAY_NAMES, Box
from ml.inference.faces import FaceDetector
from ml.inference.geometry import iou
from tests.browser.conftest import WORKING, frames_counted, stage_state, start_camera, until
from tests.browser.sessions import Answers
from tests.browser.states import HIDE, KEEP_TRACK, SHOW

OpenPage = Callable[..., Page]


def overlay_pixels(page: Page) -> int:
    """How many pixels of the overlay are painted."""
    return page.evaluate(
        """() => { const c = document.getElementById('overlay');
           const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;
           let n = 0; for (let i = 3; i < d.length; i += 4) n += d[i] > 0; return n; }"""
    )


def test_one_face_shows_all_seven_probabilities(open_page: OpenPage) -> None:
    page = start_camera(open_page())
    face = page.locator(".face")
    expect(face).to_have_count(1)
    expect(face.locator(".bars__name")).to_have_text(list(DISPLAY_NAMES.values()))
    values = face.locator("[data-value]").evaluate_all("bars => bars.map((bar) => Number(bar.dataset.value))")
    assert len(values) == 7
    assert sum(values) == pytest.approx(1, abs=1e-3)
    expect(face.locator(".bars__number")).to_have_text([re.compile(r"^[<>]?\d+%$")] * 7)
    until(page, lambda: overlay_pixels(page) > 500, "marks on the overlay")


WATCH_MARKS = """
window.marks = {};
const { roundRect } = CanvasRenderingContext2D.prototype;
CanvasRenderingContext2D.prototype.roundRect = function (x, y, w, h, radius) {
  // A mark's radius is 12 % of its side; that of a plate depends on the text.
  if (Math.abs(radius - 0.12 * Math.min(w, h)) < 1e-6) marks[this.canvas.id || 'snapshot'] = [x, y, w, h];
  return roundRect.call(this, x, y, w, h, radius);
};
"""
SEE = """() => {
  const video = document.getElementById('video'), shown = document.getElementById('overlay').getBoundingClientRect();
  const canvas = Object.assign(document.createElement('canvas'), {width: shown.width, height: shown.height});
  const scale = Math.min(canvas.width / video.videoWidth, canvas.height / video.videoHeight);
  const [w, h] = [video.videoWidth * scale, video.videoHeight * scale];
  canvas.getContext('2d').drawImage(video, (canvas.width - w) / 2, (canvas.height - h) / 2, w, h);
  return { mark: marks.overlay, width: canvas.width, picture: canvas.toDataURL('image/png') };
}"""


def face_in(picture: np.ndarray) -> Box:
    """The largest face of a picture `(height, width, 3)` uint8, by the detector itself."""
    faces, _ = FaceDetector().search(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY))
    return max(faces, key=lambda face: face.window.side).window.box


def test_the_mark_is_on_the_face(open_page: OpenPage) -> None:
    page = start_camera(open_page(script=WATCH_MARKS))
    until(page, lambda: overlay_pixels(page) > 500, "marks on the overlay")
    seen = page.evaluate(SEE)
    png = base64.b64decode(seen["picture"].partition(",")[2])
    face = face_in(cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR))
    x, y, w, h = map(round, seen["mark"])
    mirrored = Box(round(seen["width"]) - x - w, y, w, h)
    assert iou(mirrored, face) > 0.5, (mirrored, face)


ENCODE = """async ([width, height]) => {
  const script = document.querySelector('script[type=module]').src;
  const { Encoder, pictureOf } = await import(new URL('shared/encoder.js', script));
  const video = document.getElementById('video'), frame = new VideoFrame(video);
  const context = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true });
  context.drawImage(frame, 0, 0, width, height);
  const shown = context.getImageData(0, 0, width, height).data;
  const encoder = new Encoder();
  const jpeg = await encoder.encode(pictureOf(video, frame), { width, height, quality: 0.9 });
  encoder.close();
  frame.close();
  context.drawImage(await createImageBitmap(new Blob([jpeg])), 0, 0);
  const sent = context.getImageData(0, 0, width, height).data;
  let [colours, contrast, difference] = [0, [255, 0], 0];
  for (let i = 0; i < sent.length; i += 4) {
    const level = 0.299 * shown[i] + 0.587 * shown[i + 1] + 0.114 * shown[i + 2];
    contrast = [Math.min(contrast[0], level), Math.max(contrast[1], level)];
    difference += Math.abs(level - (0.299 * sent[i] + 0.587 * sent[i + 1] + 0.114 * sent[i + 2])) / (sent.length / 4);
    colours = Math.max(colours, Math.abs(sent[i] - sent[i + 2]));
  }
  return [colours, contrast[1] - contrast[0], difference];
}"""


def test_a_smaller_picture_is_sent_grey_and_as_bright_as_it_is_shown(open_page: OpenPage) -> None:
    page = start_camera(open_page())
    colours, contrast, difference = page.evaluate(ENCODE, [400, 300])
    assert colours == 0, "made by the worker, from the frame's brightness"
    assert contrast > 100
    assert difference < 3, "mean of the levels; it is sampled in another way, and compressed"
    colours, _, difference = page.evaluate(ENCODE, [640, 480])
    assert colours > 50, "a picture of the camera's size is drawn"
    assert difference < 3


def test_two_people_get_a_row_and_a_number_each(open_page: OpenPage) -> None:
    page = start_camera(open_page(camera="people"))
    expect(page.locator(".face")).to_have_count(2)
    expect(page.locator(".face__label")).to_contain_text(["Face", "Face"])
    page.keyboard.press("2")
    expect(page.locator(".face").nth(1)).to_have_class(re.compile("face--selected"))
    page.locator(".face__head").first.click()
    expect(page.locator(".face").first).to_have_class(re.compile("face--selected"))


def test_a_click_on_a_face_selects_it_mirrored_or_not(open_page: OpenPage) -> None:
    page = start_camera(open_page(camera="people"))
    box = page.locator("#overlay").bounding_box()
    assert box

    def names() -> list[str]:
        return page.locator(".face__label").all_inner_texts()

    def select_at(part: float) -> str:
        page.mouse.click(box["x"] + box["width"] * part, box["y"] + box["height"] * 0.62)
        return "".join(page.locator(".face--selected .face__label").all_inner_texts())

    # On a busy machine answers may stay away for a second, and the faces then count as new ones: try again.
    for _ in range(5):
        expect(page.locator(".face")).to_have_count(2)
        before = names()
        as_in_a_mirror = select_at(0.4), select_at(0.6)
        page.keyboard.press("m")
        page.evaluate("new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))")
        as_others_see = select_at(0.4), select_at(0.6)
        page.keyboard.press("m")
        page.evaluate("new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))")
        if names() == before and len(before) == 2:
            break
    assert sorted(as_in_a_mirror) == before
    assert as_others_see == as_in_a_mirror[::-1]


def test_stop_ends_the_track_and_clears_everything(open_page: OpenPage) -> None:
    page = start_camera(open_page(script=KEEP_TRACK))
    assert page.evaluate("track.readyState") == "live"
    page.click("#stop")
    stage_state(page, "first")
    assert page.evaluate("track.readyState") == "ended"
    expect(page.locator(".face")).to_have_count(0)
    assert overlay_pixels(page) == 0
    with frames_counted(page) as count:
        page.wait_for_timeout(600)
        assert count() == 0


def test_leaving_the_page_ends_the_track(open_page: OpenPage) -> None:
    page = start_camera(open_page(script=KEEP_TRACK))
    page.evaluate("dispatchEvent(new PageTransitionEvent('pagehide'))")
    assert page.evaluate("track.readyState") == "ended"


def test_nothing_is_sent_while_paused(open_page: OpenPage) -> None:
    page = start_camera(open_page())
    with frames_counted(page) as count:
        until(page, lambda: count() >= 3, "frames to be sent")
        page.keyboard.press(" ")
        stage_state(page, "paused")
        page.wait_for_timeout(300)
        before = count()
        page.wait_for_timeout(800)
        assert count() == before
        assert overlay_pixels(page) == 0
        page.keyboard.press(" ")
        stage_state(page, *WORKING)
        until(page, lambda: count() > before, "frames to be sent again")


IN_FLIGHT = 8
"""At most so many answers of before a pause arrive after it."""


def test_pauses_change_no_number(open_page: OpenPage) -> None:
    """Whoever leaves and returns keeps a number too: `tests/ml/inference/test_tracks.py`."""
    page = open_page(camera="people")
    answers = Answers(page)
    start_camera(page)

    def two_faces() -> list[list[dict[str, Any]]]:
        return [faces for faces in answers.faces if len(faces) == 2]

    def is_read() -> None:
        before = len(two_faces())
        until(page, lambda: len(two_faces()) > before + IN_FLIGHT, "answers to new frames")
        expect(page.locator(".face")).to_have_count(2)

    is_read()
    for _ in range(3):
        page.keyboard.press(" ")
        stage_state(page, "paused")
        page.keyboard.press(" ")
        stage_state(page, *WORKING)
        is_read()
    from_left = {tuple(face["id"] for face in sorted(faces, key=lambda face: face["box"][0])) for faces in two_faces()}
    assert from_left in ({(1, 2)}, {(2, 1)})


def test_a_hidden_page_pauses_and_continues_when_shown(open_page: OpenPage) -> None:
    page = start_camera(open_page(script=KEEP_TRACK))
    with frames_counted(page) as count:
        page.evaluate(HIDE)
        stage_state(page, "hidden")
        assert page.title().startswith("Paused")
        page.wait_for_timeout(300)
        before = count()
        page.wait_for_timeout(700)
        assert count() == before
        page.evaluate(SHOW)
        stage_state(page, *WORKING)
        expect(page.locator(".face")).to_have_count(1)
    assert not page.title().startswith("Paused")


def test_the_camera_goes_off_after_a_minute_hidden_and_on_again(open_page: OpenPage) -> None:
    page = open_page(script=KEEP_TRACK)
    page.clock.install()
    page.reload()
    page.click("[data-action=start]")
    page.clock.run_for(500)
    page.wait_for_function("() => window.track?.readyState === 'live'")
    page.evaluate(HIDE)
    page.clock.run_for(61_000)
    page.wait_for_function("() => track.readyState === 'ended'")
    page.evaluate(SHOW)
    page.wait_for_function("() => track.readyState === 'live'")


def test_switches_work_and_are_remembered(open_page: OpenPage) -> None:
    page = start_camera(open_page())
    expect(page.locator("#video")).to_have_class("mirrored")
    page.click("#more-button")
    page.uncheck("#mirror")
    page.uncheck("#marks")
    page.locator("#smoothing label", has_text="Strong").click()
    expect(page.locator("#video")).not_to_have_class("mirrored")
    until(page, lambda: overlay_pixels(page) == 0, "an empty overlay")
    page.reload()
    page.click("#more-button")
    expect(page.locator("#mirror")).not_to_be_checked()
    expect(page.locator("#marks")).not_to_be_checked()
    expect(page.locator("#smoothing input[value=strong]")).to_be_checked()


def test_numbers_are_shown(open_page: OpenPage) -> None:
    page = start_camera(open_page())
    page.click("#more-button")
    page.click(".details summary")
    for name in ("rate", "delay", "path", "age", "size", "flow", "sent", "dropped"):
        expect(page.locator(f"#number-{name}")).to_have_text(re.compile(r"\d"))
    for name in ("data-rate", "data-age-ms"):
        expect(page.locator("#stage")).to_have_attribute(name, re.compile(r"^[1-9]\d*$"))
    page.keyboard.press("Escape")
    page.click("#pause")
    for name in ("data-rate", "data-age-ms"):  # nothing is read: no number
        expect(page.locator("#stage")).to_have_attribute(name, "")


SAVE_DATA = "Object.defineProperty(navigator, 'connection', {value: {saveData: true}});"


def test_whoever_saves_data_sends_small_pictures(open_page: OpenPage) -> None:
    page = start_camera(open_page(script=SAVE_DATA))
    page.wait_for_selector(".face")
    page.click("#more-button")
    page.click(".details summary")
    # The usual picture is 640 pixels wide.
    expect(page.locator("#number-size")).to_have_text(re.compile(r"^(240|320|400|480) × "))


def recorded_frame(picture: np.ndarray, clip: Path) -> tuple[np.ndarray, float]:
    """The frame of a recording that is most like a picture of it with marks, in the picture's size; and how alike they
    are, colours and all: 1 is the same but for contrast and brightness."""
    reader, frames = cv2.VideoCapture(str(clip)), []
    while (read := reader.read())[0]:
        frames.append(cv2.resize(read[1], picture.shape[1::-1]))
    alike = [float(np.corrcoef(frame[::8, ::8].ravel(), picture[::8, ::8].ravel())[0, 1]) for frame in frames]
    best = int(np.argmax(alike))
    return frames[best], alike[best]


@pytest.mark.parametrize("paused", [False, True])
def test_a_snapshot_has_the_colours_of_the_camera_and_the_mark_on_the_face(
    open_page: OpenPage, clips: Callable[[str], Path], tmp_path: Path, paused: bool
) -> None:
    page = start_camera(open_page(script=WATCH_MARKS))
    page.wait_for_selector(".face")
    if paused:
        page.click("#pause")
        page.wait_for_timeout(500)  # the camera goes on, and the recording with it
    with page.expect_download() as download:
        page.keyboard.press("s")
    assert download.value.suggested_filename.startswith("emotions_20")
    expect(page.locator(".toast")).to_have_text("Snapshot saved.")
    path = tmp_path / "snapshot.png"
    download.value.save_as(path)
    picture = cv2.imread(str(path))
    assert picture.shape == (960, 1280, 3), "twice the camera's"
    frame, alike = recorded_frame(picture, clips("person"))
    assert alike > 0.97, alike
    x, y, w, h = map(round, page.evaluate("marks.snapshot"))
    assert iou(Box(x, y, w, h), face_in(frame)) > 0.5
    edge = picture[y + h // 2, x - 4 : x + 5].astype(int)
    assert np.abs(edge - (0x13, 0x0E, 0x0B)).max(axis=1).min() < 90, "the dark rim of the mark, blue first"


def test_stop_while_paused_leaves_nothing_behind(open_page: OpenPage) -> None:
    page = start_camera(open_page())
    expect(page.locator(".face")).to_have_count(1)
    page.click("#pause")
    expect(page.locator("#pause")).to_have_text("Resume")
    page.click("#stop")
    expect(page.locator(".face")).to_have_count(0)
    expect(page.locator("#pause")).to_have_text("Pause")
    expect(page.locator("#snapshot")).to_be_disabled()


def test_shortcuts_can_be_switched_off(open_page: OpenPage) -> None:
    page = start_camera(open_page())
    page.click("#more-button")
    page.uncheck("#shortcuts")
    page.keyboard.press("Escape")
    page.locator("#main").focus()
    for key in (" ", "m", "b", "?", "t"):
        page.keyboard.press(key)
    stage_state(page, *WORKING)
    expect(page.locator("#video")).to_have_class("mirrored")
    expect(page.locator("#keys")).not_to_be_visible()


def test_shortcuts_do_nothing_in_fields_and_on_focused_buttons(open_page: OpenPage) -> None:
    page = start_camera(open_page())
    page.locator("#theme").focus()
    page.keyboard.press("m")
    page.locator("#more-button").focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Shift+Tab")  # keyboard focus, which shows
    page.keyboard.press("b")
    page.click("#more-button")
    expect(page.locator("#mirror")).to_be_checked()
    expect(page.locator("#marks")).to_be_checked()


def test_the_list_of_shortcuts_opens_and_closes(open_page: OpenPage) -> None:
    page = open_page()
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#keys")).not_to_be_visible()


def test_what_lasts_is_announced_and_t_speaks_numbers_at_once(open_page: OpenPage) -> None:
    """How rarely it speaks by itself is tested with a clock in `unit/words.test.mjs`."""
    page = start_camera(open_page())
    announcer = page.locator("#announcer")
    expect(announcer).to_have_text(re.compile(r"\S"))
    expect(announcer).not_to_have_text(re.compile("%"))

    def number_is_spoken() -> bool:
        page.keyboard.press("t")
        page.wait_for_timeout(200)
        return re.search(r"%|\?", announcer.text_content() or "") is not None

    until(page, number_is_spoken, "a number: a word that is held against the values has none")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_chosen_theme_is_kept(open_page: OpenPage, theme: str) -> None:
    page = open_page(color_scheme="dark" if theme == "light" else "light")
    page.select_option("#theme", theme)
    page.reload()
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert background == {"light": "rgb(255, 255, 255)", "dark": "rgb(14, 17, 22)"}[theme]
