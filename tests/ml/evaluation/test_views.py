"""Answers to several views of a face are averaged."""

from __future__ import annotations

import numpy as np

from ml.data import Pictures
from ml.evaluation.views import VIEWS, averaged, compare_views


def light_on_the_left(images: np.ndarray) -> dict[str, np.ndarray]:
    """Sure of the first class where the left half is lighter, of the second otherwise."""
    left = images[:, :, :24].mean(axis=(1, 2)) > images[:, :, 24:].mean(axis=(1, 2))
    return {"original": np.eye(7)[np.where(left, 0, 1)]}


def half_light() -> np.ndarray:
    image = np.zeros((1, 48, 48), np.uint8)
    image[:, :, :24] = 200
    return image


def test_the_mirror_image_counts_as_much_as_the_picture() -> None:
    assert averaged(light_on_the_left, half_light(), (1.0,), False)["original"][0, :2].tolist() == [1, 0]
    assert averaged(light_on_the_left, half_light(), (1.0,), True)["original"][0, :2].tolist() == [0.5, 0.5]


def test_a_framing_shows_the_middle_of_the_picture() -> None:
    """A dark border is outside a narrow framing."""
    seen = []

    def predict(images: np.ndarray) -> dict[str, np.ndarray]:
        seen.append(images[0].min())
        return {"original": np.eye(7)[[0]]}

    image = np.full((1, 48, 48), 200, np.uint8)
    image[:, :3] = 0
    averaged(predict, image, (1.0, 0.8), False)
    assert seen[0] == 0 < seen[1]


def test_every_kind_of_reading_is_scored() -> None:
    pictures = Pictures(half_light(), np.zeros(1, int), ("test/angry/a.png",), ())
    figures = compare_views(light_on_the_left, pictures)
    assert figures.keys() == VIEWS.keys()
    assert figures["one view, as in live pictures"]["original"]["folder"]["accuracy"] == 1
