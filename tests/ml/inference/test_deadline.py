"""A deadline ends the work in every stage of a search."""

from __future__ import annotations

import contextlib
import time

import cv2
import numpy as np
import pytest

from ml.inference.analyzer import Analyzer
from ml.inference.contract import Busy, Request
from ml.inference.deadline import NO_DEADLINE, Deadline
from ml.inference.faces import FaceDetector
from ml.inference.photos import PhotoDetector


class Clicks(Deadline):
    """Passes after a given number of checks."""

    def __init__(self, left: int) -> None:
        super().__init__()
        self.left = left
        self.asked = 0

    def check(self) -> None:
        self.asked += 1
        if self.asked > self.left:
            raise Busy("expected time left, received none")


def test_a_deadline_raises_busy_only_after_it_has_passed() -> None:
    NO_DEADLINE.check()
    Deadline(60_000).check()
    with pytest.raises(Busy, match="expected an answer within 0 ms, received none"):
        Deadline(0).check()


@pytest.mark.parametrize("thorough", [False, True])
def test_a_spent_budget_ends_the_work_before_the_search(
    analyzer: Analyzer, astronaut_jpeg: bytes, monkeypatch: pytest.MonkeyPatch, thorough: bool
) -> None:
    def search(*_: object) -> None:
        pytest.fail("expected no search after the deadline")

    monkeypatch.setattr(FaceDetector, "search", search)
    monkeypatch.setattr(PhotoDetector, "search", search)
    with pytest.raises(Busy):
        analyzer.analyze(Request(astronaut_jpeg, thorough=thorough, budget_ms=1e-6))


def test_a_long_search_ends_soon_after_its_deadline(analyzer: Analyzer) -> None:
    """Of what the whole search costs, little is spent: the deadline is looked at between the passes."""
    noise = cv2.GaussianBlur(np.random.default_rng(0).integers(0, 256, (1200, 1600), np.uint8), (0, 0), 5)
    picture = cv2.normalize(noise, None, 0, 255, cv2.NORM_MINMAX)

    def cost_s(budget_ms: float) -> float:
        started = time.process_time()
        with contextlib.suppress(Busy):
            analyzer.analyze_gray(picture, thorough=True, deadline=Deadline(budget_ms))
        return time.process_time() - started

    assert cost_s(1.0) < 0.6 * cost_s(60_000)


def test_the_search_of_a_photograph_checks_its_deadline_often(astronaut: np.ndarray) -> None:
    detector, clicks = PhotoDetector(FaceDetector()), Clicks(left=10_000)
    detector.search(astronaut, clicks)
    assert clicks.asked >= 20
    for left in (0, clicks.asked // 2, clicks.asked - 1):
        with pytest.raises(Busy):
            detector.search(astronaut, Clicks(left))
