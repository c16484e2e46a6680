"""The data of a run: divided without leaks, reproducible, and identified by its fingerprint."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from ml.data import DataError, Pictures, TrainingSet, fingerprints, load_pictures, split_validation
from ml.inference.contract import EMOTIONS
from tests.ml.data.conftest import Fill


@pytest.fixture
def data(pattern_data: Path, tmp_path: Path) -> Path:
    """A copy of the patterns with their votes, to be changed."""
    return Path(shutil.copytree(pattern_data, tmp_path / "data"))


def load(data: Path, **options: object) -> TrainingSet:
    return TrainingSet.load(data, 0.1, data / "votes.csv", **options)  # type: ignore[arg-type]


def test_loads_divides_and_scores_the_test_folder(data: Path) -> None:
    found = load(data)
    assert sorted([*found.training, *found.validation]) == list(range(140))
    assert len(found.scored) == 42
    assert found.votes is not None
    assert found.scored_votes is not None
    assert np.array_equal(found.votes.majority, found.pictures.labels)
    assert np.array_equal(found.scored_votes.majority, found.scored.labels)
    held_out, votes = found.held_out()
    assert votes is not None
    assert np.array_equal(votes.majority, held_out.labels)
    assert np.array_equal(found.targets(True)["people"], found.targets(False)["original"]), "people agree with folders"


def test_without_a_test_folder_the_validation_pictures_are_scored(data: Path) -> None:
    shutil.rmtree(data / "test")
    found = load(data)
    assert found.scored.files == found.held_out()[0].files
    assert found.scored_votes is not None
    assert np.array_equal(found.scored_votes.majority, found.scored.labels)


def test_the_fingerprint_is_stable_and_does_not_depend_on_the_scored_pictures(data: Path) -> None:
    before = load(data).fingerprint
    assert load(data).fingerprint == before
    shutil.rmtree(data / "test" / "sad")
    shutil.copytree(data / "test" / "happy", data / "test" / "sad")
    assert load(data).fingerprint == before


def change_a_pixel(data: Path) -> None:
    path = str(data / "train/happy/00.png")
    image = cv2.imread(path, cv2.IMREAD_GRAYSCALE)
    image[3, 3] ^= 1
    cv2.imwrite(path, image)


def move_a_picture(data: Path) -> None:
    (data / "train/happy/00.png").rename(data / "train/sad/99.png")


def change_a_vote(data: Path) -> None:
    text = (data / "votes.csv").read_text()
    (data / "votes.csv").write_text(text.replace("train/sad/03.png,0,0,0,0,9", "train/sad/03.png,0,0,0,1,8"))


def remove_a_picture(data: Path) -> None:
    (data / "train/fear/07.png").unlink()


@pytest.mark.parametrize("change", [change_a_pixel, move_a_picture, change_a_vote, remove_a_picture])
def test_the_fingerprint_changes_with_pictures_labels_and_votes(change: object, data: Path) -> None:
    before = load(data).fingerprint
    change(data)  # type: ignore[operator]
    assert load(data).fingerprint != before


def test_the_fingerprint_changes_with_the_division_and_without_votes(data: Path) -> None:
    found = load(data)
    assert replace(found, votes=None).fingerprint != found.fingerprint
    swapped = replace(found, training=found.validation, validation=found.training)
    assert swapped.fingerprint != found.fingerprint


def test_votes_need_the_seven_emotions(data: Path) -> None:
    (data / "train" / "sad").rename(data / "train" / "bored")
    with pytest.raises(DataError, match="the seven emotions as classes with --votes, received angry, bored"):
        load(data)


def test_frequencies_are_those_of_the_training_part(data: Path) -> None:
    found = load(data)
    frequencies = found.frequencies()
    expected = np.bincount(found.pictures.labels[found.training], minlength=7) / len(found.training)
    assert frequencies["original"] == pytest.approx(expected)
    assert frequencies["people"] == pytest.approx(expected, abs=1e-6)
    assert len(frequencies["people"]) == len(EMOTIONS)


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


@pytest.mark.parametrize("share", [0, -0.1, 0.6])
def test_a_share_out_of_range_is_an_error(fill: Fill, tmp_path: Path, share: float) -> None:
    fill(tmp_path / "train")
    with pytest.raises(DataError, match="validation share"):
        split_validation(load_pictures(tmp_path, "train"), share, seed=0)


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
