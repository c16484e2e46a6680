"""The choice of what is served: its rule, its cross-validation, and the command that prints it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ml.calibrate import main
from ml.inference.contract import EMOTIONS
from ml.serving_choice import TOLERATED_RECALL_LOSS, Alternative, choose, cross_validate

EVEN = Alternative(0.8, 1 / 7, mean_recall=0.8, camera_accuracy=0.7, neutral_as_sad=0.2, ece=0.02)


def test_the_best_for_both_uses_wins_unless_rare_emotions_suffer() -> None:
    kept = replace(EVEN, neutral_share=0.2, mean_recall=0.8 - 0.9 * TOLERATED_RECALL_LOSS, camera_accuracy=0.8)
    lossy = replace(EVEN, neutral_share=0.3, mean_recall=0.8 - 1.1 * TOLERATED_RECALL_LOSS, camera_accuracy=0.9)
    assert choose([EVEN, kept, lossy]) == kept
    assert choose([EVEN]) == EVEN


def test_pictures_are_scored_by_a_calibration_that_has_not_seen_them() -> None:
    """Answers that say nothing of the picture: fitted to its own labels they would look better than chance."""
    rng = np.random.default_rng(0)
    majority = rng.integers(0, 7, 300)
    view = {name: rng.dirichlet(np.ones(7), 300) for name in ("original", "people")}
    even = {name: np.full(7, 1 / 7) for name in view}
    result = cross_validate([view], majority, majority, even, 0.8, 1 / len(EMOTIONS))
    assert result.mean_recall == pytest.approx(1 / 7, abs=0.06)
    known = {name: 0.2 / 7 + 0.8 * np.eye(7)[majority] for name in view}
    assert cross_validate([known, known], majority, majority, even, 0.8, 0.2).mean_recall == 1


def test_a_wrong_folder_is_one_sentence(tmp_path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--data", str(tmp_path), "--votes", str(tmp_path / "votes.csv")]) == 2
    assert capsys.readouterr().err.startswith("ml.calibrate: expected")
