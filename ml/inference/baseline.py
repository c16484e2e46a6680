"""A person's baseline: the difference in log-odds between a face and the same person's neutral face.

Comparing a face with the same person's neutral face is more reliable than one reading: a face that looks sad at rest is
only called sad where it becomes sadder. The page calculates the same (`static/js/session/baseline.js`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

EDGE = 0.001
"""Probabilities are clipped to this distance from 0 and 1, so a change is at most 2 ln(0.999 / 0.001) = 13.8."""
BASELINE_S = 3.0
"""Length of the stretch of a recording that is a person's baseline."""
LEAST_READINGS = 5
"""Fewest readings of a stretch."""


def log_odds(probability: float) -> float:
    kept = min(1 - EDGE, max(EDGE, probability))
    return math.log(kept / (1 - kept))


def change_from(baseline: Sequence[float], probabilities: Sequence[float]) -> tuple[float, ...]:
    """The change of each emotion from a neutral face in log-odds: 0 is no change, 1 means odds 2.7 times as high.

    Args:
        baseline: mean probabilities of the person's neutral face. probabilities: those of the face now. One value for
            each emotion, in the same order.
    """
    return tuple(log_odds(now) - log_odds(then) for now, then in zip(probabilities, baseline, strict=True))


def mean_of(readings: Sequence[Sequence[float]]) -> tuple[float, ...]:
    """The baseline of several readings of one neutral face: their mean probabilities."""
    return tuple(np.mean(np.asarray(readings, float), axis=0).tolist())


def quiet_stretch(
    times_s: np.ndarray, readings: np.ndarray, neutral: int, length_s: float = BASELINE_S
) -> slice | None:
    """The stretch of a recording that most likely shows a person's neutral face: neutral and without change.

    Every stretch of the given length is scored by the mean log-odds of neutral, less the mean standard deviation of all
    emotions' log-odds.

    Args:
        times_s: `(n,)` ascending times of one person's readings. readings: `(n, classes)` probabilities.
        neutral: index of neutral among the classes.

    Returns:
        The readings of the best stretch; None where the recording has no stretch with `LEAST_READINGS`.
    """
    if len(times_s) < LEAST_READINGS:
        return None
    kept = np.clip(readings, EDGE, 1 - EDGE)
    odds = np.log(kept / (1 - kept))
    ends = np.searchsorted(times_s, times_s + length_s, side="right")
    starts = np.flatnonzero(times_s + length_s <= times_s[-1]) if times_s[-1] - times_s[0] > length_s else np.array([0])
    starts = starts[ends[starts] - starts >= LEAST_READINGS]
    if not len(starts):
        return None
    counts = (ends[starts] - starts)[:, np.newaxis]
    sums, squares = (np.concatenate([np.zeros((1, odds.shape[1])), np.cumsum(odds**power, axis=0)]) for power in (1, 2))
    means = (sums[ends[starts]] - sums[starts]) / counts
    variances = np.maximum((squares[ends[starts]] - squares[starts]) / counts - means**2, 0)
    best = starts[np.argmax(means[:, neutral] - np.sqrt(variances).mean(axis=1))]
    return slice(int(best), int(ends[best]))
