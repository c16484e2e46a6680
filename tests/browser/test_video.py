"""Recorded videos: read in the browser to their end with the results of `ml.predict`, also after lost connections."""

from __future__ import annotations

import random
import subprocess
import wave
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import psutil
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from ml.inference.analyzer import Analyzer
from ml.inference.classifier import Classifier
from ml.inference.tracks import Tracker
from tests.browser.access import (
    FULL,
    VIEWS,
    assert_accessible,
    assert_no_sideways_scroll,
    assert_nothing_cut_off,
    photograph,
)
from tests.browser.conftest import APP
from tests.support import recordings
from tests.support.serving import Server

OpenPage = Callable[..., Page]

DONE_MS = 120_000
FOUR_GB = 4 << 30
HAPPY_BGR = (0x46, 0xD6, 0xFC)
"""The mark's colour on a face that smiles, as the picture of `crossing` does."""


def write_webm(frames: list[np.ndarray], path: Path, fps: float = recordings.FPS) -> Path:
    """A VP8 file, which every engine decodes."""
    height, width = frames[0].shape[:2]
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"VP80"), fps, (width, height))
    assert writer.isOpened()
    for frame in frames:
        writer.write(frame)
    writer.release()
    return path


@pytest.fixture(scope="module")
def crossing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A smiling face that crosses the picture at a known speed."""
    return write_webm(recordings.crossing(), tmp_path_factory.mktemp("videos") / "crossing.webm")


def read_video(page: Page, path: Path, state: str = "done") -> Page:
    """Give the page a file and wait until its panel is in a state."""
    page.set_input_files("#video-file", path)
    return reach(page, state)


def reach(page: Page, state: str) -> Page:
    page.wait_for_selector(f"#video-view[data-state={state}]", state="attached", timeout=DONE_MS)
    return page


def saved_csv(page: Page, folder: Path) -> pd.DataFrame:
    """The table that Save… gives."""
    page.click("#video-tools > button")
    with page.expect_download() as download:
        page.get_by_role("button", name="CSV").click()
    download.value.save_as(folder / "saved.csv")
    return pd.read_csv(folder / "saved.csv")


def as_predict_reads(path: Path) -> pd.DataFrame:
    """The rows of the file, followed as `ml.predict` follows a video."""
    analyzer, rows = Analyzer(Classifier()), []
    tracker = Tracker(smoothing_s=0, random_share=lambda: 0.0, has_cuts=True)
    analyzer.warm_up()
    video, frame = cv2.VideoCapture(str(path)), 0
    while video.grab():
        now_s = video.get(cv2.CAP_PROP_POS_MSEC) / 1000
        gray = cv2.cvtColor(video.retrieve()[1], cv2.COLOR_BGR2GRAY)
        near, full_search = tracker.near(now_s), tracker.full_search_due(now_s)
        analysis = analyzer.analyze_gray(gray, near, full_search, view=tracker.view)
        for face in tracker.update(analysis, now_s):
            rows.append({"frame": frame, "timestamp_s": now_s, "face_id": face.id, "emotion": face.dominant_emotion})
        frame += 1
    return pd.DataFrame(rows)


def test_a_file_is_read_to_its_end_and_as_predict_reads_it(
    open_page: OpenPage, crossing: Path, tmp_path: Path, screenshots: Path
) -> None:
    page = read_video(open_page("/video"), crossing)
    expect(page.locator("#video-status")).to_contain_text("frames read, 1 face.")
    expect(page.locator("#video-timeline")).to_have_attribute("data-state", "shown")
    expect(page.locator("#video-faces .face")).to_have_count(1)  # of the moment that the player shows
    photograph(page, "video", screenshots)
    table, expected = saved_csv(page, tmp_path), as_predict_reads(crossing)
    assert list(table["frame"]) == list(expected["frame"])
    assert np.abs(table["timestamp_s"] - expected["timestamp_s"]).max() < 0.002
    assert list(table["face_id"]) == list(expected["face_id"])
    assert (table["dominant_emotion"] == expected["emotion"]).mean() >= 0.98
    assert set(table["source"]) == {"crossing.webm"}
    assert table["uncertain"].dtype == bool
    assert table["time_utc"].isna().all()


def test_try_a_sample_plays_a_clip_with_its_marks_on_this_page(open_page: OpenPage, screenshots: Path) -> None:
    page = open_page("/", expect_errors=True)
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url) if request.is_navigation_request() else None)
    page.get_by_role("link", name="Try a sample").click()
    reach(page, "done")
    assert not requests, "the page was left"
    expect(page.locator("#main")).to_be_focused()  # the link that had the focus is in the panel that was left
    expect(page.locator("#video-status")).to_contain_text("155 frames read, 2 faces.")
    for word in ("neutral", "happy"):
        page.wait_for_selector(f"#video-faces .face[data-word={word}]", timeout=DONE_MS)
    page.wait_for_function("() => document.getElementById('video-player').ended", timeout=DONE_MS)
    photograph(page, "video-sample", screenshots)
    # Back leads to the camera, and forward again to what was read: the clip is not read a second time.
    page.go_back()
    expect(page.locator("#panel-camera")).to_be_visible()
    page.go_forward()
    reach(page, "done")


def test_the_sample_that_cannot_be_loaded_is_said_and_the_panel_stays_usable(
    open_page: OpenPage, crossing: Path
) -> None:
    page = open_page("/video", expect_errors=True)
    page.route("**/examples/sample.webm", lambda route: route.abort())
    # Whether the panel is loaded by now or the link opens the page anew, it is said.
    page.get_by_role("link", name="Try a sample").click()
    expect(page.locator(".toast")).to_be_visible()
    read_video(page, crossing)


def sides_of_mark(picture: np.ndarray, tolerance: int = 40) -> np.ndarray:
    """The columns where the mark of `crossing` stands upright."""
    is_mark = np.abs(picture.astype(int) - HAPPY_BGR).max(axis=2) < tolerance
    return np.flatnonzero(is_mark.sum(axis=0) > 30)


def test_the_mark_sits_on_the_face_at_any_moment_that_is_sought_and_in_the_saved_video(
    open_page: OpenPage, crossing: Path, tmp_path: Path
) -> None:
    page = read_video(open_page("/video"), crossing)
    frames = len(recordings.crossing())
    picture = recordings.SIZE_WH[0]
    offsets = []
    for frame in random.Random(7).sample(range(4, frames - 4), 50 if FULL else 12):
        page.evaluate(
            """(timeS) => new Promise((resolve) => {
              const player = document.getElementById('video-player');
              const drawn = () => requestAnimationFrame(() => requestAnimationFrame(resolve));
              player.addEventListener('seeked', drawn, { once: true });
              player.currentTime = timeS;
            })""",
            (frame + 0.5) / recordings.FPS,
        )
        shot = cv2.imdecode(np.frombuffer(page.locator("#video-picture").screenshot(), np.uint8), cv2.IMREAD_COLOR)
        sides = sides_of_mark(shot)
        scale = min(shot.shape[1] / picture, shot.shape[0] / recordings.SIZE_WH[1])
        left = (shot.shape[1] - picture * scale) / 2
        offsets.append(((sides[0] + sides[-1]) / 2 - left) / scale - recordings.crossing_lefts()[frame])
    per_frame = recordings.SPEED_PX_S / recordings.FPS
    assert np.abs(np.array(offsets) - np.median(offsets)).max() <= per_frame + 2

    page.click("#video-tools > button")
    with page.expect_download() as download:
        page.get_by_role("button", name="Video with marks").click()
    download.value.save_as(tmp_path / "marked.webm")
    offsets = []
    for drawn in recordings.recorded(tmp_path / "marked.webm"):
        frame = int(np.argmin([cv2.norm(drawn, original) for original in recordings.crossing()]))
        sides = sides_of_mark(drawn, tolerance=70)
        offsets.append((sides[0] + sides[-1]) / 2 - recordings.crossing_lefts()[frame])
    assert np.abs(np.array(offsets) - np.median(offsets)).max() <= 3 * per_frame
    marked = cv2.VideoCapture(str(tmp_path / "marked.webm"))
    while marked.grab():
        last_s = marked.get(cv2.CAP_PROP_POS_MSEC) / 1000
    assert last_s > 0.9 * len(recordings.crossing()) / recordings.FPS, "a busy machine skips frames, but not the end"


def test_a_killed_server_loses_and_doubles_no_frame(open_page: OpenPage, tmp_path: Path) -> None:
    frames = recordings.portrait() * 3
    path = write_webm(frames, tmp_path / "long.webm")
    with Server(APP, tmp_path / "log", EMOTION_WORKERS="1") as first:
        first.wait_until_ready()
        page = open_page("/video", base=first.url, expect_errors=True)
        read_video(page, path, state="reading")
        page.wait_for_function("() => document.getElementById('video-progress').value > 0.15")
        for process in [*first.descendants(), psutil.Process(first.process.pid)]:
            process.kill()
        reach(page, "lost")
        again = Server(APP, tmp_path / "log2", EMOTION_WORKERS="1")
        again.port = first.port
        with again:
            again.wait_until_ready()
            reach(page, "done")
            table = saved_csv(page, tmp_path)
    assert list(table["frame"]) == list(range(len(frames)))
    assert set(table["face_id"]) == {1}


def test_what_was_read_before_cancel_is_kept(open_page: OpenPage, tmp_path: Path) -> None:
    path = write_webm(recordings.portrait() * 6, tmp_path / "long.webm")
    page = read_video(open_page("/video"), path, state="reading")
    page.wait_for_function("() => document.getElementById('video-progress').value > 0.05")
    page.click("#video-cancel")
    reach(page, "done")
    expect(page.locator("#video-status")).to_contain_text("Cancelled.")
    assert 0 < len(saved_csv(page, tmp_path)) < 6 * recordings.FRAMES


def test_ten_a_second_keeps_the_numbers_of_the_frames(open_page: OpenPage, crossing: Path, tmp_path: Path) -> None:
    page = open_page("/video")
    page.check("input[value=ten]")
    table = saved_csv(read_video(page, crossing), tmp_path)
    assert list(table["frame"]) == list(range(0, len(recordings.crossing()), 3))


def sound(path: Path) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(bytes(16000))
    return path


def test_files_that_are_no_video_get_a_sentence_and_the_page_still_works(
    open_page: OpenPage, crossing: Path, tmp_path: Path, screenshots: Path
) -> None:
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "text.mp4").write_text("not a video")
    (tmp_path / "head.webm").write_bytes(crossing.read_bytes()[:200])
    (tmp_path / "paper.mov").write_bytes(b"%PDF-1.7\n" + bytes(100))
    (tmp_path / "packed.mkv").write_bytes(b"PK\x03\x04" + bytes(100))
    Image.new("RGB", (8, 8)).save(tmp_path / "moving.gif")
    writer = cv2.VideoWriter(str(tmp_path / "old.avi"), cv2.VideoWriter_fourcc(*"MJPG"), 10, (64, 64))
    writer.write(np.zeros((64, 64, 3), np.uint8))
    writer.release()
    (tmp_path / "session.csv").write_text("source,frame,timestamp_s\n")
    page = open_page("/video")
    logged: list[str] = []
    page.on("console", lambda message: logged.append(message.text))
    for path, sentence in (
        (tmp_path / "empty.mp4", "is empty"),
        (tmp_path / "session.csv", "found: text. Of the files that a session is saved as, only the JSON file"),
        (tmp_path / "text.mp4", "The file is not a video; found: text."),
        (tmp_path / "paper.mov", "found: a document (PDF)"),
        (tmp_path / "packed.mkv", "found: an archive (ZIP)"),
        (tmp_path / "moving.gif", "A GIF is a picture, even if it moves."),
        (tmp_path / "old.avi", "cannot play AVI"),
        (tmp_path / "head.webm", "contains no video"),
        (sound(tmp_path / "sound.wav"), "sound but no pictures"),
    ):
        read_video(page, path, state="problem")
        expect(page.locator("#video-status")).to_contain_text(sentence)
        expect(page.get_by_text("Choose a video")).to_be_visible()
    assert not logged, "what a person can do wrong is said on the page, not in the console"
    photograph(page, "video-problem", screenshots)
    expect(page.locator("#video-hand")).to_be_hidden()
    read_video(page, crossing)
    expect(page.locator("#video-faces .face")).to_have_count(1)
    read_video(page, tmp_path / "text.mp4", state="problem")
    expect(page.locator("#video-faces .face")).to_have_count(0)
    marks = "() => document.getElementById('video-marks')"
    painted = "(canvas) => canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.some(Boolean)"
    assert not page.evaluate(f"() => ({painted})(({marks})())"), "the marks of the earlier file stay"


def test_a_picture_and_a_video_are_passed_on_to_the_panel_that_reads_them(
    open_page: OpenPage, crossing: Path, root: Path, screenshots: Path
) -> None:
    page = open_page("/video", expect_errors=True)
    read_video(page, root / "static" / "examples" / "portrait.jpg", state="problem")
    expect(page.locator("#video-status")).to_have_text("The file is a picture (JPEG), not a video.")
    photograph(page, "video-picture", screenshots)
    page.click("#video-hand")
    expect(page.locator("#photo-name")).to_have_text("portrait.jpg")
    expect(page.locator("#photo-status")).to_have_text("1 face")
    page.set_input_files("#file", crossing)
    expect(page.locator("#photo-status")).to_have_text("Not a picture; found: a video (WebM).")
    photograph(page, "photo-video", screenshots)
    page.click("#photo-hand")
    reach(page, "done")
    expect(page.locator("#video-name")).to_have_text("crossing.webm")


def as_mp4(webm: Path, path: Path, *options: str) -> Path:
    command = ["ffmpeg", "-v", "error", "-y", "-i", str(webm), "-an", *options, "-movflags", "+faststart", str(path)]
    subprocess.run(command, check=True)
    return path


def test_a_codec_that_the_browser_lacks_is_named_with_a_way_to_convert(
    open_page: OpenPage, crossing: Path, tmp_path: Path
) -> None:
    path = as_mp4(crossing, tmp_path / "phone.mov", "-c:v", "libx265", "-x265-params", "log-level=none:frame-threads=1")
    page = read_video(open_page("/video", expect_errors=True), path, state="problem")
    expect(page.locator("#video-status")).to_contain_text("cannot play MOV")
    expect(page.locator("#video-status")).to_contain_text("ffmpeg -i")
    read_video(page, crossing)


def test_frames_without_a_rate_are_one_moment(open_page: OpenPage, crossing: Path, tmp_path: Path) -> None:
    content = bytearray(as_mp4(crossing, tmp_path / "still.mp4", "-c:v", "libx264", "-bf", "0").read_bytes())
    table = content.index(b"stts")
    entries = int.from_bytes(content[table + 8 : table + 12], "big")
    for entry in range(entries):  # how long each frame lasts: 0 frames a second
        content[table + 16 + 8 * entry : table + 20 + 8 * entry] = bytes(4)
    (tmp_path / "still.mp4").write_bytes(content)
    page = read_video(open_page("/video", expect_errors=True), tmp_path / "still.mp4")
    expect(page.locator("#video-status")).to_contain_text("1 frame read, 1 face.")
    assert len(saved_csv(page, tmp_path)) == 1


def test_a_file_of_four_gigabytes(open_page: OpenPage, crossing: Path, tmp_path: Path) -> None:
    page = open_page("/video", expect_errors=True)
    void = tmp_path / "void.mp4"
    with void.open("wb") as file:
        file.truncate(FOUR_GB)  # takes no room on the disk
    read_video(page, void, state="problem")
    expect(page.locator("#video-status")).to_contain_text("found: unknown data (00 00 00 00 …)")
    path = as_mp4(crossing, tmp_path / "large.mp4", "-c:v", "libx264")
    size = path.stat().st_size
    with path.open("ab") as file:  # a box that players skip, as large as the sound and pictures of an hour
        file.write((1).to_bytes(4, "big") + b"free" + FOUR_GB.to_bytes(8, "big"))
        file.truncate(size + FOUR_GB)
    read_video(page, path)
    expect(page.locator("#video-status")).to_contain_text(f"{len(recordings.crossing())} frames read, 1 face.")


def test_a_file_that_is_cut_short_keeps_what_was_read(open_page: OpenPage, crossing: Path, tmp_path: Path) -> None:
    whole, cut, cut_early = tmp_path / "whole.mkv", tmp_path / "cut.mkv", tmp_path / "early.mkv"
    subprocess.run(["ffmpeg", "-v", "error", "-i", str(crossing), "-c:v", "libx264", str(whole)], check=True)
    content = whole.read_bytes()
    assert content.count(bytes.fromhex("1F43B675")) == 1, "expected a file with one cluster"
    cut.write_bytes(content[: len(content) * 9 // 10])
    cut_early.write_bytes(content[: len(content) // 3])
    page = read_video(open_page("/video", expect_errors=True), cut)
    expect(page.locator("#video-status")).to_contain_text("ends or is damaged after")
    table, expected = saved_csv(page, tmp_path), as_predict_reads(cut)
    assert len(expected) > 10
    assert list(table["frame"]) == list(expected["frame"])
    read_video(page, cut_early, state="problem")
    expect(page.locator("#video-status")).to_have_text(
        "The file ends or is damaged before its first frame, so nothing could be read."
        " Copy the file again from its source."
    )
    expect(page.locator("#video-tools > button")).to_have_count(0)  # nothing to save


@pytest.mark.parametrize(("width", "height", "scheme"), VIEWS if FULL else VIEWS[::3] + [VIEWS[-1]])
def test_the_panel_fits_every_screen(
    open_page: OpenPage, crossing: Path, width: int, height: int, scheme: str, screenshots: Path
) -> None:
    page = open_page("/video", size=(width, height), color_scheme=scheme)
    for state in ("empty", "done"):
        if state == "done":
            read_video(page, crossing)
            page.evaluate("() => { document.getElementById('video-player').currentTime = 0.5; }")
        assert_no_sideways_scroll(page)
        assert_nothing_cut_off(page)
        assert_accessible(page)
        page.screenshot(path=screenshots / f"video-{state}-{width}-{scheme}.png")
