"""Face detection for photographs: a ladder of effort, climbed only as long as there is doubt (`PhotoDetector.search`).

| step | what it searches | when |
|---|---|---|
| first sweep | one small cascade pass and the scan's network over a pyramid | always |
| finer levels | larger levels of the pyramid | nobody found, or small faces |
| cascades | one at a time, at their most permissive, over the upright picture | no face above `SURE_SCORE` |
| rotated copies | the pyramid over five rotations | still no face above `SURE_SCORE` |
| everywhere, grid | the places of `ml.inference.thorough` | on request |
"""

from __future__ import annotations

import math

import numpy as np

from ml.inference.deadline import NO_DEADLINE, Deadline
from ml.inference.detection import Detection
from ml.inference.faces import MAX_PLACES, MIN_FACE_PX, MIN_SCAN_SCORE, FaceDetector, first_scale
from ml.inference.geometry import Window, turn
from ml.inference.halves import Halves
from ml.inference.scan import FACE_PX, LEVEL_RATIO
from ml.inference.thorough import ThoroughSearch

FIRST_SIDE_PX = 320
"""Longer side of the first pyramid's largest level."""
NOBODY_SIDE_PX = 720
"""Largest longer side of a level in a picture without a face so far."""
FINEST_SIDE_PX = 1620
"""Largest longer side of a level in a picture with small faces."""
MAX_FINER = FACE_PX / MIN_FACE_PX
"""Largest factor of enlargement; beyond it the scan would find faces that are too small to classify."""
SMALL_FACE_PX = 2.0 * FACE_PX
"""A face of this side or less on the finest level so far means that there may be smaller ones."""
TURNED_SIDE_PX = 213
TURNS_DEG = (-45, 45, -90, 90, 180)
"""Rotations for pictures without an upright face, and the longer side of the copies before rotation."""
MIN_LOG_ODDS = 1.0
MIN_SCORE = 1 / (1 + math.exp(-MIN_LOG_ODDS))
"""Least log odds of a face; they correspond to a probability of 0.73."""
MIN_LOG_ODDS_ALONE = -1.0
"""Least log odds of the likeliest place if there is no other face: photographs without a face are rare."""
SURE_SCORE = 0.85
"""If no face has this score, cascades and then rotated copies are searched; the step with the surest face is used.
Chosen by hand; `python -m tests.bench.fit_doubt --data DIR` measures what other scores cost and find."""
MIN_LOG_ODDS_TURNED = 2.0
"""Least log odds of a face in a rotated copy: such faces are rare, and five copies have five times the false ones."""


class PhotoDetector:
    """Finds faces in photographs, with the networks and cascades of a `FaceDetector`."""

    def __init__(self, detector: FaceDetector) -> None:
        self._detector = detector
        self._thorough = ThoroughSearch(detector)

    def search(self, gray: np.ndarray, deadline: Deadline = NO_DEADLINE, thorough: bool = False) -> list[Detection]:
        """Faces of a picture `(height, width)` uint8, likeliest first; `score` is their probability.

        Raises:
            Busy: the deadline passed.
        """
        picture = Halves(gray)
        faces = self.quick(picture, deadline)
        if thorough:
            faces = self._everywhere(picture, faces, deadline)
        for search_further in (self.by_cascades, self._turned):
            if _best_score(faces) < SURE_SCORE:
                faces = max(faces, search_further(picture, deadline), key=_best_score)
        if not faces and thorough:
            faces = [Detection(place.window, place.score) for place in self._thorough.laid(picture, deadline)]
        return sorted(faces, key=lambda found: found.score, reverse=True)

    def quick(self, picture: Halves, deadline: Deadline) -> list[Detection]:
        """The first two steps: faces of the sweep and of finer levels; if there is none, the likeliest place."""
        found = self._detector.sweep(picture, (), deadline, FIRST_SIDE_PX, MIN_LOG_ODDS_ALONE)
        return self._finer(picture, [face for face in found if face.score >= MIN_SCORE], deadline) or found[:1]

    def _finer(self, picture: Halves, faces: list[Detection], deadline: Deadline) -> list[Detection]:
        """The faces, with those of finer levels as long as smaller faces are likely."""
        scale = first_scale(picture, FIRST_SIDE_PX)
        while True:
            smallest_px = min((face.window.side * scale for face in faces), default=0.0)
            scale *= LEVEL_RATIO
            most_px = FINEST_SIDE_PX if faces else NOBODY_SIDE_PX
            if smallest_px > SMALL_FACE_PX or scale > MAX_FINER or scale * max(picture.gray.shape) > most_px:
                return faces
            deadline.check()
            scanned = [found.window for found in self._detector.scanner.scan(picture, scale, MIN_SCAN_SCORE)]
            faces = faces + self._detector.faces(
                picture, scanned, [face.window for face in faces], deadline, MIN_LOG_ODDS
            )

    def _everywhere(self, picture: Halves, faces: list[Detection], deadline: Deadline) -> list[Detection]:
        """The faces, with those at the places of the thorough search."""
        sure = [face for face in faces if face.score >= MIN_SCORE]
        places = self._thorough.places(picture, deadline)[:MAX_PLACES]
        settled = [Detection(place.window, place.score) for place in places]
        known = [face.window for face in sure]
        return sure + self._detector.judged(picture, settled, known, deadline, MIN_LOG_ODDS) or faces

    def by_cascades(self, picture: Halves, deadline: Deadline) -> list[Detection]:
        """Upright faces from the first cascade that proposes a sure one, or else the likeliest."""
        likeliest: list[Detection] = []
        for windows in self._thorough.upright(picture):
            found = self._detector.faces(picture, windows, (), deadline, MIN_LOG_ODDS_ALONE)
            faces = [face for face in found if face.score >= MIN_SCORE] or found[:1]
            likeliest = max(likeliest, faces, key=_best_score)
            if _best_score(likeliest) >= SURE_SCORE:
                break
        return likeliest

    def _turned(self, picture: Halves, deadline: Deadline) -> list[Detection]:
        """Faces that are tilted too far for the upright passes, from the first rotation that shows any."""
        scale = min(1.0, TURNED_SIDE_PX / max(picture.gray.shape))
        reduced = picture.resized(scale)
        for roll_deg in TURNS_DEG:
            deadline.check()
            turned, to_picture = turn(reduced, roll_deg)
            windows = []
            for found in self._detector.scanner.pyramid(Halves(turned), 1.0, MIN_SCAN_SCORE):
                x, y = (to_picture @ [found.window.x, found.window.y, 1]).tolist()
                windows.append(Window(x, y, found.window.side, roll_deg + found.window.roll_deg).scaled(1 / scale))
            faces = self._detector.faces(picture, windows, (), deadline, MIN_LOG_ODDS_TURNED)
            if faces:
                return faces
        return []


def _best_score(faces: list[Detection]) -> float:
    return max((face.score for face in faces), default=0.0)
