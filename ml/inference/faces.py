"""Face detection for live pictures. Networks and a cascade propose windows; the aligner and the judge check them.

`FaceDetector.search` serves the live view: it follows faces from the previous frame with the aligner alone, and
searches the whole picture with `ml.inference.sweep`. `sweep` is the first search of a photograph, which
`ml.inference.photos` extends. The thresholds are chosen by hand; `python -m tests.bench.detection` measures their
effect.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from ml.inference.align import FaceAligner
from ml.inference.cascades import load_cascade, propose
from ml.inference.changes import plan_search
from ml.inference.contract import Box, Region
from ml.inference.deadline import NO_DEADLINE, Deadline
from ml.inference.detection import Detection, suppress_same_place
from ml.inference.geometry import Window, beneath, cut, resize, same_place
from ml.inference.halves import Halves
from ml.inference.judge import Judge
from ml.inference.scan import FaceScanner
from ml.inference.sweep import LiveSweep

MIN_LOG_ODDS = 0.0
"""Least log odds of the judge for a face (0: as likely as not)."""
SURE_LOG_ODDS = 2.0
"""At these log odds the judge stops."""
MIN_LOG_ODDS_BENEATH = 6.0
"""Least log odds below a known face, where people wear pictures of faces."""
UPRIGHT_DEG = 60
"""Faces that lean more come from a rotated copy, so their orientation is known."""
MIN_SCORE_FOLLOWED = 0.35
"""Least probability of a face that was in the previous frame."""
MAX_JUMP = 0.75
"""A followed face is lost if it would have moved by more than this, in sides."""
MAX_GROWTH = 2.5
"""A followed face is lost if it would have grown or shrunk by more than this factor."""
FOLLOW_FACE_PX = 44
"""Side to which an expected face is reduced before the aligner sees it."""

HAAR_SIDE_PX, HAAR_SCALE_FACTOR, HAAR_MIN_PX = 160, 1.3, 24
"""Longer side of the copy that the cascade searches, its scale factor, and the smallest face in the copy."""
HAAR_PROPOSALS = 6
"""Most proposals of the cascade that are used: those that it accepted most often."""
SCAN_SIDE_PX, MAX_ENLARGED = 240, 2.0
"""Longer side of the pyramid's largest level, in which faces from 18 px (1/13 of the side) are found; and the largest
factor by which a smaller picture is enlarged."""
MIN_SCAN_SCORE = 0.3
"""Least probability of a place in the scan."""
MIN_SETTLED_SCORE = 0.1
"""Least probability of the aligner for a window that it has moved onto a face."""
MIN_FACE_PX = 16
"""Smallest side of a face that can be classified."""
MAX_PLACES = 40
"""Most places that are judged in one pass, in order of their scores."""


class FaceDetector:
    """Finds faces in live pictures. One per process or thread: neither cascades nor interpreters are safe to share."""

    def __init__(self, aligner: FaceAligner | None = None, scanner: FaceScanner | None = None) -> None:
        self.aligner = aligner or FaceAligner()
        self.scanner = scanner or FaceScanner()
        self.judge = Judge(self.scanner)
        self.frontal = load_cascade("frontalface_alt2")
        self._live = LiveSweep(self.scanner, self.settle, self.judge.is_upside_down)

    def search(
        self,
        gray: np.ndarray,
        near: Sequence[Region] = (),
        full_search: bool | str = True,
        deadline: Deadline = NO_DEADLINE,
    ) -> tuple[list[Detection], bool]:
        """Find faces near where they were, and elsewhere when asked or when one of them is lost.

        Args:
            gray: `(height, width)` uint8.
            near, full_search: as in `Request`.
            deadline: ends the search with `Busy`.

        Returns:
            The faces, best first, and whether the picture was searched.
        """
        detections, sketch = self.update(gray, near, full_search, deadline)
        return detections, bool(sketch)

    def update(
        self,
        gray: np.ndarray,
        near: Sequence[Region] = (),
        full_search: bool | str = True,
        deadline: Deadline = NO_DEADLINE,
    ) -> tuple[list[Detection], str]:
        """As `search`; returns instead of the truth value the sketch of the search, empty if there was none."""
        height, width = gray.shape
        picture = Halves(gray)
        followed = [
            self.follow(
                picture, Window((r.x + r.w / 2) * width, (r.y + r.h / 2) * height, max(r.w * width, r.h * height))
            )
            for r in near
        ]
        detections = [detection for detection in followed if detection is not None]
        deadline.check()
        lost = len(detections) < len(followed)
        sketch = ""
        if full_search or lost:
            known = [detection.window for detection in detections]
            earlier = full_search if isinstance(full_search, str) and not lost else ""
            plan = plan_search(picture, known, earlier)
            detections += self._live.faces(picture, known, deadline, plan.areas)
            sketch = plan.sketch
        return suppress_same_place(detections), sketch

    def follow(self, picture: Halves, expected: Window) -> Detection | None:
        """The face that was in this window in the previous frame, or None."""
        return self.settle(picture, expected, steps=2, min_score=MIN_SCORE_FOLLOWED)

    def sweep(
        self,
        picture: Halves,
        known: Sequence[Window] = (),
        deadline: Deadline = NO_DEADLINE,
        side_px: float = SCAN_SIDE_PX,
        least: float = MIN_LOG_ODDS,
    ) -> list[Detection]:
        """Faces in the picture, without the known ones, with their probability; `least` as in `judged`.

        Raises:
            Busy: the deadline passed.
        """
        found = self.faces(picture, self.proposals(picture, side_px), known, deadline, least)
        everybody = [*known, *(new.window for new in found)]
        return [
            new
            for new in found
            if not any(beneath(new.window, face) for face in everybody)
            or self.judge.log_odds(picture, new, MIN_LOG_ODDS_BENEATH) >= MIN_LOG_ODDS_BENEATH
        ]

    def proposals(self, picture: Halves, side_px: float = SCAN_SIDE_PX) -> list[Window]:
        """Windows that may be near a face: what one cascade proposes in a small copy, and the scan in a pyramid whose
        largest level has a longer side of `side_px`."""
        scale = min(1.0, HAAR_SIDE_PX / max(picture.gray.shape))
        windows = propose(self.frontal, picture.resized(scale), HAAR_SCALE_FACTOR, HAAR_MIN_PX)[:HAAR_PROPOSALS]
        scanned = self.scanner.pyramid(picture, first_scale(picture, side_px), MIN_SCAN_SCORE)
        return [window.scaled(1 / scale) for window in windows] + [found.window for found in scanned]

    def faces(
        self,
        picture: Halves,
        proposals: Iterable[Window],
        known: Sequence[Window] = (),
        deadline: Deadline = NO_DEADLINE,
        least: float = MIN_LOG_ODDS,
    ) -> list[Detection]:
        """Proposals that are faces, without the known ones, one for each place, with their probability."""
        return self.judged(picture, self.settled(picture, proposals, known, deadline), known, deadline, least)

    def settled(
        self,
        picture: Halves,
        proposals: Iterable[Window],
        known: Sequence[Window] = (),
        deadline: Deadline = NO_DEADLINE,
    ) -> list[Detection]:
        """The final windows of the proposals, one detection for each place, with the aligner's score."""
        at_rest = []
        for proposal in proposals:
            deadline.check()
            if not any(same_place(proposal, window) for window in known):
                at_rest.append(self.settle(picture, proposal, 3, MIN_SETTLED_SCORE, max_jump=1.0))
        return suppress_same_place(found for found in at_rest if found and found.window.side >= MIN_FACE_PX)

    def judged(
        self,
        picture: Halves,
        places: Sequence[Detection],
        known: Sequence[Window] = (),
        deadline: Deadline = NO_DEADLINE,
        least: float = MIN_LOG_ODDS,
    ) -> list[Detection]:
        """The places that are upright faces by log odds of at least `least`, with their probability."""
        faces = []
        for place in places[:MAX_PLACES]:
            deadline.check()
            if any(same_place(place.window, window) for window in known):
                continue
            log_odds = self.judge.log_odds(picture, place, max(least, SURE_LOG_ODDS))
            if log_odds < least or self.judge.is_turned(picture, place):
                continue
            if abs(place.window.roll_deg) > UPRIGHT_DEG or not self._is_upside_down(picture, place, log_odds):
                faces.append(Detection(place.window, 1 / (1 + math.exp(-log_odds))))
        return suppress_same_place(faces)

    def _is_upside_down(self, picture: Halves, found: Detection, log_odds: float) -> bool:
        """Whether the aligner and the judge see a likelier face when they start from the window rotated by 180°.

        It recognises more faces than `Judge.is_upside_down`, which costs less and serves the live view.
        """
        turned = replace(found.window, roll_deg=found.window.roll_deg + 180)
        settled = self.settle(picture, turned, 3, MIN_SETTLED_SCORE, max_jump=1.0)
        if settled is None or self.judge.log_odds(picture, settled, log_odds) < log_odds:
            return False
        return self.judge.complete_log_odds(picture, settled) > self.judge.complete_log_odds(picture, found)

    def settle(
        self, picture: Halves, expected: Window, steps: int, min_score: float, max_jump: float = MAX_JUMP
    ) -> Detection | None:
        """Move a window onto the face it lies near; None if there is none, or only one too far away."""
        gray, halved = picture.near(FOLLOW_FACE_PX / expected.side)
        expected = expected.scaled(halved)
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
        window = Window(window.x + around.x, window.y + around.y, window.side, window.roll_deg).scaled(1 / halved)
        return Detection(window, score)


def first_scale(picture: Halves, side_px: float) -> float:
    """How much a picture is resized for the largest level of its first pyramid, of longer side `side_px`."""
    return min(side_px / max(picture.gray.shape), MAX_ENLARGED)
