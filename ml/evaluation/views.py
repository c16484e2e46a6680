"""How much averaging over several views of a face changes the figures."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from ml.data import Pictures, Votes
from ml.evaluation.outputs import Predict
from ml.evaluation.scoring import score
from ml.inference.analyzer import PHOTO_FRAMINGS, crop_window
from ml.inference.contract import INPUT_SIZE
from ml.inference.geometry import Window

View = Callable[[np.ndarray], np.ndarray]
"""A picture `(48, 48)` uint8 to what the model sees of it, of the same shape."""


def _framed(image: np.ndarray, factor: float) -> np.ndarray:
    middle = INPUT_SIZE / 2
    return crop_window(image, Window(middle, middle, INPUT_SIZE * factor))


def _mirrored(view: View) -> View:
    return lambda image: np.ascontiguousarray(view(image)[:, ::-1])


_FRAMED: tuple[View, ...] = tuple(partial(_framed, factor=factor) for factor in PHOTO_FRAMINGS)

VIEWS: dict[str, tuple[View, ...]] = {
    "one view, as in live pictures": _FRAMED[:1],
    "with the mirror image": (_FRAMED[0], _mirrored(_FRAMED[0])),
    "six views, as in photographs": (*_FRAMED, *map(_mirrored, _FRAMED)),
}


def compare_views(predict: Predict, pictures: Pictures, votes: Votes | None = None) -> dict[str, Any]:
    """The figures of `score` for the mean of the answers to the views, by name of the views in `VIEWS`."""
    figures = {}
    for name, views in VIEWS.items():
        answers = [predict(np.stack([view(image) for image in pictures.images])) for view in views]
        mean = {output: np.mean([answer[output] for answer in answers], axis=0) for output in answers[0]}
        figures[name] = score(mean, pictures, votes)["outputs"]
    return figures
