"""Batches: every picture once an epoch, the same for the same seed and epoch, and targets from labels and teachers."""

from __future__ import annotations

import numpy as np
import pytest

from ml.training.augment import Augmentation
from ml.training.batches import Batches, one_or_all


def test_batches_depend_on_seed_and_epoch_alone() -> None:
    images = np.random.default_rng(0).integers(0, 256, (20, 48, 48), dtype=np.uint8)
    targets = {"original": np.eye(7, dtype=np.float32)[np.arange(20) % 7]}

    def first(seed: int, epoch: int) -> np.ndarray:
        return Batches(images, targets, 8, Augmentation(), seed, epoch)[0][0]

    assert np.array_equal(first(0, 3), first(0, 3))
    assert not np.array_equal(first(0, 3), first(0, 4))
    assert not np.array_equal(first(1, 3), first(0, 3))


def test_an_epoch_holds_every_picture_once() -> None:
    images = np.repeat(np.arange(20, dtype=np.uint8), 48 * 48).reshape(20, 48, 48)
    targets = {"original": np.eye(20, dtype=np.float32)}
    batches = Batches(images, targets, 8, Augmentation(shift=0, flip=False), 0, 0)
    seen = [int(label) for index in range(len(batches)) for label in batches[index][1].argmax(axis=1)]
    assert sorted(seen) == list(range(20))
    for index in range(len(batches)):
        pictures, labels, _ = batches[index]
        assert np.array_equal(pictures[:, 0, 0, 0], labels.argmax(axis=1))


def test_a_picture_without_votes_has_weight_zero_in_their_loss() -> None:
    images = np.zeros((2, 48, 48), np.uint8)
    targets = {"original": np.eye(7, dtype=np.float32)[:2], "people": np.zeros((2, 7), np.float32)}
    targets["people"][1, 3] = 1
    _, _, weights = Batches(images, targets, 2, Augmentation(), 0, 0)[0]
    assert sorted(weights["people"]) == [0, 1]
    assert list(weights["original"]) == [1, 1]


def test_one_or_all() -> None:
    assert one_or_all({"original": 1}) == 1
    assert one_or_all({"original": 1, "people": 2}) == {"original": 1, "people": 2}


def test_teachers_are_mixed_into_known_targets_and_replace_unknown_ones() -> None:
    images = np.zeros((2, 48, 48), np.uint8)
    label, answer = np.eye(7, dtype=np.float32)[[3, 3]], np.full((2, 7), 1 / 7, np.float32)
    targets = {"original": label, "people": label * np.array([[1], [0]], np.float32)}
    batches = Batches(
        images, targets, 2, Augmentation(), 0, 0, lambda batch: {"original": answer, "people": answer}, 0.7
    )
    _, mixed, weights = batches[0]
    assert mixed["original"] == pytest.approx(0.3 * label + 0.7 * answer)
    assert sorted(mixed["people"].max(axis=1).tolist()) == pytest.approx([1 / 7, 0.3 + 0.1])
    assert list(weights["people"]) == [1, 1]
