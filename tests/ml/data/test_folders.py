"""Folder data sets: names, skipped files and errors."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from ml.data import (
    FOLDER_NAMES,
    DataError,
    class_folders,
    discover_classes,
    load_pictures,
)
from ml.inference.contract import DISPLAY_NAMES, EMOTIONS
from tests.ml.data.conftest import Fill


def test_either_set_of_names_gives_the_same_labels(fill: Fill, tmp_path: Path) -> None:
    fill(tmp_path / "short" / "train")
    fill(tmp_path / "shown" / "train", names=DISPLAY_NAMES)
    short = load_pictures(tmp_path / "short", "train")
    shown = load_pictures(tmp_path / "shown", "train")
    assert short.labels.tolist() == shown.labels.tolist() == sorted(list(range(7)) * 2)
    assert np.array_equal(short.images, shown.images)
    assert short.images.shape == (14, 48, 48)
    assert short.images.dtype == np.uint8


def test_labels_come_from_names_never_from_order(fill: Fill, tmp_path: Path) -> None:
    """Sorted by folder name, `Anger` to `Surprise`, neutral would be fifth; by name it is the last."""
    fill(tmp_path / "train", names=DISPLAY_NAMES)
    pictures = load_pictures(tmp_path, "train")
    by_folder = {
        file.split("/")[1]: EMOTIONS[label] for file, label in zip(pictures.files, pictures.labels, strict=True)
    }
    assert by_folder == {shown: name for name, shown in DISPLAY_NAMES.items()}


def test_a_missing_class_is_an_error_that_names_it(fill: Fill, tmp_path: Path) -> None:
    fill(tmp_path / "train")
    for path in (tmp_path / "train" / "fear").iterdir():
        path.unlink()
    with pytest.raises(DataError, match=r"readable picture in .*fear"):
        load_pictures(tmp_path, "train")
    (tmp_path / "train" / "fear").rmdir()
    with pytest.raises(DataError, match="received none for fear"):
        load_pictures(tmp_path, "train")


def test_an_unknown_folder_is_an_error(fill: Fill, tmp_path: Path) -> None:
    fill(tmp_path / "train")
    (tmp_path / "train" / "bored").mkdir()
    with pytest.raises(DataError, match="bored"):
        class_folders(tmp_path / "train")


def test_two_folders_for_one_class_are_an_error(fill: Fill, tmp_path: Path) -> None:
    fill(tmp_path / "train")
    (tmp_path / "train" / "Happiness").mkdir()
    with pytest.raises(DataError, match="one folder for happy"):
        class_folders(tmp_path / "train")


def test_a_missing_split_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="test"):
        load_pictures(tmp_path, "test")


def test_what_is_no_picture_is_skipped_by_name(fill: Fill, tmp_path: Path) -> None:
    fill(tmp_path / "train")
    (tmp_path / "train" / "sad" / "notes.jpg").write_text("these are notes")
    (tmp_path / "train" / "sad" / "cut.jpg").write_bytes((tmp_path / "train/sad/0.png").read_bytes()[:40])
    (tmp_path / "train" / "sad" / "empty.png").write_bytes(b"")
    pictures = load_pictures(tmp_path, "train")
    assert len(pictures) == 14
    assert [line.partition(":")[0] for line in pictures.skipped] == [
        "train/sad/cut.jpg",
        "train/sad/empty.png",
        "train/sad/notes.jpg",
    ]


def test_limit_bounds_the_pictures_of_each_class(fill: Fill, tmp_path: Path) -> None:
    fill(tmp_path / "train", each=5)
    assert np.bincount(load_pictures(tmp_path, "train", limit=3).labels).tolist() == [3] * 7


def test_other_sizes_are_resized_to_the_input(fill: Fill, tmp_path: Path) -> None:
    fill(tmp_path / "train")
    cv2.imwrite(str(tmp_path / "train/happy/large.png"), np.full((200, 150), 77, np.uint8))
    pictures = load_pictures(tmp_path, "train")
    large = pictures.images[pictures.files.index("train/happy/large.png")]
    assert large.shape == (48, 48)
    assert (large == 77).all()


@pytest.mark.parametrize(
    ("folders", "classes"),
    [
        (("Happiness", "Anger"), ("angry", "happy")),
        (("Tired", "awake"), ("awake", "tired")),
        (("happy", "tired"), ("happy", "tired")),
    ],
)
def test_classes_are_discovered_from_the_folders(
    tmp_path: Path, folders: tuple[str, ...], classes: tuple[str, ...]
) -> None:
    for number, name in enumerate(folders):
        (tmp_path / "train" / name).mkdir(parents=True)
        cv2.imwrite(str(tmp_path / "train" / name / "a.png"), np.full((48, 48), 50 * number + 9, np.uint8))
    assert discover_classes(tmp_path / "train") == classes
    pictures = load_pictures(tmp_path, "train", classes)
    assert pictures.classes == classes
    grey = {name.lower(): 50 * number + 9 for number, name in enumerate(folders)}
    for image, label, file in zip(pictures.images, pictures.labels, pictures.files, strict=True):
        assert image[0, 0] == grey[file.split("/")[1].lower()]
        assert pictures.classes[label] == FOLDER_NAMES.get(file.split("/")[1].lower(), file.split("/")[1].lower())


def test_a_single_class_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "train" / "happy").mkdir(parents=True)
    with pytest.raises(DataError, match="at least two class folders"):
        discover_classes(tmp_path / "train")
