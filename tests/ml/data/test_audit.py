"""The audit finds what was planted, and nothing else."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from ml.data import DataError, TrainingSet
from ml.data.__main__ import main
from ml.data.audit import audit
from ml.data.audit_table import table
from ml.evaluate import evaluate
from ml.inference.classifier import SHIPPED_MODEL
from ml.inference.contract import EMOTIONS
from tests.ml.data.conftest import Fill


def copy(folder: Path, source: str, target: str) -> None:
    (folder / target).write_bytes((folder / source).read_bytes())


def test_nothing_is_found_in_a_clean_data_set(fill: Fill, tmp_path: Path) -> None:
    fill(tmp_path / "train")
    report = audit(tmp_path, near=True)
    assert report.counts == {"train": dict.fromkeys(EMOTIONS, 2)}
    assert report.sizes == {"48×48": 14}
    assert report.near_duplicates == ()
    assert not any((report.problems, report.remarks, report.left_out, report.unreadable, report.odd_sized, report.duplicates))


def test_duplicates_are_counted_within_and_across_splits(fill: Fill, tmp_path: Path) -> None:
    fill(tmp_path / "train")
    (tmp_path / "test").mkdir()
    for emotion in EMOTIONS:
        (tmp_path / "test" / emotion).mkdir()
        cv2.imwrite(
            str(tmp_path / "test" / emotion / "own.png"), np.full((48, 48), 30 * EMOTIONS.index(emotion), np.uint8)
        )
    copy(tmp_path, "train/happy/0.png", "train/happy/copy.png")  # within
    copy(tmp_path, "train/fear/0.png", "test/fear/copy.png")  # across
    copy(tmp_path, "train/sad/0.png", "test/neutral/copy.png")  # across, and conflicting
    report = audit(tmp_path)
    assert [set(group.files) for group in report.within_splits()] == [{"train/happy/0.png", "train/happy/copy.png"}]
    assert {group.files for group in report.across_splits()} == {
        ("test/fear/copy.png", "train/fear/0.png"),
        ("test/neutral/copy.png", "train/sad/0.png"),
    }
    assert [group.files for group in report.conflicting()] == [("test/neutral/copy.png", "train/sad/0.png")]
    assert report.near_duplicates is None


def test_the_same_pixels_in_another_format_are_a_duplicate(fill: Fill, tmp_path: Path) -> None:
    fill(tmp_path / "train")
    pixels = cv2.imread(str(tmp_path / "train/happy/0.png"), cv2.IMREAD_GRAYSCALE)
    cv2.imwrite(str(tmp_path / "train/happy/same.webp"), pixels, [cv2.IMWRITE_WEBP_QUALITY, 101])
    assert [group.files for group in audit(tmp_path).duplicates] == [("train/happy/0.png", "train/happy/same.webp")]


def test_bad_files_are_named_with_the_reason(fill: Fill, tmp_path: Path) -> None:
    fill(tmp_path / "train")
    (tmp_path / "train/sad/notes.jpg").write_text("these are notes")
    (tmp_path / "train/sad/readme.txt").write_text("no picture, and not called one")
    cv2.imwrite(str(tmp_path / "train/sad/large.png"), np.zeros((60, 50), np.uint8))
    report = audit(tmp_path)
    assert [line.partition(":")[0] for line in report.unreadable] == ["train/sad/notes.jpg"]
    assert report.left_out == ("train/sad/readme.txt",)
    assert "not pictures, left out: 1 (.txt)\n" in table(report)
    assert report.odd_sized == ("train/sad/large.png: 50×60",)
    assert report.problems == ()


def test_two_folders_of_one_class_and_empty_ones_are_problems(fill: Fill, tmp_path: Path) -> None:
    fill(tmp_path / "train", names={"happy": "Happiness"})
    fill(tmp_path / "test")
    (tmp_path / "train" / "joy").mkdir()
    for path in (tmp_path / "test" / "fear").iterdir():
        path.unlink()
    problems = audit(tmp_path).problems
    assert len(problems) == 2
    assert "one folder for happy" in problems[0] or "one folder for happy" in problems[1]
    assert any("readable picture of fear" in line for line in problems)


def train_refuses(folder: Path) -> bool:
    try:
        TrainingSet.load(folder, 0.1)
    except DataError:
        return True
    return False


def one_of_each(root: Path, fill: Fill) -> None:
    fill(root / "train", each=1)


def other_names(root: Path, fill: Fill) -> None:
    fill(root / "train", names={"fear": "bored", "happy": "Happiness"})


def six_emotions(root: Path, fill: Fill) -> None:
    fill(root / "train")
    shutil.rmtree(root / "train" / "fear")


def scored_split_lacks_a_class(root: Path, fill: Fill) -> None:
    fill(root / "train")
    fill(root / "test", names={"fear": "bored"})


def validation_lacks_a_class(root: Path, fill: Fill) -> None:
    fill(root / "train")
    fill(root / "val")
    shutil.rmtree(root / "val" / "sad")


def another_split_lacks_a_class(root: Path, fill: Fill) -> None:
    fill(root / "train")
    fill(root / "private_test")
    shutil.rmtree(root / "private_test" / "sad")


def one_of_each_and_validation(root: Path, fill: Fill) -> None:
    fill(root / "train", each=1)
    fill(root / "validation", each=1)


def no_training_folder(root: Path, fill: Fill) -> None:
    fill(root / "test")


def one_class(root: Path, fill: Fill) -> None:
    fill(root / "all")
    (root / "all" / "sad").rename(root / "sad")
    shutil.rmtree(root / "all")
    (root / "train").mkdir()
    (root / "sad").rename(root / "train" / "sad")


def a_column_as_class(root: Path, fill: Fill) -> None:
    fill(root / "train", names={"sad": "Confidence"})


def two_validation_folders(root: Path, fill: Fill) -> None:
    for split in ("train", "val", "valid"):
        fill(root / split)


def an_empty_class(root: Path, fill: Fill) -> None:
    fill(root / "train", names={"sad": "a", "happy": "b"})
    (root / "train" / "empty").mkdir()


@pytest.mark.parametrize(
    ("make", "refused"),
    [
        (one_of_each, True),
        (other_names, False),
        (six_emotions, False),
        (scored_split_lacks_a_class, True),
        (validation_lacks_a_class, True),
        (another_split_lacks_a_class, False),
        (one_of_each_and_validation, False),
        (no_training_folder, True),
        (one_class, True),
        (a_column_as_class, True),
        (two_validation_folders, True),
        (an_empty_class, True),
    ],
)
def test_audit_and_training_agree_on_what_stops_training(
    make: Callable[[Path, Fill], None], refused: bool, fill: Fill, tmp_path: Path
) -> None:
    make(tmp_path, fill)
    assert train_refuses(tmp_path) == refused
    assert bool(audit(tmp_path).problems) == refused


def test_a_data_set_of_other_classes_is_audited_by_its_own_names(fill: Fill, tmp_path: Path) -> None:
    names = {emotion: f"class {number}" for number, emotion in enumerate(EMOTIONS)}
    fill(tmp_path / "train", names=names)
    copy(tmp_path, "train/class 0/0.png", "train/class 1/copy.png")
    report = audit(tmp_path)
    assert report.counts == {"train": {f"class {number}": 3 if number == 1 else 2 for number in range(7)}}
    assert report.problems == ()
    assert len(report.conflicting()) == 1
    assert "class 6" in table(report)


@pytest.mark.parametrize(
    ("name", "reason"),
    [("missing", ", and there is no such folder"), ("file", ", which is a file"), ("empty", " without folders")],
)
def test_no_data_set_is_an_error(tmp_path: Path, name: str, reason: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match=rf"train/CLASS/, received .*/{name}{reason}$"):
        audit(tmp_path / name)


@pytest.mark.parametrize(
    ("place", "step"), [("photos/glad", "make a data set of it first: "), ("photos", "sort photographs into a folder for ")]
)
def test_audit_training_and_evaluation_say_of_photographs_that_cropping_comes_first(
    tmp_path: Path, place: str, step: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / place).mkdir(parents=True)
    (tmp_path / place / "a.jpg").write_bytes(cv2.imencode(".jpg", np.full((60, 80), 90, np.uint8))[1].tobytes())
    assert main(["audit", str(tmp_path / "photos")]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert f"expected a data set, a folder with train/CLASS/, received {tmp_path}/photos without train/; " in printed.err
    assert step in printed.err
    with pytest.raises(DataError) as caught:
        TrainingSet.load(tmp_path / "photos", 0.5)
    assert printed.err == f"ml.data: {caught.value}\n"
    with pytest.raises(DataError) as caught:
        evaluate(tmp_path / "photos", "test", SHIPPED_MODEL, tmp_path / "out")
    assert printed.err == f"ml.data: {caught.value}\n"
    assert printed.err.endswith("python -m ml.data crop PHOTOS --out DATA\n")


def test_files_beside_the_class_folders_are_left_out_by_audit_and_training(fill: Fill, tmp_path: Path) -> None:
    fill(tmp_path / "train")
    copy(tmp_path, "train/sad/0.png", "train/loose.png")
    (tmp_path / "ferplus_votes.csv").touch()
    assert audit(tmp_path).left_out == TrainingSet.load(tmp_path, 0.5).pictures.left_out == ("train/loose.png",)


def test_the_command_prints_a_table_and_writes_json(
    fill: Fill, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(tmp_path / "data" / "train")
    copy(tmp_path / "data", "train/sad/0.png", "train/happy/copy.png")
    assert main(["audit", str(tmp_path / "data"), "--near", "--json", str(tmp_path / "audit.json")]) == 0
    printed = capsys.readouterr().out
    assert "happy                3" in printed
    assert "1 with conflicting labels" in printed
    found = json.loads((tmp_path / "audit.json").read_text("utf-8"))
    assert found["pictures"] == 15
    assert found["conflicting_labels"] == [["train/happy/copy.png", "train/sad/0.png"]]
    assert found["near_duplicates"] == []


def test_the_command_fails_where_a_class_is_missing(fill: Fill, tmp_path: Path) -> None:
    fill(tmp_path / "train")
    fill(tmp_path / "test", names={"fear": "bored"})
    assert main(["audit", str(tmp_path)]) == 1
    assert main(["audit", str(tmp_path / "nowhere")]) == 2


def test_the_real_data_set_has_the_duplicates_that_are_known(test_data: Path) -> None:
    """Figures counted independently, by the files' own hashes."""
    report = audit(test_data / "fer2013")
    assert sum(report.counts["train"].values()) == 28_709
    assert sum(report.counts["test"].values()) == 3_589
    assert len(report.duplicates) == 1_273
    assert sum(len(group.files) for group in report.duplicates) == 2_805
    assert len(report.across_splits()) == 270
    assert report.sizes == {"48×48": 32_298}
    assert "2,805 pictures in 1,273 groups" in table(report)
