"""Compares ways to make the served answer, by cross-validation on validation pictures.

The answer has two uses with conflicting aims. Where all seven emotions count alike, rare ones must be found. In front
of a camera about 60 % of faces are neutral, and must not be read as sad. Each alternative is scored for both uses.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from ml.calibration import calibrate, expected_shares, served_answer
from ml.evaluation.metrics import expected_calibration_error
from ml.inference.contract import EMOTIONS

PEOPLE_SHARES = (0.6, 0.7, 0.8, 0.9, 1.0)
NEUTRAL_SHARES = (1 / 7, 0.2, 0.25, 0.3, 0.37)
FRAMINGS = ((1.0,), (0.9, 1.0, 1.1), (1.0, 1.1, 1.2), (0.85, 0.95, 1.05), (0.9, 0.95, 1.0), (0.8, 0.9, 1.0))
CAMERA_NEUTRAL_SHARE = 0.6
FOLDS = 10
REPEATS = 3
TOLERATED_RECALL_LOSS = 0.005
"""How far the mean recall may fall below that of the answer for which all seven count alike."""


@dataclass(frozen=True)
class Alternative:
    """One way to make the served answer, with its cross-validated figures.

    people_share: part of the output `people` in the mixture. neutral_share: see `ml.calibration.NEUTRAL_SHARE`.
    mean_recall: where all seven count alike. camera_accuracy: where 60 % of faces are neutral. neutral_as_sad: share of
    neutral faces that are called sad. ece: calibration error.
    """

    people_share: float
    neutral_share: float
    mean_recall: float
    camera_accuracy: float
    neutral_as_sad: float
    ece: float

    @property
    def both_uses(self) -> float:
        return (self.mean_recall + self.camera_accuracy) / 2


def cross_validate(
    views: Sequence[dict[str, np.ndarray]],
    labels: np.ndarray,
    majority: np.ndarray,
    frequencies: dict[str, np.ndarray],
    people_share: float,
    neutral_share: float,
) -> Alternative:
    """Fit the calibration on nine tenths of the pictures, score the rest; all tenths in turn, in several divisions.

    Args:
        views: the outputs `original` and `people` for the pictures as they are and mirrored, which steadies the figures
            of rare emotions. The others as `ml.calibration.calibrate` has them.
    """
    shares = {"people": people_share, "original": 1 - people_share}
    outputs = {name: np.concatenate([view[name] for view in views]) for name in shares}
    labels, majority = np.tile(labels, len(views)), np.tile(majority, len(views))
    pictures = len(labels) // len(views)
    recalls, sad, errors = [], [], []
    for seed in range(REPEATS):
        fold = np.tile(np.random.default_rng(seed).permutation(pictures) % FOLDS, len(views))
        served = np.empty_like(outputs["people"], dtype=np.float64)
        for held_out in range(FOLDS):
            fitted_on, scored = fold != held_out, fold == held_out
            part = {name: rows[fitted_on] for name, rows in outputs.items()}
            calibration = calibrate(part, labels[fitted_on], majority[fitted_on], frequencies, shares, neutral_share)
            served[scored] = served_answer({name: rows[scored] for name, rows in outputs.items()}, calibration)
        answers = served.argmax(axis=1)
        recalls.append([np.mean(answers[majority == label] == label) for label in range(len(EMOTIONS))])
        sad.append(np.mean(answers[majority == EMOTIONS.index("neutral")] == EMOTIONS.index("sad")))
        known = majority >= 0
        errors.append(expected_calibration_error(served[known], majority[known]))
    recall = np.mean(recalls, axis=0)
    return Alternative(
        people_share,
        neutral_share,
        mean_recall=float(recall.mean()),
        camera_accuracy=float(recall @ expected_shares(len(EMOTIONS), CAMERA_NEUTRAL_SHARE)),
        neutral_as_sad=float(np.mean(sad)),
        ece=float(np.mean(errors)),
    )


def choose(alternatives: Iterable[Alternative]) -> Alternative:
    """The best mean of the two uses among alternatives of one share of `people`.

    The mean recall may lie at most `TOLERATED_RECALL_LOSS` below that of the answer for which all seven count alike.
    """
    rows = list(alternatives)
    alike = next(row.mean_recall for row in rows if np.isclose(row.neutral_share, 1 / len(EMOTIONS)))
    kept = [row for row in rows if row.mean_recall >= alike - TOLERATED_RECALL_LOSS]
    return max(kept, key=lambda row: row.both_uses)
