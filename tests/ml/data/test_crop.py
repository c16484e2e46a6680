"""Photographs to a data set: the faces that serving finds, photographs with none or several, interrupted runs."""

from __future__ import annotations

import csv
import sys
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest

from ml.data import DataError, TrainingSet
from ml.data.__main__ import advice, main
from ml.data.crop import FaceCutter, crop
from ml.data.reading import read_picture
from ml.inference.analyzer import PHOTO_FRAMINGS, Analyzer
from ml.inference.contract import Request

EXAMPLES = Path(__file__).parents[3] / "static" / "examples"


class CountingCutter(FaceCutter):
    """Takes the middle of a photograph for its face; a cat has none. Ends like an interrupted run after some."""

    def __init__(self, limit: int = 99) -> None:
        self.searched: list[str] = []
        self._limit = limit

    def cut(self, path: Path) -> tuple[np.ndarray | None, int]:
        if len(self.searched) == self._limit:
            raise InterruptedError
        self.searched.append(path.name)
        gray = read_picture(path)
        return (None, 0) if path.name == "cat.jpg" else (cv2.resize(gray, (48, 48)), 2 if "pair" in path.name else 1)


class RecordingModel:
    """Answers the same to every face and keeps what it was shown."""

    info: dict[str, str] = {}  # noqa: RUF012
    classes = ("a", "b")

    def __init__(self) -> None:
        self.seen: list[np.ndarray] = []

    def predict(self, crops: np.ndarray | list[np.ndarray]) -> np.ndarray:
        self.seen += list(crops)
        return np.full((len(crops), 2), 0.5, np.float32)

    def is_uncertain(self, probabilities: Sequence[float]) -> bool:
        return False


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Two classes: a portrait in two lights, a close face, a picture of two people, a cat, and what is no picture."""
    portrait = cv2.imread(str(EXAMPLES / "portrait.jpg"))
    close = cv2.imread(str(EXAMPLES / "close.jpg"))
    pair = np.hstack([cv2.resize(portrait, (480, 480)), cv2.resize(portrait, (400, 480))])
    root = tmp_path / "photos"
    for name, image in {
        "Glad/one.jpg": portrait,
        "Glad/two.jpg": cv2.convertScaleAbs(portrait, alpha=0.8, beta=15),
        "Glad/pair.png": pair,
        "Calm/close.JPG": close,
        "Calm/close.bmp": cv2.convertScaleAbs(close, alpha=0.9),
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(cv2.imencode(Path(name).suffix.lower(), image)[1].tobytes())
    (root / "Calm" / "cat.jpg").write_bytes((EXAMPLES / "cat.jpg").read_bytes())
    (root / "Calm" / "notes.txt").write_text("notes")
    (root / "Calm" / "dead.jpg").symlink_to("/nonexistent.jpg")
    return root


def test_faces_are_those_that_serving_reads_and_the_rest_is_listed(photos: Path, tmp_path: Path) -> None:
    out = tmp_path / "data"
    found = crop(photos, out)
    assert found.classes == ("calm", "glad")
    assert [one.photo for one in found.with_several()] == ["Glad/pair.png"]
    assert {one.photo: bool(one.remark) for one in found.without_face()} == {"Calm/cat.jpg": True, "Calm/dead.jpg": True}
    assert found.left_out == ("Calm/notes.txt",)
    for name in ("one", "two"):
        model = RecordingModel()
        Analyzer(model).analyze(Request((photos / f"Glad/{name}.jpg").read_bytes(), thorough=True, budget_ms=60_000))
        cut = cv2.imread(str(out / f"train/glad/{name}.jpg.png"), cv2.IMREAD_GRAYSCALE)
        assert np.array_equal(cut, model.seen[PHOTO_FRAMINGS.index(1.0)]), "pixel by pixel"
    with (out / "crops.csv").open(newline="") as file:
        rows = {row["photo"]: row for row in csv.DictReader(file)}
    assert rows["Glad/pair.png"]["faces"] == "2"
    assert rows["Calm/cat.jpg"]["remark"] == "no face found"
    assert sorted(path.name for path in (out / "contact").iterdir()) == ["calm-1.png", "glad-1.png"]
    assert len(TrainingSet.load(out, 0.5).pictures) == 5


def test_an_interrupted_run_continues_and_a_changed_photograph_is_cut_anew(photos: Path, tmp_path: Path) -> None:
    out, whole = tmp_path / "data", tmp_path / "whole"
    with pytest.raises(InterruptedError):
        crop(photos, out, CountingCutter(3))
    with (out / "crops.csv").open("a") as file:
        file.write("Glad/one.jpg,12")  # a row that was cut off
    second = CountingCutter()
    continued = crop(photos, out, second)
    assert len(second.searched) == 3
    assert continued.crops == crop(photos, whole, CountingCutter()).crops
    (photos / "Glad" / "two.jpg").write_bytes((EXAMPLES / "portrait.jpg").read_bytes())
    third = CountingCutter()
    crop(photos, out, third)
    assert third.searched == ["two.jpg"]


def test_a_deleted_crop_stays_deleted(
    photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ml.data.crop.FaceCutter", CountingCutter)
    command = ["crop", str(photos), "--out", str(tmp_path / "data")]
    assert main(command) == 0
    wrong = tmp_path / "data" / "train/calm/close.bmp.png"
    wrong.unlink()
    capsys.readouterr()
    assert main(command) == 0
    assert "deleted since: 1; they are not made again" in capsys.readouterr().out
    assert not wrong.exists()
    (tmp_path / "data" / "crops.csv").unlink()
    assert main(command) == 2, "without its record the folder is somebody's"


def test_the_command_prints_the_result(
    photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ml.data.crop.FaceCutter", CountingCutter)
    (photos / "loose.jpg").write_bytes((EXAMPLES / "portrait.jpg").read_bytes())
    (photos / "notes.txt").write_text("notes")
    assert main(["crop", str(photos), "--out", str(tmp_path / "data")]) == 0
    printed = capsys.readouterr().out
    assert "glad: 3 faces" in printed
    assert "without a face: 2 of 7 photographs" in printed
    assert "1 file left out: .txt\n" in printed
    assert "2 files left out, not in the folder of a class: loose.jpg, notes.txt\n" in printed
    for path in (photos / "Glad").iterdir():
        path.unlink()
    assert main(["crop", str(photos), "--out", str(tmp_path / "other")]) == 1


def test_folders_that_cannot_be_used_are_refused_in_one_sentence(photos: Path, tmp_path: Path) -> None:
    (tmp_path / "used").mkdir()
    (tmp_path / "used" / "mine.txt").touch()
    for wrong, out, words in (
        (photos, tmp_path / "used", "expected a new folder"),
        (tmp_path / "none", tmp_path / "data", "expected a directory with one folder per class, .* no such folder"),
        (photos / "Glad", tmp_path / "data", "expected at least two class folders"),
    ):
        with pytest.raises(DataError, match=words):
            crop(wrong, out)


@pytest.mark.parametrize(("command", "continues"), [("crop", True), ("audit", False), ("import", False)])
def test_only_an_interrupted_crop_is_said_to_continue(
    command: str, continues: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["ml.data", command, "crop"])
    assert advice() == "run the same command again" + "; it continues" * continues
