"""How much averaging over several views of a face changes the figures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ml.data import Pictures, Votes
from ml.evaluation.outputs import Predict
from ml.evaluation.scoring import score
from ml.inference.analyzer import PHOTO_FRAMINGS, crop_window
from ml.inference.contract import INPUT_SIZE
from ml.inference.geometry import Window

VIEWS: dict[str, tuple[tuple[float, ...], bool]] = {
    "one view, as in live pictures": ((1.0,), False),
    "with the mirror image": ((1.0,), True),
    "six views, as in photographs": (PHOTO_FRAMINGS, True),
}
"""Framings, and whether their mirror images are read too."""


def averaged(predict: Predict, images: np.ndarray, framings: Sequence[float], mirrored: bool) -> dict[str, np.ndarray]:
    """The mean answers to several views of each picture.

    Args:
        images: `(n, 48, 48)` uint8.
        framings: sides of the views, in sides of the picture; beyond it, its border pixels repeat.
        mirrored: also read the mirror image of each view.

    Returns:
        Each output's `(n, classes)` probabilities.
    """
    middle = INPUT_SIZE / 2
    answers = []
    for factor in framings:
        window = Window(middle, middle, INPUT_SIZE * factor)
        view = np.stack([crop_window(image, window) for image in images])
        answers += [predict(view), predict(view[:, :, ::-1])] if mirrored else [predict(view)]
    return {output: np.mean([answer[output] for answer in answers], axis=0) for output in answers[0]}


def compare_views(predict: Predict, pictures: Pictures, votes: Votes | None = None) -> dict[str, Any]:
    """The figures of `score` for the mean of the answers to the views, by name of the views in `VIEWS`."""
    return {
        name: score(averaged(predict, pictures.images, *views), pictures, votes)["outputs"]
        for name, views in VIEWS.items()
    }
