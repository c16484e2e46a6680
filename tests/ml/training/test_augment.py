from __future__ import annotations

import numpy as np
import pytest

from ml.training.augment import Augmentation, augment

EVERYTHING = Augmentation(shift=0.12, rotation_deg=15, scale=0.15, light=0.25, erase=1.0, degrade=1.0)


@pytest.fixture
def images() -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (5, 48, 48), dtype=np.uint8)


def test_the_same_seed_gives_the_same_pictures(images: np.ndarray) -> None:
    first, second = (augment(images, EVERYTHING, np.random.default_rng(7)) for _ in range(2))
    assert np.array_equal(first, second)
    assert not np.array_equal(first, augment(images, EVERYTHING, np.random.default_rng(8)))


def test_shape_type_and_input_are_kept(images: np.ndarray) -> None:
    before = images.copy()
    changed = augment(images, EVERYTHING, np.random.default_rng(0))
    assert changed.shape == images.shape
    assert changed.dtype == np.uint8
    assert np.array_equal(images, before)


def test_no_change_is_the_identity(images: np.ndarray) -> None:
    still = Augmentation(shift=0, flip=False)
    assert np.array_equal(augment(images, still, np.random.default_rng(0)), images)


def test_flip_mirrors_exactly(images: np.ndarray) -> None:
    flipped = augment(images, Augmentation(shift=0, flip=True), np.random.default_rng(0))
    mirrored = [np.array_equal(new, old[:, ::-1]) for new, old in zip(flipped, images, strict=True)]
    same = [np.array_equal(new, old) for new, old in zip(flipped, images, strict=True)]
    assert all(m or s for m, s in zip(mirrored, same, strict=True))
    assert any(mirrored)


def test_shift_moves_a_dot_no_further_than_asked() -> None:
    image = np.zeros((200, 48, 48), np.uint8)
    image[:, 20:28, 20:28] = 255
    moved = augment(image, Augmentation(shift=0.1, flip=False), np.random.default_rng(0))
    rows = (moved * np.arange(48)[:, None]).sum(axis=(1, 2)) / moved.sum(axis=(1, 2))
    assert np.abs(rows - 23.5).max() <= 4.8 + 0.2
    assert np.abs(rows - 23.5).max() > 3.5
