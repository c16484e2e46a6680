from __future__ import annotations

import numpy as np
import pytest

from ml.evaluation.metrics import expected_calibration_error, measure, reliability

CLASSES = ("a", "b", "c")


def test_measures_accuracy_interval_and_confusion() -> None:
    probabilities = np.array([[0.8, 0.1, 0.1], [0.6, 0.3, 0.1], [0.1, 0.8, 0.1], [0.1, 0.1, 0.8]])
    report = measure(probabilities, np.array([0, 1, 1, 2]), CLASSES)
    assert report["accuracy"] == 0.75
    assert report["confusion_matrix"] == [[1, 0, 0], [1, 1, 0], [0, 0, 1]]
    low, high = report["accuracy_ci95"]
    assert low == pytest.approx(0.3006, abs=1e-3)  # Wilson's interval for 3 of 4
    assert high == pytest.approx(0.9544, abs=1e-3)
    assert report["per_class"]["a"] == {"precision": 0.5, "recall": 1.0, "f1": pytest.approx(2 / 3), "n": 1}


def test_rows_without_a_label_are_left_out() -> None:
    probabilities = np.array([[0.9, 0.05, 0.05], [0.9, 0.05, 0.05]])
    assert measure(probabilities, np.array([0, -1]), CLASSES)["n"] == 1


def test_calibration_error_is_zero_when_confidence_is_accuracy_and_large_when_not() -> None:
    rng = np.random.default_rng(0)
    confidence = rng.uniform(0.5, 1, 20_000)
    probabilities = np.column_stack([confidence, 1 - confidence])
    honest = (rng.random(20_000) > confidence).astype(int)
    assert expected_calibration_error(probabilities, honest) < 0.02
    coin = rng.integers(0, 2, 20_000)
    assert expected_calibration_error(probabilities, coin) == pytest.approx(0.25, abs=0.02)


def test_reliability_counts_every_picture_once() -> None:
    probabilities = np.array([[1.0, 0.0], [0.5, 0.5], [0.93, 0.07]])
    assert sum(step["n"] for step in reliability(probabilities, np.array([0, 0, 1]))) == 3
