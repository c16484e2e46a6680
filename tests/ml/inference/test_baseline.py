"""A person's own neutral: the change from it, and the stretch of a recording that it is taken from."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ml.inference.baseline import EDGE, change_from, mean_of, quiet_stretch

NEUTRAL = 6


def test_a_change_is_the_difference_of_log_odds() -> None:
    assert change_from((0.2, 0.8), (0.2, 0.8)) == (0, 0)
    assert change_from((0.5, 0.5), (0.9, 0.1)) == pytest.approx((math.log(9), -math.log(9)))
    most = 2 * math.log((1 - EDGE) / EDGE)
    assert change_from((0.0,), (1.0,)) == pytest.approx((most,)), "certainty stays finite"


def test_a_baseline_is_the_mean_of_its_readings() -> None:
    assert mean_of([(0.2, 0.8), (0.4, 0.6)]) == pytest.approx((0.3, 0.7))


def reading(emotion: int, share: float) -> np.ndarray:
    return np.where(np.arange(7) == emotion, share, (1 - share) / 6)


def test_the_quiet_neutral_stretch_is_found() -> None:
    rng = np.random.default_rng(0)
    times = np.arange(0, 30, 0.1)
    rows = np.stack([reading(3 if 10 <= t < 16 else NEUTRAL, 0.6 if t < 20 else 0.7) for t in times])
    moving = (times < 10) | (times >= 24)
    rows[moving] = [rng.dirichlet(8 * row) for row in rows[moving]]
    found = quiet_stretch(times, rows, NEUTRAL)
    assert found is not None
    assert times[found][0] >= 20 - 1e-9, "not where the face moves, nor where it smiles without moving"
    assert times[found][-1] < 24
    assert times[found][-1] - times[found][0] == pytest.approx(3, abs=0.11)


def test_a_short_recording_is_one_stretch_and_a_few_readings_are_none() -> None:
    rows = np.stack([reading(NEUTRAL, 0.5)] * 8)
    assert quiet_stretch(np.arange(8) / 10, rows, NEUTRAL) == slice(0, 8)
    assert quiet_stretch(np.empty(0), np.empty((0, 7)), NEUTRAL) is None
    assert quiet_stretch(np.arange(4), rows[:4], NEUTRAL) is None
    assert quiet_stretch(np.arange(8) * 10.0, rows, NEUTRAL) is None, "readings too far apart"
