"""Photos, folders and videos in, one table out; what can't be read is listed and never the end."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from skimage import data

from ml.batch.rows import COLUMNS, Failure, predict_photo, predict_video
from ml.batch.sources import find_sources
from ml.batch.writers import write
from ml.inference.analyzer import Analyzer
from ml.inference.contract import EMOTIONS
from ml.predict import main
from tests.ml.inference.conftest import FakeModel


@pytest.fixture(scope="module")
def analyzer() -> Analyzer:
    made = Analyzer(FakeModel())
    made.warm_up()
    return made


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a portrait, an empty picture, a text that claims to be a photo, a short video and other files."""
    folder = tmp_path_factory.mktemp("pictures")
    portrait = cv2.resize(cv2.cvtColor(data.astronaut(), cv2.COLOR_RGB2BGR), (320, 320), interpolation=cv2.INTER_AREA)
    (folder / "inner").mkdir()
    cv2.imwrite(str(folder / "a.jpg"), portrait)
    cv2.imwrite(str(folder / "inner" / "nobody.png"), np.full((200, 200), 90, np.uint8))
    (folder / "text.jpg").write_text("not a picture")
    (folder / "notes.txt").write_text("nothing to read here")
    cv2.imwrite(str(folder / "old.bmp"), portrait)
    video = cv2.VideoWriter(str(folder / "v.avi"), cv2.VideoWriter.fourcc(*"MJPG"), 10, (320, 320))
    for _ in range(4):
        video.write(portrait)
    video.release()
    return folder


def test_a_folder_stands_for_its_pictures_and_videos(pictures: Path) -> None:
    names = [source.relative_to(pictures).as_posix() for source in find_sources([pictures])]
    assert names == ["a.jpg", "inner/nobody.png", "old.bmp", "text.jpg", "v.avi"], (
        "what is of another kind is named, not passed over"
    )
    assert find_sources([]) == []


def test_a_photo_gives_a_row_for_each_face(analyzer: Analyzer, pictures: Path) -> None:
    (row,) = predict_photo(analyzer, pictures / "a.jpg")
    assert isinstance(row, dict)
    assert tuple(row) == (*COLUMNS, *EMOTIONS)
    assert (row["frame"], row["timestamp_s"], row["face_id"]) == (0, None, None)
    assert (row["dominant_emotion"], row["confidence"]) == ("happy", 1.0)
    assert sum(row[name] for name in EMOTIONS) == pytest.approx(1)
    assert predict_photo(analyzer, pictures / "inner" / "nobody.png") == []


@pytest.mark.parametrize(("name", "code"), [("text.jpg", "not_an_image"), ("missing.jpg", "unreadable")])
def test_an_unreadable_photo_is_a_failure(analyzer: Analyzer, pictures: Path, name: str, code: str) -> None:
    (failure,) = predict_photo(analyzer, pictures / name)
    assert isinstance(failure, Failure)
    assert (failure.source, failure.code) == (str(pictures / name), code)
    assert "expected" in failure.message


def test_a_video_has_its_own_times_and_one_id(analyzer: Analyzer, pictures: Path) -> None:
    rows = [row for outcomes in predict_video(analyzer, pictures / "v.avi") for row in outcomes]
    assert [row["frame"] for row in rows if isinstance(row, dict)] == [0, 1, 2, 3]
    assert [row["timestamp_s"] for row in rows if isinstance(row, dict)] == pytest.approx([0, 0.1, 0.2, 0.3])
    assert len({row["face_id"] for row in rows if isinstance(row, dict)}) == 1


def test_every_second_frame_of_a_video(analyzer: Analyzer, pictures: Path) -> None:
    outcomes = list(predict_video(analyzer, pictures / "v.avi", step=2))
    assert [len(rows) for rows in outcomes] == [1, 0, 1, 0]


def test_a_broken_video_is_a_failure(analyzer: Analyzer, tmp_path: Path) -> None:
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(bytes(100))
    ((failure,),) = predict_video(analyzer, broken)
    assert isinstance(failure, Failure)
    assert failure.code == "unreadable"


@pytest.mark.parametrize("suffix", [".csv", ".json", ".jsonl"])
def test_tables_hold_all_rows_and_all_failures(analyzer: Analyzer, pictures: Path, tmp_path: Path, suffix: str) -> None:
    out = tmp_path / f"results{suffix}"
    photos = [pictures / "a.jpg", pictures / "text.jpg"]
    count, failures = write((outcome for photo in photos for outcome in predict_photo(analyzer, photo)), out)
    assert (count, len(failures)) == (1, 1)
    if suffix == ".json":
        document = json.loads(out.read_text())
        rows, errors = document["faces"], document["errors"]
    else:
        rows, errors = (read_table(path) for path in (out, tmp_path / f"results.errors{suffix}"))
    assert [tuple(row) for row in rows] == [(*COLUMNS, *EMOTIONS)]
    assert float(rows[0]["happy"]) == 1
    assert [(error["source"], error["code"]) for error in errors] == [(str(photos[1]), "not_an_image")]


def read_table(path: Path) -> list[dict[str, str]]:
    if path.suffix == ".jsonl":
        return [json.loads(line) for line in path.read_text().splitlines()]
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_an_older_list_of_failures_does_not_stay(tmp_path: Path) -> None:
    (tmp_path / "results.errors.csv").write_text("old")
    assert write([], tmp_path / "results.csv") == (0, [])
    assert [path.name for path in tmp_path.iterdir()] == ["results.csv"]


def test_the_command_reads_everything_and_says_what_failed(
    pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "results.csv"
    assert main([str(pictures), "--out", str(out), "--jobs", "1"]) == 1
    assert {Path(row["source"]).name for row in read_table(out)} == {"a.jpg", "v.avi"}
    assert "text.jpg: expected" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments", [["--out", "r.csv"], ["x.jpg", "--out", "r.txt"], ["x.jpg", "--out", "r.csv", "--step", "0"]]
)
def test_bad_arguments_end_with_two(arguments: list[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(arguments)
