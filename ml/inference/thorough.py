"""The most thorough search of a photograph: it takes half a second to a second of one core.

Three cascades propose windows in several rotated copies of the padded picture, with their most permissive settings.
`align` moves each window onto the face next to it, if there is one. If that finds no face, `align` moves a grid of
windows that covers the picture: many of them end on a face that no cascade detects.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ml.inference.cascades import load_cascade, propose
from ml.inference.deadline import Deadline
from ml.inference.detection import Detection
from ml.inference.faces import FaceDetector
from ml.inference.geometry import Window, iou, same_place, turn
from ml.inference.halves import Halves

TURNED_SIDE_PX = 360
"""Longer side of the reduced picture for the turned passes."""
FINE_SIDE_PX = 800
"""Longer side for the upright pass that finds small faces."""
ROLLS_DEG = (0, -30, 30)
"""Rotations of the picture: a cascade finds faces that are tilted by up to 20°; the network corrects the rest."""
MAX_PROPOSALS = 40
"""Most windows of one pass that are used: those that a cascade accepted most often."""
PADDING = 0.25
"""Border added on each side, as a share of the shorter side: cascades expect surroundings around a face."""
AGREED_IOU = 0.55
"""Proposals agree if their final windows overlap by at least this much."""

LAID_SHARES = (1.0, 0.72, 0.5, 0.36, 0.25)
"""Sides of the windows of the grid, as shares of the picture's shorter side."""
LAID_STEP = 0.4
"""Distance between windows of the grid, in sides."""
MAX_LAID = 600
"""Most windows of the grid; a square picture has 138, a picture of 3 to 1 has 461."""
LAID_MIN_SUPPORT, LAID_MIN_SCORE = 10, 0.85
"""Least number of windows of the grid that end on one face, and the least score of the best. Chosen by hand;
`python -m tests.bench.detection` measures the effect."""


@dataclass(frozen=True)
class Place:
    """The final windows of proposals that agree: their mean, the best score, and their number."""

    window: Window
    score: float
    support: int

    @staticmethod
    def of(group: Sequence[Detection]) -> Place:
        """The largest part of a group that agrees on one window."""
        parts = [[b for b in group if iou(a.window.box, b.window.box) > AGREED_IOU] for a in group]
        part = max(parts, key=lambda found: sum(detection.score for detection in found))
        windows = [(found.window.x, found.window.y, found.window.side, found.window.roll_deg) for found in part]
        return Place(Window(*np.median(windows, axis=0).tolist()), max(found.score for found in part), len(part))


class ThoroughSearch:
    """Places that may be faces, with the cascades and the network of a `FaceDetector`."""

    def __init__(self, detector: FaceDetector) -> None:
        self._detector = detector
        self._frontal_too, profile = load_cascade("frontalface_default"), load_cascade("profileface")
        self._profiles = [(profile, False), (profile, True)]

    def places(self, picture: Halves, deadline: Deadline) -> list[Place]:
        """The final windows of the cascades' proposals, those with most support first.

        Raises:
            Busy: the deadline passed.
        """
        return self._places(picture, self._proposals(picture), deadline)

    def laid(self, picture: Halves, deadline: Deadline) -> list[Place]:
        """Faces on which many windows of the grid end."""
        places = self._places(picture, laid_windows(picture.gray.shape[1], picture.gray.shape[0]), deadline)
        return [place for place in places if place.support >= LAID_MIN_SUPPORT and place.score >= LAID_MIN_SCORE]

    def _places(self, picture: Halves, proposals: Iterable[Window], deadline: Deadline) -> list[Place]:
        """The final windows of proposals, those with most support first."""
        settled = []
        for proposal in proposals:  # computing the next one may take a whole pass of a cascade
            deadline.check()
            settled.append(self._detector.settle(picture, proposal, 4, 0.1, max_jump=1.0))
        groups: list[list[Detection]] = []
        for detection in sorted(filter(None, settled), key=lambda found: found.score, reverse=True):
            for group in groups:
                if same_place(group[0].window, detection.window):
                    group.append(detection)
                    break
            else:
                groups.append([detection])
        places = [Place.of(group) for group in groups]
        return sorted(places, key=lambda place: place.support, reverse=True)

    def upright(self, picture: Halves) -> Iterator[list[Window]]:
        """Windows that the cascades propose in the picture as it is, a list for each cascade; each is one pass."""
        return self._rolled(picture, 0)

    def _proposals(self, picture: Halves) -> Iterator[Window]:
        """Windows that any pass over the picture proposes."""
        for roll_deg in ROLLS_DEG:
            for windows in self._rolled(picture, roll_deg):
                yield from windows
        scale = min(1.0, FINE_SIDE_PX / max(picture.gray.shape))
        if scale > TURNED_SIDE_PX / max(picture.gray.shape):
            for window in propose(self._detector.frontal, picture.resized(scale), 1.15)[:MAX_PROPOSALS]:
                yield window.scaled(1 / scale)

    def _rolled(self, picture: Halves, roll_deg: float) -> Iterator[list[Window]]:
        """Windows that each cascade proposes in a copy rotated by `roll_deg`; profiles only in one that is not."""
        scale = TURNED_SIDE_PX / max(picture.gray.shape)
        turned, to_picture = turn(picture.resized(scale), roll_deg, PADDING)
        cascades = [self._detector.frontal, self._frontal_too]
        for cascade, mirrored in [(cascade, False) for cascade in cascades] + self._profiles * (roll_deg == 0):
            searched = np.ascontiguousarray(turned[:, ::-1]) if mirrored else turned
            windows = []
            for window in propose(cascade, searched, 1.1, 24)[:MAX_PROPOSALS]:
                x = turned.shape[1] - window.x if mirrored else window.x
                x, y = (to_picture @ [x, window.y, 1]).tolist()
                windows.append(Window(x, y, window.side, roll_deg).scaled(1 / scale))
            yield windows


def laid_windows(width: int, height: int) -> Iterator[Window]:
    """A grid of windows of several sizes that covers a picture, the largest first.

    A long picture would need thousands of small windows; sizes that would exceed `MAX_LAID` are left out.
    """
    laid = 0
    for share in LAID_SHARES:
        side = share * min(width, height)
        columns, rows = (math.ceil((length - side) / (LAID_STEP * side)) + 1 for length in (width, height))
        laid += columns * rows
        if laid > MAX_LAID:
            return
        for y in np.linspace(side / 2, height - side / 2, rows):
            for x in np.linspace(side / 2, width - side / 2, columns):
                yield Window(float(x), float(y), side)
