"""Heat maps by occlusion: the parts of a face that an answer depends on. Works with any model, without gradients."""

from __future__ import annotations

from typing import Protocol

import numpy as np

PATCH_PX = 12
STEP_PX = 4


class Predicts(Protocol):
    """What is asked of a model: crops `(n, 48, 48)` uint8 to probabilities `(n, classes)`."""

    def predict(self, crops: np.ndarray) -> np.ndarray: ...


def occlusion_map(model: Predicts, crop: np.ndarray, label: int) -> np.ndarray:
    """How much each place adds to the probability of a label (Zeiler and Fergus, 2014).

    A square of the crop's mean grey covers one place after another; where the probability falls, the answer rests on
    that place. About a hundred variants go through the model as one batch.

    Args:
        crop: `(48, 48)` uint8, as `analyzer.crop_window` makes it.
        label: index of the class to explain.

    Returns:
        `(48, 48)` float32: the fall in probability, -1 to 1, averaged over all squares that cover a pixel.
    """
    height, width = crop.shape
    corners = [
        (top, left)
        for top in range(0, height - PATCH_PX + 1, STEP_PX)
        for left in range(0, width - PATCH_PX + 1, STEP_PX)
    ]
    variants = np.repeat(crop[np.newaxis], len(corners) + 1, axis=0)
    for variant, (top, left) in zip(variants[1:], corners, strict=True):
        variant[top : top + PATCH_PX, left : left + PATCH_PX] = round(float(crop.mean()))
    probabilities = model.predict(variants)[:, label]
    total, covered = np.zeros((height, width), np.float32), np.zeros((height, width), np.float32)
    for fall, (top, left) in zip(probabilities[0] - probabilities[1:], corners, strict=True):
        total[top : top + PATCH_PX, left : left + PATCH_PX] += fall
        covered[top : top + PATCH_PX, left : left + PATCH_PX] += 1
    return total / np.maximum(covered, 1)


def heat_grid(heat: np.ndarray) -> tuple[tuple[float, ...], ...]:
    """A heat map with one value for each square of `STEP_PX` pixels, within which it is constant: 12 rows of 12."""
    return tuple(map(tuple, heat[STEP_PX // 2 :: STEP_PX, STEP_PX // 2 :: STEP_PX].tolist()))
