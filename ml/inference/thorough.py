"""The search of a photograph for those who want the last face: half a second to a second of one core.

Three cascades propose windows in several turned copies of the padded picture, each as readily as it can; `align` moves
every one onto the face next to it, if there is one. Where nothing is, windows laid all over the picture are moved
likewise: a face that no cascade knows draws many of them to itself.
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
"""Turns of the picture: a cascade finds faces that lean by up to 20°, and the network takes out the rest."""
MAX_PROPOSALS = 40
"""Those of a pass that a cascade accepted most often are settled."""
PADDING = 0.25
"""Border added on each side, as a share of the shorter one: cascades expect something round a face."""
AGREED_IOU = 0.55
"""Proposals that came to rest on windows that overlap by this much agree."""

LAID_SHARES = (1.0, 0.72, 0.5, 0.36, 0.25)
"""Sides of the windows laid all over a picture, as shares of its shorter side."""
LAID_STEP = 0.4
"""How far apart they lie, in sides."""
MAX_LAID = 600
"""There are at most so many; a square picture has 138, one of 3 to 1 has 461."""
LAID_MIN_SUPPORT, LAID_MIN_SCORE = 10, 0.85
"""So many of them come to rest on a face, with this score. Chosen on 24 composed scenes without anybody, where no place
had both (at most 9), and 82 others, where three of the five faces that the cascades missed had."""


@dataclass(frozen=True)
class Place:
    """Where proposals came to rest: the middle of their windows, the best score among them, and their number."""

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
        self._frontal_too, self._profile = load_cascade("frontalface_default"), load_cascade("profileface")

    def places(self, picture: Halves, deadline: Deadline) -> list[Place]:
        """Where the cascades' proposals come to rest, those with most support first.

        Raises:
            Busy: the deadline passed.
        """
        return self._places(picture, self._proposals(picture), deadline)

    def laid(self, picture: Halves, deadline: Deadline) -> list[Place]:
        """Faces to which windows laid all over the picture are drawn."""
        places = self._places(picture, laid_windows(picture.gray.shape[1], picture.gray.shape[0]), deadline)
        return [place for place in places if place.support >= LAID_MIN_SUPPORT and place.score >= LAID_MIN_SCORE]

    def _places(self, picture: Halves, proposals: Iterable[Window], deadline: Deadline) -> list[Place]:
        """Where proposals come to rest, those with most support first."""
        settled = []
        for proposal in proposals:  # every one of them may be the end of a cascade's pass
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

    def _proposals(self, picture: Halves) -> Iterator[Window]:
        """Windows that any pass over the picture proposes."""
        detector = self._detector
        scale = TURNED_SIDE_PX / max(picture.gray.shape)
        reduced = picture.resized(scale)
        for roll_deg in ROLLS_DEG:
            turned, to_picture = turn(reduced, roll_deg, PADDING)
            windows = propose(detector.frontal, turned, 1.1, 24)[:MAX_PROPOSALS]
            windows += propose(self._frontal_too, turned, 1.1, 24)[:MAX_PROPOSALS]
            if roll_deg == 0:
                windows += propose(self._profile, turned, 1.1, 24)[:MAX_PROPOSALS]
                mirrored = propose(self._profile, np.ascontiguousarray(turned[:, ::-1]), 1.1, 24)[:MAX_PROPOSALS]
                windows += [Window(turned.shape[1] - window.x, window.y, window.side) for window in mirrored]
            for window in windows:
                x, y = (to_picture @ [window.x, window.y, 1]).tolist()
                yield Window(x, y, window.side, roll_deg).scaled(1 / scale)
        fine_scale = min(1.0, FINE_SIDE_PX / max(picture.gray.shape))
        if fine_scale > scale:
            for window in propose(detector.frontal, picture.resized(fine_scale), 1.15)[:MAX_PROPOSALS]:
                yield window.scaled(1 / fine_scale)


def laid_windows(width: int, height: int) -> Iterator[Window]:
    """Windows of several sizes all over a picture, from edge to edge, the largest first.

    Long pictures would need thousands of small ones: sizes end before there are more than `MAX_LAID`.
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
