"""The live view's search of a whole picture: one cascade over a reduced copy, and a close look at what it proposes.

The aligner brings each proposal onto the face next to it; then two cascades must accept it in a close look, which
prints on shirts do not convince, and it must look more like an upright face than like one upside down.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ml.inference.cascades import acceptances, close_look, load_cascade, propose
from ml.inference.deadline import NO_DEADLINE, Deadline
from ml.inference.detection import Detection
from ml.inference.geometry import Window, beneath, same_place
from ml.inference.halves import Halves

MIN_SCORE = 0.6
"""A new face needs this probability of the aligner at least."""
MIN_AGREEMENT = 5
"""And this many acceptances by two cascades in a close look. Nineteen of twenty faces have more than 10, other places
that look like a face to the network at most 1, a skull printed on a shirt up to 7."""
MIN_AGREEMENT_BENEATH = 16
"""Beneath a face it takes more: that is where people wear pictures of faces."""
SIDE_PX = 240
"""Longer side of the reduced picture that is swept. Faces from 20 px in it are found: a twelfth of that side."""
FINE_SIDE_PX = 432
"""The same for a second look where the first found nobody: somebody may stand further away."""
SCALE_FACTOR = 1.3
SETTLE_STEPS = 4
MAX_PROPOSALS = 40
"""Those that the cascade accepted most often are settled."""


class CascadeSweep:
    """One per process or thread: cascades are not safe to share.

    Args:
        settle: moves a window onto the face next to it, as `FaceDetector.settle` does.
        is_upside_down: says of a settled window whether its face stands on its head.
    """

    def __init__(
        self,
        settle: Callable[[Halves, Window, int, float], Detection | None],
        is_upside_down: Callable[[Halves, Detection], bool],
    ) -> None:
        self._settle, self._is_upside_down = settle, is_upside_down
        self._frontal, self._frontal_too = load_cascade("frontalface_alt2"), load_cascade("frontalface_default")

    def faces(self, picture: Halves, known: Sequence[Window] = (), deadline: Deadline = NO_DEADLINE) -> list[Detection]:
        """Faces anywhere but at known places; a picture in which nobody is known or found is looked at again, finer.

        Raises:
            Busy: the deadline passed.
        """
        found = self._swept(picture, known, deadline, SIDE_PX)
        return found if found or known else self._swept(picture, known, deadline, FINE_SIDE_PX)

    def _swept(self, picture: Halves, known: Sequence[Window], deadline: Deadline, side_px: int) -> list[Detection]:
        """Faces in a copy whose longer side is `side_px`."""
        scale = min(1.0, side_px / max(picture.gray.shape))
        proposals = propose(self._frontal, picture.resized(scale), SCALE_FACTOR)
        found: list[tuple[Detection, int]] = []
        for place in (window.scaled(1 / scale) for window in proposals[:MAX_PROPOSALS]):
            deadline.check()
            if any(same_place(place, window) for window in known):
                continue
            new = self._settle(picture, place, SETTLE_STEPS, MIN_SCORE)
            agreement = self._agreement(picture, new.window) if new else 0
            if new and agreement >= MIN_AGREEMENT and not self._is_upside_down(picture, new):
                found.append((new, agreement))
        faces = [*known, *(new.window for new, _ in found)]
        return [
            new
            for new, agreement in found
            if agreement >= MIN_AGREEMENT_BENEATH or not any(beneath(new.window, face) for face in faces)
        ]

    def _agreement(self, picture: Halves, window: Window) -> int:
        """How often two frontal cascades accept a window in a close look; the second is asked only if it matters."""
        patch = close_look(picture.gray, window)
        count = acceptances(self._frontal, patch)
        return count + acceptances(self._frontal_too, patch) if 0 < count < MIN_AGREEMENT_BENEATH else count
