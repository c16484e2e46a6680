"""One file to rows: photos thoroughly, videos frame by frame with ids and times of their own."""

from __future__ import annotations

import itertools
import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from ml.batch.reading import SEGMENT_S, Reader
from ml.batch.rows import columns_for
from ml.batch.tasks import Result, Settings, Task, VideoState
from ml.inference.analyzer import Analyzer
from ml.inference.contract import EMOTIONS
from tests.ml.inference.conftest import FakeModel
from tests.support.pictures import encoded, portrait, write_video

SETTINGS = Settings("model.tflite", "00000000")


@pytest.fixture(scope="module")
def analyzer() -> Analyzer:
    made = Analyzer(FakeModel())
    made.warm_up()
    return made


def standing_clock() -> float:
    """No time passes: a video is read in one piece, however slow the machine is."""
    return 0.0


@pytest.fixture
def reader(analyzer: Analyzer) -> Reader:
    return Reader(analyzer, SETTINGS, standing_clock)


def rows_of(result: Result) -> list[dict]:
    return [dict(zip(columns_for(EMOTIONS), row, strict=True)) for row in result.rows]


def test_a_photo_gives_a_row_for_each_face(reader: Reader, tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(encoded(portrait()))
    (tmp_path / "nobody.png").write_bytes(encoded(np.full((60, 60), 90, np.uint8), ".png"))
    result = reader.run(Task("photo", (str(tmp_path / "a.jpg"), str(tmp_path / "nobody.png")), SETTINGS))
    (row,) = rows_of(result)
    assert (row["source"], row["frame"], row["timestamp_s"], row["face_id"]) == (str(tmp_path / "a.jpg"), 0, None, None)
    assert (row["dominant_emotion"], row["confidence"]) == ("happy", 1.0)
    assert sum(row[name] for name in EMOTIONS) == pytest.approx(1)
    assert (result.failures, result.state) == ((), None)


@pytest.mark.parametrize("suffix", [".bmp", ".tiff", ".pgm"])
def test_formats_that_the_server_refuses_are_read_as_a_png_is(reader: Reader, tmp_path: Path, suffix: str) -> None:
    gray = cv2.cvtColor(portrait(), cv2.COLOR_BGR2GRAY)
    for name in (f"a{suffix}", "a.png"):
        (tmp_path / name).write_bytes(encoded(gray, Path(name).suffix))
    paths = (str(tmp_path / f"a{suffix}"), str(tmp_path / "a.png"))
    result = reader.run(Task("photo", paths, SETTINGS))
    (same, png) = rows_of(result)
    assert same | {"source": ""} == png | {"source": ""}
    assert result.failures == ()


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("text.jpg", b"not a picture", "not_an_image"),
        ("empty.png", b"", "bad_image"),
        ("cut.jpg", encoded(portrait(64))[:-400], "bad_image"),
        ("cut.bmp", encoded(portrait(64), ".bmp")[:60], "bad_image"),
        ("large.ppm", b"P5 100000 100000 255 ", "too_large"),
        ("missing.jpg", None, "unreadable"),
    ],
)
def test_an_unreadable_photo_is_a_failure(
    reader: Reader, tmp_path: Path, name: str, content: bytes | None, code: str
) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    (failure,) = reader.run(Task("photo", (str(path),), SETTINGS)).failures
    assert (failure.source, failure.code) == (str(path), code)
    assert "expected" in failure.message


def test_a_bug_is_one_failure_and_not_the_end(analyzer: Analyzer, tmp_path: Path) -> None:
    class Faulty(Reader):
        def photo(self, path: str) -> list:
            raise ZeroDivisionError("a bug")

    (tmp_path / "a.jpg").write_bytes(b"")
    task = Task("photo", (str(tmp_path / "a.jpg"),) * 2, SETTINGS)
    assert [failure.code for failure in Faulty(analyzer, SETTINGS).run(task).failures] == ["internal"] * 2


def test_a_video_has_its_own_times_and_one_id(reader: Reader, tmp_path: Path) -> None:
    result = reader.run(Task("video", (str(write_video(tmp_path / "v.avi")),), SETTINGS))
    rows = rows_of(result)
    assert [row["frame"] for row in rows] == [0, 1, 2, 3]
    assert [row["timestamp_s"] for row in rows] == pytest.approx([0, 0.1, 0.2, 0.3])
    assert len({row["face_id"] for row in rows}) == 1
    assert (result.failures, result.state) == ((), None)


def test_every_second_frame_of_a_video(analyzer: Analyzer, tmp_path: Path) -> None:
    settings = Settings("model.tflite", "00000000", step=2)
    result = Reader(analyzer, settings, standing_clock).run(
        Task("video", (str(write_video(tmp_path / "v.avi")),), settings)
    )
    assert [row["frame"] for row in rows_of(result)] == [0, 2]
    assert result.failures == ()


@pytest.mark.parametrize("same_process", [True, False])
def test_a_video_in_pieces_gives_the_same_rows(analyzer: Analyzer, tmp_path: Path, same_process: bool) -> None:
    path = str(write_video(tmp_path / "v.avi", frames=9))
    whole = Reader(analyzer, SETTINGS, standing_clock).run(Task("video", (path,), SETTINGS)).rows

    def three_frames_at_once() -> Reader:
        return Reader(analyzer, SETTINGS, itertools.count(step=SEGMENT_S / 4).__next__)

    reader, rows, state, pieces = three_frames_at_once(), [], VideoState(), 0
    while not state.ended:
        if not same_process:
            reader = three_frames_at_once()
        found, state = reader.video(path, state)
        rows += found
        pieces += 1
        assert 0 < state.fraction <= 1
    assert pieces >= 3
    assert tuple(rows) == whole


@pytest.mark.parametrize(
    ("name", "content"), [("broken.mp4", bytes(100)), ("empty.avi", b""), ("list.mp4", b"ffconcat version 1.0\nfile x")]
)
def test_a_broken_video_is_a_failure(reader: Reader, tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    (failure,) = reader.run(Task("video", (str(tmp_path / name),), SETTINGS)).failures
    assert failure.code == "unreadable"


def test_two_people_at_one_place_on_both_sides_of_a_cut_have_two_ids(root: Path, analyzer: Analyzer) -> None:
    path = str(root / "static" / "examples" / "sample.webm")
    result = Reader(analyzer, Settings("m", "0", step=5), standing_clock).run(Task("video", (path,), SETTINGS))
    rows = rows_of(result)
    assert {row["face_id"] for row in rows if row["frame"] < 77} == {1}
    assert {row["face_id"] for row in rows if row["frame"] >= 77} == {2}


def test_a_cut_video_keeps_its_rows_and_is_listed(reader: Reader, tmp_path: Path) -> None:
    data = write_video(tmp_path / "v.avi", frames=20).read_bytes()
    (tmp_path / "v.avi").write_bytes(data[: len(data) // 2])
    result = reader.run(Task("video", (str(tmp_path / "v.avi"),), SETTINGS))
    assert 5 <= len(result.rows) < 20
    (failure,) = result.failures
    assert failure.code == "bad_image"
    assert failure.message.startswith("expected the 20 frames that the video announces, received")


@pytest.mark.parametrize("name", [b"Caf\xe9.avi", "Café %03d.avi".encode(), b"concat:x.avi", b"http:x.avi"])
def test_any_name_of_a_video_can_be_read(reader: Reader, tmp_path: Path, name: bytes) -> None:
    path = os.fsdecode(os.fsencode(tmp_path) + b"/" + name)
    Path(path).write_bytes(write_video(tmp_path / "v.avi", 2).read_bytes())
    here = Path.cwd()
    os.chdir(tmp_path)
    try:
        result = reader.run(Task("video", (os.fsdecode(name),), SETTINGS))
    finally:
        os.chdir(here)
    assert (len(result.rows), result.failures) == (2, ())


def test_deep_pictures_are_as_light_as_usual_ones(reader: Reader, tmp_path: Path) -> None:
    gray = cv2.cvtColor(portrait(), cv2.COLOR_BGR2GRAY)
    (tmp_path / "deep.png").write_bytes(encoded(gray.astype(np.uint16) << 4, ".png"))
    assert len(reader.run(Task("photo", (str(tmp_path / "deep.png"),), SETTINGS)).rows) == 1
