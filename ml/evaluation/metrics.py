"""Figures of predicted probabilities: accuracy, F1, cross-entropy, calibration error, confusion matrix."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.stats import binomtest
from sklearn.metrics import classification_report, confusion_matrix

BINS = 15


def measure(
    probabilities: np.ndarray, labels: np.ndarray, classes: tuple[str, ...], targets: np.ndarray | None = None
) -> dict[str, Any]:
    """Score predictions against one set of labels.

    Args:
        probabilities: `(n, classes)`. labels: `(n,)` indices; rows with -1 have no label and are left out.
        targets: `(n, classes)` probabilities for the cross-entropy; None takes the labels.

    Returns:
        `n, accuracy, accuracy_ci95` (Wilson), `macro_f1, balanced_accuracy, cross_entropy` (nats), `ece, ece_by_chance`
        (see `calibration_error_by_chance`), `per_class, confusion_matrix` (counts; rows are the labels, columns the
        predictions) and `labels`.

    Raises:
        ValueError: no row has a label.
    """
    known = labels >= 0
    if not known.any():
        raise ValueError(f"expected at least one labelled picture, received {len(labels)} without a label")
    targets = np.eye(len(classes))[labels] if targets is None else targets
    cross_entropy = -float(np.mean(np.sum(targets[known] * np.log(probabilities[known] + 1e-9), axis=1)))
    probabilities, labels = probabilities[known], labels[known]
    predicted = probabilities.argmax(axis=1)
    indices = list(range(len(classes)))
    scores = classification_report(
        labels, predicted, labels=indices, target_names=classes, output_dict=True, zero_division=0.0
    )
    correct = int((predicted == labels).sum())
    interval = binomtest(correct, len(labels)).proportion_ci(method="wilson")
    return {
        "n": len(labels),
        "accuracy": correct / len(labels),
        "accuracy_ci95": [interval.low, interval.high],
        "macro_f1": scores["macro avg"]["f1-score"],
        "balanced_accuracy": scores["macro avg"]["recall"],
        "cross_entropy": cross_entropy,
        "ece": expected_calibration_error(probabilities, labels),
        "ece_by_chance": calibration_error_by_chance(probabilities.max(axis=1)),
        "per_class": {
            name: {
                "precision": scores[name]["precision"],
                "recall": scores[name]["recall"],
                "f1": scores[name]["f1-score"],
                "n": int(scores[name]["support"]),
            }
            for name in classes
        },
        "confusion_matrix": confusion_matrix(labels, predicted, labels=indices).tolist(),
        "labels": list(classes),
    }


def reliability(probabilities: np.ndarray, labels: np.ndarray) -> list[dict[str, float]]:
    """Confidence against accuracy in `BINS` equal steps of confidence; empty steps are left out."""
    confidence = probabilities.max(axis=1)
    correct = probabilities.argmax(axis=1) == labels
    bins = bins_of(confidence)
    return [
        {
            "confidence": float(confidence[bins == index].mean()),
            "accuracy": float(correct[bins == index].mean()),
            "n": int((bins == index).sum()),
        }
        for index in range(BINS)
        if (bins == index).any()
    ]


def bins_of(confidence: np.ndarray) -> np.ndarray:
    """Which of `BINS` equal steps of confidence each one is in."""
    return np.minimum((confidence * BINS).astype(int), BINS - 1)


def expected_calibration_error(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """Mean gap between confidence and accuracy, weighted by pictures (Naeini et al., 2015)."""
    steps = reliability(probabilities, labels)
    return sum(step["n"] * abs(step["confidence"] - step["accuracy"]) for step in steps) / len(labels)


def calibration_error_by_chance(confidence: np.ndarray, draws: int = 500) -> list[float]:
    """Where the calibration error of a perfectly calibrated network would lie on as many pictures, in 90 % of cases.

    Even if every confidence were exactly the chance to be right, the accuracy of a step of few pictures would differ
    from it. This draws right and wrong answers by the confidences (Bröcker and Smith, Increasing the Reliability of
    Reliability Diagrams, 2007).

    Args:
        confidence: `(n,)`, the largest probability of each picture.

    Returns:
        The 5th and 95th percentile over the draws, the same for the same confidences.
    """
    bins, random = bins_of(confidence), np.random.default_rng(0)
    errors = []
    for _ in range(draws):
        gaps = np.bincount(bins, (random.random(len(confidence)) < confidence) - confidence)
        errors.append(np.abs(gaps).sum() / len(confidence))
    return [float(value) for value in np.quantile(errors, (0.05, 0.95))]
