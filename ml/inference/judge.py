"""Decides whether a window holds a face, from two networks and three cascades; the cheap ones come first."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from ml.inference.cascades import CloseCount, acceptances, close_look, load_cascade
from ml.inference.detection import Detection
from ml.inference.geometry import Window
from ml.inference.halves import Halves
from ml.inference.scan import FaceScanner

MAX_ACCEPTANCES = 60
"""No cascade accepts a close look much more often than this."""

MIN_UPSIDE_DOWN = 1.0
"""A face is upside down if the evidence for it rises by more than this, in log odds, when its window is turned by 180°.
Chosen by hand; `python -m tests.bench.detection` measures the effect."""


@dataclass(frozen=True)
class Weights:
    """Log odds of a face: a bias, weights of the two networks' logits, and of the logarithm of one and the acceptances
    of `frontalface_alt2`, `frontalface_default` and `profileface`. All but the bias are positive."""

    bias: float
    align: float
    scan: float
    cascades: tuple[float, float, float]


WEIGHTS = Weights(-5.02, 1.14, 1.45, (1.24, 0.24, 0.82))
"""Printed by `python -m tests.bench.fit_judge --data DIR`."""


def logit(probability: float) -> float:
    """Log odds of a probability, which is clipped to 0.0001 … 0.9999."""
    probability = min(max(probability, 1e-4), 1 - 1e-4)
    return math.log(probability / (1 - probability))


class Judge:
    """One per process or thread: neither cascades nor interpreters are safe to share."""

    def __init__(self, scanner: FaceScanner, weights: Weights = WEIGHTS) -> None:
        self._scanner = scanner
        self._weights = weights
        self._frontal, self._profile = load_cascade("frontalface_alt2"), load_cascade("profileface")
        self._counts: tuple[Callable[[np.ndarray], int], ...] = (
            partial(acceptances, self._frontal),
            partial(acceptances, load_cascade("frontalface_default")),
            self._profiles,
        )

    def log_odds(self, picture: Halves, found: Detection, needed: float = 0.0) -> float:
        """Log odds that an aligned window is a face. A cascade runs only if it can change whether the result is above
        `needed`.

        Args:
            found: a window, with the aligner's probability.
        """
        weights = self._weights
        odds = weights.bias + weights.align * logit(found.score)
        odds += weights.scan * self._scanner.look(picture, found.window)
        left = sum(weights.cascades) * math.log1p(MAX_ACCEPTANCES)
        patch = close_look(picture, found.window)
        for weight, count in zip(weights.cascades, self._counts, strict=True):
            if odds >= needed or odds + left < needed:
                break
            left -= weight * math.log1p(MAX_ACCEPTANCES)
            odds += weight * math.log1p(count(patch))
        return odds

    def complete_log_odds(self, picture: Halves, found: Detection) -> float:
        """Log odds from all evidence, which can be compared between windows."""
        weights = (self._weights.align, self._weights.scan, *self._weights.cascades)
        return self._weights.bias + sum(
            weight * value for weight, value in zip(weights, self.evidence(picture, found), strict=True)
        )

    def is_turned(self, picture: Halves, found: Detection) -> bool:
        """Whether a face that `frontalface_alt2` does not accept looks more like one on its side or upside down."""
        if self._counts[0](close_look(picture, found.window)) > 0:
            return False
        upright = self._weights.scan * self._scanner.look(picture, found.window)
        windows = (replace(found.window, roll_deg=found.window.roll_deg + turn_deg) for turn_deg in (180, 90, -90))
        return any(self._upright(picture, window) > upright for window in windows)

    def is_upside_down(self, picture: Halves, found: Detection, accepted: CloseCount) -> bool:
        """Whether a face is clearly one that stands on its head: by more than `MIN_UPSIDE_DOWN`. The cascade looks only
        as far as it can change the answer.

        Args:
            accepted: how often `frontalface_alt2` accepts the window in a close look.
        """
        scan, cascade = self._weights.scan, self._weights.cascades[0]
        turned = replace(found.window, roll_deg=found.window.roll_deg + 180)
        ahead = scan * (self._scanner.look(picture, turned) - self._scanner.look(picture, found.window))
        ratio = math.exp((MIN_UPSIDE_DOWN - ahead) / cascade)
        if accepted.reaches((1 + MAX_ACCEPTANCES) / ratio - 1):
            return False
        least = math.floor((1 + accepted.so_far) * ratio - 1) + 1
        return CloseCount(self._frontal, close_look(picture, turned)).reaches(least)

    def _upright(self, picture: Halves, window: Window) -> float:
        """How much the scan's network and `frontalface_alt2` see an upright face in a window."""
        count = self._counts[0](close_look(picture, window))
        return self._weights.scan * self._scanner.look(picture, window) + self._weights.cascades[0] * math.log1p(count)

    def evidence(self, picture: Halves, found: Detection) -> list[float]:
        """The features in the order of the weights: both logits and the three logarithms."""
        patch = close_look(picture, found.window)
        counts = [math.log1p(count(patch)) for count in self._counts]
        return [logit(found.score), self._scanner.look(picture, found.window), *counts]

    def _profiles(self, patch: np.ndarray) -> int:
        """Acceptances of the side on which a face is seen more often."""
        mirrored = np.ascontiguousarray(patch[:, ::-1])
        return max(acceptances(self._profile, patch), acceptances(self._profile, mirrored))
