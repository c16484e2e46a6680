"""Where the faces of a photograph are: also close-ups, small, tilted, partly turned and badly lit ones.

Several cascades propose windows in several turned copies of the padded picture, each as readily as it can. The network
of `align` moves every proposal onto the face next to it, if there is one. Whatever many proposals end up on, and what
the cascades accept again when they look at it closely and upright, is a face. Where nothing is, windows laid all over
the picture are moved likewise: a face that no cascade knows draws many of them to itself.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from ml.inference.deadline import NO_DEADLINE, Deadline
from ml.inference.faces import MAX_PROPOSALS, Detection, FaceDetector, acceptances, close_look, load_cascade, propose
from ml.inference.geometry import Window, iou, resize, same_place

TURNED_SIDE_PX = 360
"""Longer side of the reduced picture for the turned passes."""
FINE_SIDE_PX = 800
"""Longer side for the upright pass that finds small faces."""
ROLLS_DEG = (0, -30, 30)
"""Turns of the picture: a cascade finds faces that lean by up to 20°, and the network takes out the rest."""
PADDING = 0.25
"""Border added on each side, as a share of the shorter one: cascades expect something round a face."""
AGREED_IOU = 0.55
"""Proposals that came to rest on windows that overlap by this much agree."""
MAX_PLACES = 40
"""Places that get a close look, those with most support first."""

# Log odds that a place is a face, fitted by logistic regression on 900 places in 160 composed scenes and photographs.
BIAS = -10.0
SCORE_WEIGHT, SUPPORT_WEIGHT = 0.4, 3.9
CASCADE_WEIGHTS = (1.1, 0.7, 0.4)
"""Of `frontalface_alt2`, `frontalface_default` and `profileface`, per logarithm of one and their acceptances."""
MIN_LOG_ODDS = 0.0
MIN_LOG_ODDS_ALONE = -2.0
"""If no place is a face by the rule, the likeliest one is, down to these odds: photographs are rarely empty."""

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


class PhotoDetector:
    """Finds faces in photographs, with the cascades and the network of a `FaceDetector`."""

    def __init__(self, detector: FaceDetector) -> None:
        self._detector = detector
        self._profile = load_cascade("profileface")

    def search(self, gray: np.ndarray, deadline: Deadline = NO_DEADLINE) -> list[Detection]:
        """Faces of a picture `(height, width)` uint8, likeliest first; `score` is their probability.

        Raises:
            Busy: the deadline passed.
        """
        places = self._places(gray, self._proposals(gray), deadline)
        judged = []
        for place in places[:MAX_PLACES]:
            deadline.check()
            judged.append((self._log_odds(gray, place), place.window))
        judged.sort(key=lambda item: item[0], reverse=True)
        if judged and MIN_LOG_ODDS_ALONE <= judged[0][0] < MIN_LOG_ODDS:
            judged = judged[:1]
        else:
            judged = [item for item in judged if item[0] >= MIN_LOG_ODDS]
        if not judged:
            return [
                Detection(place.window, place.score)
                for place in self._places(gray, laid_windows(gray.shape[1], gray.shape[0]), deadline)
                if place.support >= LAID_MIN_SUPPORT and place.score >= LAID_MIN_SCORE
            ]
        return [Detection(window, 1 / (1 + math.exp(-log_odds))) for log_odds, window in judged]

    def _places(self, gray: np.ndarray, proposals: Iterator[Window], deadline: Deadline) -> list[Place]:
        """Where proposals come to rest, those with most support first."""
        settled = []
        for proposal in proposals:  # every one of them may be the end of a cascade's pass
            deadline.check()
            settled.append(self._detector.settle(gray, proposal, 4, 0.1, max_jump=1.0))
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

    def _proposals(self, gray: np.ndarray) -> Iterator[Window]:
        """Windows that any pass over the picture proposes."""
        detector = self._detector
        scale = TURNED_SIDE_PX / max(gray.shape)
        reduced = resize(gray, scale)
        for roll_deg in ROLLS_DEG:
            turned, to_picture = turn(reduced, roll_deg)
            windows = propose(detector.frontal, turned, 1.1, 24)[:MAX_PROPOSALS]
            windows += propose(detector.frontal_too, turned, 1.1, 24)[:MAX_PROPOSALS]
            if roll_deg == 0:
                windows += propose(self._profile, turned, 1.1, 24)[:MAX_PROPOSALS]
                mirrored = propose(self._profile, np.ascontiguousarray(turned[:, ::-1]), 1.1, 24)[:MAX_PROPOSALS]
                windows += [Window(turned.shape[1] - window.x, window.y, window.side) for window in mirrored]
            for window in windows:
                x, y = (to_picture @ [window.x, window.y, 1]).tolist()
                yield Window(x, y, window.side, roll_deg).scaled(1 / scale)
        fine_scale = min(1.0, FINE_SIDE_PX / max(gray.shape))
        if fine_scale > scale:
            for window in propose(detector.frontal, resize(gray, fine_scale), 1.15)[:MAX_PROPOSALS]:
                yield window.scaled(1 / fine_scale)

    def _log_odds(self, gray: np.ndarray, place: Place) -> float:
        """How sure it is that a place is a face."""
        patch = close_look(gray, place.window)
        mirrored = np.ascontiguousarray(patch[:, ::-1])
        counts = (
            acceptances(self._detector.frontal, patch),
            acceptances(self._detector.frontal_too, patch),
            max(acceptances(self._profile, patch), acceptances(self._profile, mirrored)),
        )
        score = min(max(place.score, 1e-4), 1 - 1e-4)
        evidence = sum(weight * math.log1p(count) for weight, count in zip(CASCADE_WEIGHTS, counts, strict=True))
        return (
            BIAS + SCORE_WEIGHT * math.log(score / (1 - score)) + SUPPORT_WEIGHT * math.log1p(place.support) + evidence
        )


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


def turn(gray: np.ndarray, roll_deg: float) -> tuple[np.ndarray, np.ndarray]:
    """A padded picture in which faces that lean clockwise by `roll_deg` stand upright.

    Returns:
        The picture, and the 2×3 matrix that takes its points back to `gray`.
    """
    height, width = gray.shape
    padding = PADDING * min(height, width)
    angle = math.radians(abs(roll_deg))
    turned_w = math.ceil(width * math.cos(angle) + height * math.sin(angle) + 2 * padding)
    turned_h = math.ceil(width * math.sin(angle) + height * math.cos(angle) + 2 * padding)
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), roll_deg, 1.0)
    matrix[:, 2] += (turned_w - width) / 2, (turned_h - height) / 2
    turned = cv2.warpAffine(gray, matrix, (turned_w, turned_h), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return turned, cv2.invertAffineTransform(matrix)
