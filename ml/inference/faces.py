"""Where the faces are. Haar cascades propose windows, a small network decides and brings each onto its face.

`FaceDetector` serves the live view, from quick to thorough: `follow` looks where a face was a moment ago, without any
cascade; `sweep` runs one cascade over a reduced picture, and a new face must also convince two cascades that look at it
closely, which prints on shirts do not. Photographs are searched by `ml.inference.photos`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from ml.inference.align import FaceAligner
from ml.inference.contract import Box, Region
from ml.inference.deadline import NO_DEADLINE, Deadline
from ml.inference.geometry import Window, beneath, cut, cut_window, resize, same_place

MIN_SCORE = 0.6
"""A new face needs this probability at least."""
MIN_AGREEMENT = 5
"""And this many acceptances by two cascades in a close look. Nineteen of twenty faces have more than 10, other places
that look like a face to the network at most 1, a skull printed on a shirt up to 7."""
MIN_AGREEMENT_BENEATH = 16
"""Beneath a face it takes more: that is where people wear pictures of faces."""
MIN_SCORE_FOLLOWED = 0.35
"""A face that was there a moment ago needs this probability."""
MAX_JUMP = 0.75
"""A followed face is lost if it would have moved by more than this, in sides."""
MAX_GROWTH = 2.5
"""And if it would have grown or shrunk by more than this."""
FOLLOW_FACE_PX = 44
"""Side to which an expected face is reduced before it is looked at."""
CLOSE_LOOK_PX = 64
"""Side to which a face is brought for the close look."""

SWEEP_SIDE_PX = 240
"""Longer side of the reduced picture that is swept. Faces from 20 px in it are found: a twelfth of that side."""
FINE_SWEEP_SIDE_PX = 432
"""The same for a second look where the first found nobody: somebody may stand further away."""
SWEEP_SCALE_FACTOR = 1.3
MAX_PROPOSALS = 40
DARK_LEVEL, MAX_GAIN = 120, 6.0
"""A picture whose lighter parts stay below this grey level is brightened, by this factor at most."""


@dataclass(frozen=True)
class Detection:
    """A face: its window in pixels of the searched picture, which may reach over the edge, and its probability."""

    window: Window
    score: float


def suppress_same_place(detections: Iterable[Detection]) -> list[Detection]:
    """Keep the best scored of those that can't be two people; best first."""
    kept: list[Detection] = []
    for detection in sorted(detections, key=lambda found: found.score, reverse=True):
        if not any(same_place(detection.window, other.window) for other in kept):
            kept.append(detection)
    return kept


def load_cascade(name: str) -> cv2.CascadeClassifier:
    """A cascade of OpenCV's own collection, by the part of its file name after `haarcascade_`."""
    path = Path(cv2.__file__).parent / "data" / f"haarcascade_{name}.xml"
    cascade = cv2.CascadeClassifier(str(path))
    if cascade.empty():
        raise RuntimeError(f"expected a Haar cascade at {path}, received no readable file; install opencv-python <5")
    return cascade


def brighten(gray: np.ndarray) -> np.ndarray:
    """A dark picture with its contrast raised, any other as it is: cascades skip windows of little contrast."""
    mean, deviation = cv2.meanStdDev(gray)
    light = float(mean[0, 0] + 2 * deviation[0, 0])
    return cv2.convertScaleAbs(gray, alpha=min(MAX_GAIN, 200 / max(light, 1.0))) if light < DARK_LEVEL else gray


def propose(cascade: cv2.CascadeClassifier, gray: np.ndarray, scale_factor: float, min_px: int = 0) -> list[Window]:
    """Windows that a cascade accepts, even once, one for each place; those accepted most often first."""
    boxes = cascade.detectMultiScale(brighten(gray), scale_factor, 0, 0, (min_px, min_px))
    groups: list[list[Window]] = []
    for x, y, side, _ in boxes:
        window = Window(float(x + side / 2), float(y + side / 2), float(side))
        for group in groups:
            if same_place(group[0], window):
                group.append(window)
                break
        else:
            groups.append([window])
    return [mean_window(group) for group in sorted(groups, key=len, reverse=True)]


def mean_window(windows: Sequence[Window]) -> Window:
    """Upright windows' mean centre and geometric mean side."""
    count = len(windows)
    side = math.exp(sum(math.log(window.side) for window in windows) / count)
    return Window(sum(window.x for window in windows) / count, sum(window.y for window in windows) / count, side)


class FaceDetector:
    """Finds faces in live pictures. One per process or thread: neither cascades nor interpreters are safe to share."""

    def __init__(self, aligner: FaceAligner | None = None) -> None:
        self.aligner = aligner or FaceAligner()
        self.frontal = load_cascade("frontalface_alt2")
        self.frontal_too = load_cascade("frontalface_default")

    def search(
        self,
        gray: np.ndarray,
        near: Sequence[Region] = (),
        full_search: bool = True,
        deadline: Deadline = NO_DEADLINE,
    ) -> tuple[list[Detection], bool]:
        """Find faces near where they were, and in the whole picture when asked or when one of them is lost.

        Args:
            gray: `(height, width)` uint8.
            near: where the faces were a moment ago.
            full_search: look at the whole picture as well.
            deadline: ends the search with `Busy`.

        Returns:
            The faces, best first, and whether the whole picture was searched.
        """
        height, width = gray.shape
        followed = [
            self.follow(gray, Window((r.x + r.w / 2) * width, (r.y + r.h / 2) * height, max(r.w * width, r.h * height)))
            for r in near
        ]
        detections = [detection for detection in followed if detection is not None]
        full_search = full_search or len(detections) < len(followed)
        deadline.check()
        if full_search:
            detections += self.sweep(gray, [detection.window for detection in detections])
            detections = detections or self.sweep(gray, side_px=FINE_SWEEP_SIDE_PX)
        return suppress_same_place(detections), full_search

    def follow(self, gray: np.ndarray, expected: Window) -> Detection | None:
        """The face that was at a window a moment ago, or None."""
        return self.settle(gray, expected, steps=2, min_score=MIN_SCORE_FOLLOWED)

    def sweep(self, gray: np.ndarray, known: Sequence[Window] = (), side_px: int = SWEEP_SIDE_PX) -> list[Detection]:
        """Faces anywhere in the picture but at known places; `side_px` is the longer side to which it is reduced."""
        scale = min(1.0, side_px / max(gray.shape))
        proposals = propose(self.frontal, resize(gray, scale), SWEEP_SCALE_FACTOR)
        found: list[tuple[Detection, int]] = []
        for place in (window.scaled(1 / scale) for window in proposals[:MAX_PROPOSALS]):
            if any(same_place(place, window) for window in known):
                continue
            new = self.settle(gray, place, steps=4, min_score=MIN_SCORE)
            if new is None:
                continue
            agreement = self.agreement(gray, new.window)
            if agreement >= MIN_AGREEMENT:
                found.append((new, agreement))
        faces = [*known, *(new.window for new, _ in found)]
        return [
            new
            for new, agreement in found
            if agreement >= MIN_AGREEMENT_BENEATH or not any(beneath(new.window, face) for face in faces)
        ]

    def settle(
        self, gray: np.ndarray, expected: Window, steps: int, min_score: float, max_jump: float = MAX_JUMP
    ) -> Detection | None:
        """Move a window onto the face it lies near; None if there is none, or only one too far away."""
        reach = math.ceil(1.2 * expected.side)
        around = Box(round(expected.x) - reach, round(expected.y) - reach, 2 * reach, 2 * reach)
        reduced = resize(cut(gray, around), min(1.0, FOLLOW_FACE_PX / expected.side))
        scale = reduced.shape[0] / (2 * reach)
        start = Window(expected.x - around.x, expected.y - around.y, expected.side, expected.roll_deg).scaled(scale)
        score, window = self.aligner.align(reduced, start, steps)
        jump = max(abs(window.x - start.x), abs(window.y - start.y)) / start.side
        if score < min_score or jump > max_jump or not 1 / MAX_GROWTH < window.side / start.side < MAX_GROWTH:
            return None
        window = window.scaled(1 / scale)
        return Detection(Window(window.x + around.x, window.y + around.y, window.side, window.roll_deg), score)

    def agreement(self, gray: np.ndarray, window: Window) -> int:
        """How often two frontal cascades accept a window in a close look; the second is asked only if it matters."""
        patch = close_look(gray, window)
        count = acceptances(self.frontal, patch)
        return count + acceptances(self.frontal_too, patch) if 0 < count < MIN_AGREEMENT_BENEATH else count


def close_look(gray: np.ndarray, window: Window) -> np.ndarray:
    """A window and as much again round it, upright, its side `CLOSE_LOOK_PX`."""
    return cut_window(gray, window, 2 * CLOSE_LOOK_PX, share=2.0)


def acceptances(cascade: cv2.CascadeClassifier, patch: np.ndarray) -> int:
    """How many windows near the middle of a close look a cascade accepts."""
    smallest, largest = round(0.7 * CLOSE_LOOK_PX), round(1.4 * CLOSE_LOOK_PX)
    boxes = cascade.detectMultiScale(brighten(patch), 1.1, 0, 0, (smallest, smallest), (largest, largest))
    centers = [(x + side / 2 - CLOSE_LOOK_PX, y + side / 2 - CLOSE_LOOK_PX) for x, y, side, _ in boxes]
    return sum(max(abs(x), abs(y)) < 0.3 * CLOSE_LOOK_PX for x, y in centers)
