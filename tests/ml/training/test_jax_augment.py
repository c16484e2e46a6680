"""The changes on an accelerator are those that OpenCV makes, with the same limits."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
import pytest

from ml.training.augment import Augmentation

jax = pytest.importorskip("jax", reason="needs JAX: pip install jax")

from ml.training import jax_augment  # noqa: E402

EVERYTHING = Augmentation(shift=0.12, rotation_deg=15, scale=0.15, light=0.25, erase=1.0, degrade=1.0)


@pytest.fixture(scope="module", autouse=True)
def compiled_quickly() -> Iterator[None]:
    """Half of the time would go into optimising programs that run once."""
    before = jax.config.read("jax_disable_most_optimizations")
    jax.config.update("jax_disable_most_optimizations", True)
    yield
    jax.config.update("jax_disable_most_optimizations", before)


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    noise = np.random.default_rng(1).uniform(0, 255, (6, 12, 12)).astype(np.float32)
    return (
        np.stack([cv2.resize(image, (48, 48), interpolation=cv2.INTER_CUBIC) for image in noise]).clip(0, 255).round()
    )


def changed(images: np.ndarray, settings: Augmentation, seed: int = 0) -> np.ndarray:
    return np.asarray(jax_augment.augment(jax.numpy.asarray(images), settings, jax.random.key(seed)))


def test_the_same_key_gives_the_same_pictures_in_whole_grey_levels(images: np.ndarray) -> None:
    first, second = (changed(images, EVERYTHING, 7) for _ in range(2))
    assert np.array_equal(first, second)
    assert not np.array_equal(first, changed(images, EVERYTHING, 8))
    assert first.shape == images.shape
    assert np.array_equal(first, first.round())
    assert first.min() >= 0
    assert first.max() <= 255


def test_no_change_is_the_identity_and_flips_mirror_exactly(images: np.ndarray) -> None:
    assert np.array_equal(changed(images, Augmentation(shift=0, flip=False)), images)
    flipped = changed(np.repeat(images, 4, axis=0), Augmentation(shift=0, flip=True))
    same = (flipped == np.repeat(images, 4, axis=0)).all(axis=(1, 2))
    mirrored = (flipped == np.repeat(images, 4, axis=0)[:, :, ::-1]).all(axis=(1, 2))
    assert (same ^ mirrored).all()
    assert same.any()
    assert mirrored.any()


@pytest.mark.parametrize("side", [20, 33, 47])
def test_a_lower_resolution_is_that_of_opencv(images: np.ndarray, side: int) -> None:
    matrix = jax_augment.resolutions(48)[1 + side - jax_augment.SMALLEST_SIDE]
    small = cv2.resize(images[0], (side, side), interpolation=cv2.INTER_AREA)
    expected = cv2.resize(small, (48, 48), interpolation=cv2.INTER_LINEAR)
    assert np.abs(matrix @ images[0] @ matrix.T - expected).max() < 0.01


@pytest.mark.parametrize("index", [0, 8, 16])
def test_a_blur_is_that_of_opencv(images: np.ndarray, index: int) -> None:
    matrix = jax_augment.blurs(48)[1 + index]
    expected = cv2.GaussianBlur(images[0], (0, 0), float(jax_augment.SIGMAS[index]))
    assert np.abs(matrix @ images[0] @ matrix.T - expected).max() < 0.2


@pytest.mark.parametrize("quality", [30, 60, 89])
def test_compression_loses_what_a_jpeg_file_loses(images: np.ndarray, quality: int) -> None:
    ours = np.asarray(jax_augment.jpeg(jax.numpy.asarray(images), jax.numpy.full((len(images),), quality)))
    files = [cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1] for image in images.astype(np.uint8)]
    theirs = np.stack([cv2.imdecode(file, cv2.IMREAD_GRAYSCALE) for file in files]).astype(np.float32)
    lost = np.abs(theirs - images).mean()
    assert np.abs(ours - theirs).mean() < min(1.0, lost)


def test_a_dot_moves_no_further_than_asked() -> None:
    dots = np.zeros((200, 48, 48), np.float32)
    dots[:, 20:28, 20:28] = 255
    moved = changed(dots, Augmentation(shift=0.1, flip=False))
    rows = (moved * np.arange(48)[:, None]).sum(axis=(1, 2)) / moved.sum(axis=(1, 2))
    assert np.abs(rows - 23.5).max() <= 4.8 + 0.2
    assert np.abs(rows - 23.5).max() > 3.5


def test_an_erased_square_has_15_to_40_per_cent_of_the_side(images: np.ndarray) -> None:
    black = np.zeros((100, 48, 48), np.float32)
    erased = changed(black, Augmentation(shift=0, flip=False, erase=1.0)) > 0
    heights = erased.any(axis=2).sum(axis=1)
    assert heights.min() >= 6
    assert heights.max() <= 19
    assert np.abs(heights - erased.any(axis=1).sum(axis=1)).max() <= 2
    assert len(set(heights)) > 5
