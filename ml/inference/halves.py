"""A picture and its halved copies, made on demand: reducing from the copy of the nearest size costs little."""

from __future__ import annotations

import math

import cv2
import numpy as np

from ml.inference.geometry import resize

MIN_HALVED_PX = 16
"""Least shorter side of a copy."""


class Halves:
    """Args:
    gray: `(height, width)` uint8.
    """

    def __init__(self, gray: np.ndarray) -> None:
        self._copies = [gray]

    @property
    def gray(self) -> np.ndarray:
        return self._copies[0]

    def near(self, scale: float) -> tuple[np.ndarray, float]:
        """The smallest copy from which a reduction by `scale` (1 or less) only reduces further, and the copy's scale.

        A point of the picture times the copy's scale is its place on the copy: an odd last row or column is left out.
        """
        wanted = math.floor(-math.log2(scale)) if 0 < scale < 1 else 0
        for level in range(1, wanted + 1):
            if level < len(self._copies):
                continue
            height, width = (length // 2 for length in self._copies[-1].shape)
            if min(height, width) < MIN_HALVED_PX:
                break
            even = self._copies[-1][: 2 * height, : 2 * width]
            self._copies.append(cv2.resize(even, (width, height), interpolation=cv2.INTER_AREA))
        level = min(wanted, len(self._copies) - 1)
        return self._copies[level], 0.5**level

    def resized(self, scale: float) -> np.ndarray:
        """The picture at `scale` times its size; shrinking averages areas."""
        copy, copied = self.near(scale)
        return resize(copy, scale / copied)
