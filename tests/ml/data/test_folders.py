"""Folder data sets: names, skips, errors, and a validation split that keeps duplicates together."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from ml.data import (
    FOLDER_NAMES,
    DataError,
    Pictures,
    class_folders,
    discover_classes,
    fingerprints,
    load_pictures,
    load_votes,
    split_validation,
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


def test_limit_takes_so_many_of_each_class(fill: Fill, tmp_path: Path) -> None:
    fill(tmp_path / "train", each=5)
    assert np.bincount(load_pictures(tmp_path, "train", limit=3).labels).tolist() == [3] * 7


def test_other_sizes_are_brought_to_the_models(fill: Fill, tmp_path: Path) -> None:
    fill(tmp_path / "train")
    cv2.imwrite(str(tmp_path / "train/happy/large.png"), np.full((200, 150), 77, np.uint8))
    pictures = load_pictures(tmp_path, "train")
    large = pictures.images[pictures.files.index("train/happy/large.png")]
    assert large.shape == (48, 48)
    assert (large == 77).all()


def test_the_split_is_stratified_seeded_and_keeps_duplicates_together(fill: Fill, tmp_path: Path) -> None:
    fill(tmp_path / "train", each=40)
    for number in range(20):  # every second happy picture has a twin among the sad ones
        source = tmp_path / f"train/happy/{2 * number}.png"
        (tmp_path / f"train/sad/twin{number}.png").write_bytes(source.read_bytes())
    pictures = load_pictures(tmp_path, "train")
    train, validation = split_validation(pictures, 0.1, seed=1)
    assert sorted([*train, *validation]) == list(range(len(pictures)))
    prints = fingerprints(pictures.images)
    assert not set(prints[train]) & set(prints[validation])
    shares = np.bincount(pictures.labels[validation], minlength=7) / np.bincount(pictures.labels)
    assert (np.abs(shares - 0.1) < 0.06).all()
    again = split_validation(pictures, 0.1, seed=1)
    assert np.array_equal(again[1], validation)
    assert not np.array_equal(split_validation(pictures, 0.1, seed=2)[1], validation)


def test_one_of_each_cannot_be_split(fill: Fill, tmp_path: Path) -> None:
    fill(tmp_path / "train", each=1)
    with pytest.raises(DataError, match="two different pictures"):
        split_validation(load_pictures(tmp_path, "train"), 0.1, seed=0)


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


def test_one_folder_is_no_choice_of_classes(tmp_path: Path) -> None:
    (tmp_path / "train" / "happy").mkdir(parents=True)
    with pytest.raises(DataError, match="at least two class folders"):
        discover_classes(tmp_path / "train")


@pytest.mark.parametrize("share", [0, -0.1, 0.6])
def test_a_share_out_of_range_is_an_error(fill: Fill, tmp_path: Path, share: float) -> None:
    fill(tmp_path / "train")
    with pytest.raises(DataError, match="validation share"):
        split_validation(load_pictures(tmp_path, "train"), share, seed=0)


def test_votes_become_shares_of_the_seven_and_a_majority(tmp_path: Path) -> None:
    (tmp_path / "votes.csv").write_text(
        "file,angry,disgust,fear,happy,sad,surprise,neutral,contempt,unknown,not_face\n"
        "a.jpg,0,0,0,7,0,0,2,1,0,0\n"
        "b.jpg,0,0,0,1,0,0,1,0,2,6\n"
    )
    votes = load_votes(tmp_path / "votes.csv", ("a.jpg", "b.jpg", "c.jpg"))
    assert votes.shares[0].tolist() == pytest.approx([0, 0, 0, 7 / 9, 0, 0, 2 / 9])
    assert votes.shares[1:].tolist() == [[0] * 7] * 2, "mostly no face; no row at all"
    assert votes.majority.tolist() == [EMOTIONS.index("happy"), -1, -1]


def test_votes_without_a_column_are_an_error(tmp_path: Path) -> None:
    (tmp_path / "votes.csv").write_text("file,angry\na.jpg,1\n")
    with pytest.raises(DataError, match="surprise"):
        load_votes(tmp_path / "votes.csv", ("a.jpg",))
    with pytest.raises(DataError, match=r"none\.csv"):
        load_votes(tmp_path / "none.csv", ("a.jpg",))


def test_the_real_data_set_splits_without_leaks(test_data: Path) -> None:
    pictures = load_pictures(test_data / "fer2013", "test")
    assert len(pictures) == 3589
    train, validation = split_validation(pictures, 0.1, seed=0)
    prints = fingerprints(pictures.images)
    assert not set(prints[train]) & set(prints[validation])
    assert len(validation) == pytest.approx(359, abs=15)


def test_a_handful_of_pictures_can_still_be_split() -> None:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (6, 48, 48), dtype=np.uint8)
    pictures = Pictures(images, np.array([0, 0, 0, 1, 1, 1]), tuple("abcdef"), (), ("x", "y"))
    train, validation = split_validation(pictures, 0.1, 0)
    assert sorted([*train, *validation]) == list(range(6))
    assert len(validation) == 2
    with pytest.raises(DataError, match="expected at least two different pictures of a class"):
        split_validation(pictures.subset(np.array([0, 3])), 0.1, 0)
