"""The live view's search of a whole picture: one cascade over a reduced copy, and a close look at what it proposes.

The aligner moves each proposal onto the face next to it. Two cascades must accept the result in a close look, which
most prints on shirts do not pass, and it must look more like an upright face than like one upside down. The thresholds
are chosen by hand; `python -m tests.bench.detection` measures their effect.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from ml.inference.cascades import CloseCount, close_look, load_cascade, propose, propose_by_octave
from ml.inference.changes import EVERYWHERE
from ml.inference.contract import Region
from ml.inference.deadline import NO_DEADLINE, Deadline
from ml.inference.detection import Detection
from ml.inference.geometry import Window, beneath, same_place
from ml.inference.halves import Halves

MIN_SCORE = 0.6
"""A new face needs this probability of the aligner at least."""
MIN_AGREEMENT = 5
"""A new face also needs this many acceptances by two cascades in a close look."""
MIN_AGREEMENT_BENEATH = 16
"""The same beneath a known face, where people wear pictures of faces."""
SIDE_PX = 240
"""Longer side of the reduced picture that is searched. Faces from 20 px in it are found, a twelfth of that side."""
FINE_SIDE_PX = 432
"""The same for a second search after one without a face: somebody may stand further away."""
SCALE_FACTOR = 1.3
SETTLE_STEPS = 4
MAX_PROPOSALS = 40
"""Most proposals that are used: those that the cascade accepted most often."""


def parts(gray: np.ndarray, areas: Sequence[Region]) -> list[tuple[int, int, np.ndarray]]:
    """What the areas show of a grey picture, each with the place of its left upper corner."""
    height, width = gray.shape
    cut = []
    for area in areas:
        left, top = math.floor(area.x * width), math.floor(area.y * height)
        right, bottom = math.ceil((area.x + area.w) * width), math.ceil((area.y + area.h) * height)
        cut.append((left, top, np.ascontiguousarray(gray[top:bottom, left:right])))
    return cut


class CascadeSweep:
    """One per process or thread: cascades are not safe to share.

    Args:
        settle: moves a window onto the face next to it, as `FaceDetector.settle` does.
        is_upside_down: whether the face in a settled window is upside down, as `Judge.is_upside_down` says.
    """

    def __init__(
        self,
        settle: Callable[[Halves, Window, int, float], Detection | None],
        is_upside_down: Callable[[Halves, Detection, CloseCount], bool],
    ) -> None:
        self._settle, self._is_upside_down = settle, is_upside_down
        self._frontal, self._frontal_too = load_cascade("frontalface_alt2"), load_cascade("frontalface_default")

    def faces(
        self,
        picture: Halves,
        known: Sequence[Window] = (),
        deadline: Deadline = NO_DEADLINE,
        areas: Sequence[Region] = EVERYWHERE,
    ) -> list[Detection]:
        """Faces except the known ones. If there is none, known or found, a larger copy of the picture is searched.

        Args:
            areas: the parts of the picture to search.

        Raises:
            Busy: the deadline passed.
        """
        found = self._swept(picture, known, deadline, SIDE_PX, areas)
        return found if found or known else self._swept(picture, known, deadline, FINE_SIDE_PX, areas)

    def _swept(
        self,
        picture: Halves,
        known: Sequence[Window],
        deadline: Deadline,
        side_px: int,
        areas: Sequence[Region],
    ) -> list[Detection]:
        """Faces in a copy whose longer side is `side_px`.

        A whole picture with known faces gets the quicker search by octaves: it misses one face in seventy that the
        other finds (composed groups), and such a face is searched again as soon as it moves.
        """
        scale = min(1.0, side_px / max(picture.gray.shape))
        search = propose_by_octave if known and areas == EVERYWHERE else propose
        proposals = [
            Window(window.x + left, window.y + top, window.side).scaled(1 / scale)
            for left, top, part in parts(picture.resized(scale), areas)
            for window in search(self._frontal, part, SCALE_FACTOR)[:MAX_PROPOSALS]
        ]
        found: list[tuple[Detection, int]] = []
        for place in proposals:
            deadline.check()
            if any(same_place(place, window) for window in known):
                continue
            new = self._settle(picture, place, SETTLE_STEPS, MIN_SCORE)
            if new is None or any(same_place(new.window, window) for window in known):
                continue
            accepted, agreement = self._counted(picture, new)
            needed = MIN_AGREEMENT_BENEATH if any(beneath(new.window, face) for face in known) else MIN_AGREEMENT
            if agreement >= needed and not self._is_upside_down(picture, new, accepted):
                found.append((new, agreement))
        return [
            new
            for new, agreement in found
            if agreement >= MIN_AGREEMENT_BENEATH or not any(beneath(new.window, face.window) for face, _ in found)
        ]

    def _counted(self, picture: Halves, new: Detection) -> tuple[CloseCount, int]:
        """The first cascade's count in a close look, and the acceptances by both; more than enough are not counted."""
        patch = close_look(picture, new.window)
        accepted, accepted_too = CloseCount(self._frontal, patch), CloseCount(self._frontal_too, patch)
        if not accepted.reaches(MIN_AGREEMENT_BENEATH) and accepted.so_far:
            accepted_too.reaches(MIN_AGREEMENT_BENEATH - accepted.so_far)
        return accepted, accepted.so_far + accepted_too.so_far
