"""The judge runs no more cascades than it needs, and recognises turned faces."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
from skimage import data

from ml.inference.cascades import CloseCount, close_look, load_cascade
from ml.inference.detection import Detection
from ml.inference.geometry import Window
from ml.inference.halves import Halves
from ml.inference.judge import WEIGHTS, Judge, logit
from ml.inference.scan import FaceScanner

FACE = Detection(Window(222, 114, 110), 0.99)


@pytest.fixture(scope="module")
def judge() -> Judge:
    return Judge(FaceScanner())


@pytest.fixture(scope="module")
def portrait() -> np.ndarray:
    return cv2.cvtColor(data.astronaut(), cv2.COLOR_RGB2GRAY)


def test_log_odds_of_a_probability() -> None:
    assert logit(0.5) == 0
    assert logit(0.9) == pytest.approx(math.log(9))
    assert (logit(0), logit(1)) == pytest.approx((-9.21, 9.21), abs=0.01)


def test_more_of_any_evidence_speaks_for_a_face() -> None:
    assert WEIGHTS.bias < 0
    assert min(WEIGHTS.align, WEIGHTS.scan, *WEIGHTS.cascades) > 0


def test_log_odds_favour_a_face_and_not_a_wall(judge: Judge, portrait: np.ndarray) -> None:
    picture = Halves(portrait)
    assert judge.log_odds(picture, FACE) > 0
    assert judge.log_odds(picture, Detection(Window(60, 420, 110), 0.2)) < 0
    assert judge.log_odds(Halves(np.full((100, 100), 90, np.uint8)), Detection(Window(50, 50, 60), 0.5)) < 0


def test_log_odds_are_the_sum_of_all_evidence(judge: Judge, portrait: np.ndarray) -> None:
    picture = Halves(portrait)
    weights = (WEIGHTS.align, WEIGHTS.scan, *WEIGHTS.cascades)
    whole = WEIGHTS.bias + sum(w * e for w, e in zip(weights, judge.evidence(picture, FACE), strict=True))
    assert judge.complete_log_odds(picture, FACE) == pytest.approx(whole)
    assert judge.log_odds(picture, FACE, needed=whole + 0.01) <= whole
    assert 0 <= judge.log_odds(picture, FACE, needed=0) <= whole


def test_cascades_are_not_asked_when_they_change_nothing(
    judge: Judge, portrait: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[np.ndarray] = []

    def count(patch: np.ndarray) -> int:
        asked.append(patch)
        return 0

    monkeypatch.setattr(judge, "_counts", (count,) * 3)
    judge.log_odds(Halves(portrait), FACE, needed=-20)
    judge.log_odds(Halves(portrait), FACE, needed=50)
    assert asked == []
    judge.log_odds(Halves(portrait), FACE, needed=judge.log_odds(Halves(portrait), FACE, needed=-20) + 0.1)
    assert len(asked) == 3


@pytest.mark.parametrize("turns", [0, 1, 2, 3])
def test_turned_faces_are_recognised(judge: Judge, portrait: np.ndarray, turns: int) -> None:
    turned = np.ascontiguousarray(np.rot90(portrait, turns))
    x, y = {0: (222, 114), 1: (114, 289), 2: (289, 397), 3: (397, 222)}[turns]
    assert judge.is_turned(Halves(turned), Detection(Window(x, y, 110), 0.9)) is (turns != 0)


@pytest.mark.parametrize("turns", [0, 2])
def test_an_upside_down_face_is_recognised_by_counting_as_far_as_it_matters(
    judge: Judge, portrait: np.ndarray, turns: int
) -> None:
    picture = Halves(np.ascontiguousarray(np.rot90(portrait, turns)))
    found = Detection(Window(222, 114, 110) if turns == 0 else Window(289, 397, 110), 0.9)
    patch = close_look(picture, found.window)
    begun, whole = (CloseCount(load_cascade("frontalface_alt2"), patch) for _ in range(2))
    begun.reaches(1)
    whole.reaches(1000)
    assert judge.is_upside_down(picture, found, begun) is (turns == 2)
    assert judge.is_upside_down(picture, found, whole) is (turns == 2)
    if turns == 0:
        assert begun.so_far < whole.so_far
