"""Halved copies: a point keeps its place, and copies are made on demand."""

from __future__ import annotations

import numpy as np
import pytest

from ml.inference.halves import MIN_HALVED_PX, Halves


@pytest.mark.parametrize(
    ("scale", "expected"), [(2.0, 1.0), (1.0, 1.0), (0.6, 1.0), (0.5, 0.5), (0.3, 0.5), (0.11, 0.125)]
)
def test_the_nearest_larger_copy(scale: float, expected: float) -> None:
    copy, halved = Halves(np.zeros((480, 640), np.uint8)).near(scale)
    assert halved == expected
    assert copy.shape == (round(480 * expected), round(640 * expected))


def test_small_pictures_are_not_halved_to_nothing() -> None:
    for shape in ((1, 1), (1, 500), (2 * MIN_HALVED_PX - 1, 300)):
        copy, halved = Halves(np.zeros(shape, np.uint8)).near(0.01)
        assert (copy.shape, halved) == (shape, 1.0)


@pytest.mark.parametrize("shape", [(200, 300), (201, 303), (207, 309)])
def test_a_point_keeps_its_place(shape: tuple[int, int]) -> None:
    gray: np.ndarray = np.zeros(shape, np.uint8)
    gray[96:112, 192:208] = 255
    copy, halved = Halves(gray).near(0.25)
    y, x = np.argwhere(copy > 128).mean(axis=0) + 0.5
    assert (x / halved, y / halved) == pytest.approx((200, 104), abs=2)


def test_a_resized_picture_has_the_size_that_was_asked_for() -> None:
    picture = Halves(np.full((480, 640), 9, np.uint8))
    for scale in (1.0, 0.4, 0.05, 1.5):
        resized = picture.resized(scale)
        assert resized.shape == (round(480 * scale), round(640 * scale))
        assert (resized == 9).all()
