"""Which proposals of the scan the live view checks beside known faces."""

from __future__ import annotations

import numpy as np
import pytest

from ml.inference.contract import Region
from ml.inference.detection import Detection
from ml.inference.faces import FaceDetector
from ml.inference.geometry import Window
from ml.inference.halves import Halves
from ml.inference.scan import FaceScanner
from ml.inference.sweep import MIN_PROPOSED_BENEATH, LiveSweep

FACE = Window(277, 109, 110)
"""Where the astronaut's face is at 640×480."""
ASIDE, ABOVE = Window(560, 400, 90), Window(277, -120, 110)
"""Known faces from which the astronaut's is apart, and on whose chest it is."""


@pytest.fixture(scope="module")
def detector() -> FaceDetector:
    return FaceDetector()


def sweep(detector: FaceDetector, scanner: FaceScanner | None = None) -> LiveSweep:
    return LiveSweep(scanner or detector.scanner, detector.settle, detector.judge.is_upside_down)


class Proposing(FaceScanner):
    """A scan with one answer."""

    def __init__(self, score: float) -> None:
        super().__init__()
        self._score = score

    def overview(self, picture: Halves, *_: object) -> list[Detection]:
        return [Detection(FACE.scaled(picture.gray.shape[1] / 640), self._score)]


@pytest.mark.parametrize(
    ("area", "found"),
    [(Region(0.3, 0.1, 0.3, 0.3), 1), (Region(0.5, 0.5, 0.5, 0.5), 0), (Region(0.0, 0.3, 1.0, 0.7), 0)],
)
def test_a_new_face_is_one_whose_middle_is_in_an_area(
    detector: FaceDetector, astronaut: np.ndarray, area: Region, found: int
) -> None:
    assert len(sweep(detector).faces(Halves(astronaut), [ASIDE], areas=[area])) == found


@pytest.mark.parametrize(
    ("known", "score", "found"),
    [
        (ASIDE, MIN_PROPOSED_BENEATH - 0.01, 1),
        (ABOVE, MIN_PROPOSED_BENEATH - 0.01, 0),
        (ABOVE, MIN_PROPOSED_BENEATH, 1),
    ],
)
def test_beneath_a_known_face_a_proposal_must_be_likelier(
    detector: FaceDetector, astronaut: np.ndarray, known: Window, score: float, found: int
) -> None:
    assert len(sweep(detector, Proposing(score)).faces(Halves(astronaut), [known])) == found


def test_only_the_part_with_the_areas_is_scanned_in_few_sizes(detector: FaceDetector, astronaut: np.ndarray) -> None:
    scanned: list[tuple[int, ...]] = []

    class Noting(FaceScanner):
        def overview(self, picture: Halves, *arguments: float) -> list[Detection]:
            scanned.append(picture.gray.shape)
            return super().overview(picture, *arguments)

    live, picture = sweep(detector, Noting()), Halves(astronaut)
    for step in range(20):
        live.faces(picture, [ASIDE], areas=[Region(0.01 * step, 0.02, 0.1 + 0.02 * step, 0.1 + 0.03 * step)])
    assert len(live.faces(picture, [ASIDE])) == 1
    assert scanned[-1] == (240, 320)
    assert scanned[0] < (120, 160)
    assert len(set(scanned)) <= 12


def test_a_cascade_searches_only_if_nobody_is_known_or_found(
    detector: FaceDetector, astronaut: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    searched: list[tuple[int, ...]] = []

    def search(_: object, gray: np.ndarray, *__: object) -> list[Window]:
        searched.append(gray.shape)
        return []

    monkeypatch.setattr("ml.inference.sweep.propose", search)
    empty = Halves(np.full((480, 640), 128, np.uint8))
    assert sweep(detector).faces(empty, [ASIDE]) == []
    assert len(sweep(detector).faces(Halves(astronaut))) == 1
    assert searched == []
    assert sweep(detector).faces(empty) == []
    assert searched == [(324, 432)]
