"""The live view's search: the scan's network proposes faces all over a reduced copy, and a close look checks them.

The aligner moves each proposal onto the face next to it. Two cascades must accept the result in a close look, which
most prints on shirts do not pass, and it must look more like an upright face than like one upside down. The thresholds
are chosen by hand; `python -m tests.bench.detection` and `tests.bench.newcomers` measure their effect.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from ml.inference.cascades import CloseCount, close_look, load_cascade, propose
from ml.inference.changes import EVERYWHERE
from ml.inference.contract import Region
from ml.inference.deadline import NO_DEADLINE, Deadline
from ml.inference.detection import Detection
from ml.inference.geometry import Window, beneath, same_place
from ml.inference.halves import Halves
from ml.inference.scan import FaceScanner

MIN_SCORE, MIN_SCORE_BENEATH = 0.6, 0.95
"""A new face needs this probability of the aligner at least, and this beneath another, where people wear pictures of
faces."""
MIN_AGREEMENT = 5
"""A new face also needs this many acceptances by two cascades in a close look."""
MIN_AGREEMENT_BENEATH = 16
"""The same beneath another face."""
SCAN_SIDE_PX = 208
"""Longer side of the largest level that is scanned. Faces from a twelfth of that side are found."""
PART_PX = 52
"""Only a part of the picture is scanned if all changes lie in it. Its sides are multiples of this in the largest level,
or the picture's own: the network needs some milliseconds for a size that it has not met."""
MIN_PROPOSED, MIN_PROPOSED_BENEATH = 0.5, 0.77
"""Least probability of a place in the scan, and beneath a known face; no place of the shipped network has over 0.82."""
FINE_SIDE_PX, FINE_SCALE_FACTOR = 432, 1.3
"""Longer side of the copy that a cascade searches after a scan without a face, and its scale factor: somebody may stand
further away. Faces from 20 px in it are found."""
SETTLE_STEPS = 4
MAX_PROPOSALS = 40
"""Most proposals that are used: the likeliest of the scan, or those that the cascade accepted most often."""


class LiveSweep:
    """One per process or thread: neither cascades nor interpreters are safe to share.

    Args:
        scanner: the scan's network.
        settle: moves a window onto the face next to it, as `FaceDetector.settle` does.
        is_upside_down: whether the face in a settled window is upside down, as `Judge.is_upside_down` says.
    """

    def __init__(
        self,
        scanner: FaceScanner,
        settle: Callable[[Halves, Window, int, float], Detection | None],
        is_upside_down: Callable[[Halves, Detection, CloseCount], bool],
    ) -> None:
        self._scanner, self._settle, self._is_upside_down = scanner, settle, is_upside_down
        self._frontal, self._frontal_too = load_cascade("frontalface_alt2"), load_cascade("frontalface_default")

    def faces(
        self,
        picture: Halves,
        known: Sequence[Window] = (),
        deadline: Deadline = NO_DEADLINE,
        areas: Sequence[Region] = EVERYWHERE,
    ) -> list[Detection]:
        """Faces except the known ones. If there is none, known or found, a cascade searches a larger copy.

        Args:
            areas: the parts of the picture in which the middle of a new face may be.

        Raises:
            Busy: the deadline passed.
        """
        found = self._accepted(picture, self._scanned(picture, areas), known, deadline) if areas else []
        deadline.check()
        return found if found or known else self._accepted(picture, self._searched(picture), (), deadline)

    def _scanned(self, picture: Halves, areas: Sequence[Region]) -> list[Detection]:
        """What the scan proposes in these areas, the likeliest first."""
        scale = min(1.0, SCAN_SIDE_PX / max(picture.gray.shape))
        gray, halved = picture.near(scale)
        height, width = gray.shape
        left, right = _span([(area.x, area.x + area.w) for area in areas], width, halved / scale)
        top, bottom = _span([(area.y, area.y + area.h) for area in areas], height, halved / scale)
        places = []
        for found in self._scanner.overview(Halves(gray[top:bottom, left:right]), scale / halved, MIN_PROPOSED):
            window = replace(found.window, x=found.window.x + left, y=found.window.y + top)
            if _is_inside(window, areas, width, height):
                places.append(Detection(window.scaled(1 / halved), found.score))
        return places[:MAX_PROPOSALS]

    def _searched(self, picture: Halves) -> list[Detection]:
        """What the cascade proposes in the larger copy, those that it accepted most often first."""
        scale = min(1.0, FINE_SIDE_PX / max(picture.gray.shape))
        windows = propose(self._frontal, picture.resized(scale), FINE_SCALE_FACTOR)[:MAX_PROPOSALS]
        return [Detection(window.scaled(1 / scale), 1.0) for window in windows]

    def _accepted(
        self, picture: Halves, proposals: Iterable[Detection], known: Sequence[Window], deadline: Deadline
    ) -> list[Detection]:
        """The proposals that are new faces in a close look."""
        found: list[tuple[Detection, int]] = []
        for place in proposals:
            deadline.check()
            faces = [*known, *(face.window for face, _ in found)]
            if any(same_place(place.window, face) for face in faces):
                continue
            if place.score < MIN_PROPOSED_BENEATH and any(beneath(place.window, face) for face in known):
                continue
            new = self._settle(picture, place.window, SETTLE_STEPS, MIN_SCORE)
            if new is None or any(same_place(new.window, face) for face in faces):
                continue
            is_beneath = any(beneath(new.window, face) for face in faces)
            if is_beneath and new.score < MIN_SCORE_BENEATH:
                continue
            needed = MIN_AGREEMENT_BENEATH if is_beneath else MIN_AGREEMENT
            accepted, agreement = self._counted(picture, new, needed)
            if agreement >= needed and not self._is_upside_down(picture, new, accepted):
                found.append((new, agreement))
        return [
            new
            for new, agreement in found
            if agreement >= MIN_AGREEMENT_BENEATH or not any(beneath(new.window, face.window) for face, _ in found)
        ]

    def _counted(self, picture: Halves, new: Detection, needed: int) -> tuple[CloseCount, int]:
        """The first cascade's count in a close look, and the acceptances by both; more than enough are not counted.

        If the first has less than a quarter of those needed, the second is not asked: it hardly ever makes up for that.
        """
        patch = close_look(picture, new.window)
        accepted, accepted_too = CloseCount(self._frontal, patch), CloseCount(self._frontal_too, patch)
        if not accepted.reaches(MIN_AGREEMENT_BENEATH) and 4 * accepted.so_far >= needed:
            accepted_too.reaches(MIN_AGREEMENT_BENEATH - accepted.so_far)
        return accepted, accepted.so_far + accepted_too.so_far


def _span(parts: Sequence[tuple[float, float]], length: int, unit: float) -> tuple[int, int]:
    """Where the part of a side of the picture begins and ends that is scanned: it holds all the parts, given in shares.

    It is a multiple of `PART_PX` in the scan, so that few sizes occur.
    """
    first, last = min(start for start, _ in parts) * length, max(end for _, end in parts) * length
    step = PART_PX * unit
    size = min(length, round(math.ceil((last - first) / step) * step))
    begin = min(max(0, round((first + last - size) / 2)), length - size)
    return begin, begin + size


def _is_inside(window: Window, areas: Sequence[Region], width: int, height: int) -> bool:
    """Whether the middle of a window lies in one of the areas of a picture of this size."""
    x, y = window.x / width, window.y / height
    return any(area.x <= x <= area.x + area.w and area.y <= y <= area.y + area.h for area in areas)
