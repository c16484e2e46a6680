"""Where the faces are: Haar cascades, searched coarsely over the whole picture and finely where a face is expected.

A whole picture is searched in two steps, because nearly all its area holds no face: a coarse sweep over a reduced copy
proposes places, and each place is confirmed by the same fine search of a small region that follows a known face.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from ml.inference.contract import Box, Region

SWEEP_SIDE_PX = 288
"""Longer side of the reduced picture in which the sweep looks for faces."""
SWEEP_SCALE_FACTOR = 1.2
REGION_REACH = 1.0
"""Half the side of a searched region, as a multiple of the expected face's side."""
SIZE_CHANGE = 1.4
"""A face is looked for at this many times the expected side, and at one over it."""
SAME_FACE_IOU = 0.3


@dataclass(frozen=True)
class RegionSearch:
    """How closely a region is searched: side to which the expected face is reduced, step between sizes, evidence."""

    face_px: int
    scale_factor: float
    min_neighbors: int


FOLLOW = RegionSearch(face_px=36, scale_factor=1.2, min_neighbors=1)
FOLLOW_CAREFULLY = RegionSearch(face_px=42, scale_factor=1.1, min_neighbors=1)
"""The second try for a face that was there a moment ago."""
CONFIRM = RegionSearch(face_px=42, scale_factor=1.1, min_neighbors=2)
"""For a place that the sweep proposes: in 420 random places without a face it finds none."""


@dataclass(frozen=True)
class Detection:
    """A found face in pixels of the searched picture. The box may reach over the edge; `score` orders rivals."""

    box: Box
    score: float


def iou(a: Box, b: Box) -> float:
    """Area of the intersection over area of the union of two boxes, 0 to 1."""
    width = min(a.x + a.w, b.x + b.w) - max(a.x, b.x)
    height = min(a.y + a.h, b.y + b.h) - max(a.y, b.y)
    if width <= 0 or height <= 0:
        return 0.0
    return width * height / (a.w * a.h + b.w * b.h - width * height)


def suppress_overlaps(detections: Sequence[Detection], max_iou: float = SAME_FACE_IOU) -> list[Detection]:
    """Keep the best scored detection of each group that covers the same face; best first."""
    kept: list[Detection] = []
    for detection in sorted(detections, key=lambda found: found.score, reverse=True):
        if all(iou(detection.box, other.box) <= max_iou for other in kept):
            kept.append(detection)
    return kept


def clip_box(box: Box, width: int, height: int) -> Box:
    """The part of a box that lies inside the picture; at least one pixel."""
    left, top = min(max(box.x, 0), width - 1), min(max(box.y, 0), height - 1)
    right, bottom = max(min(box.x + box.w, width), left + 1), max(min(box.y + box.h, height), top + 1)
    return Box(left, top, right - left, bottom - top)


def load_cascade(name: str) -> cv2.CascadeClassifier:
    """A cascade of OpenCV's own collection, by the part of its file name after `haarcascade_`."""
    path = Path(cv2.__file__).parent / "data" / f"haarcascade_{name}.xml"
    cascade = cv2.CascadeClassifier(str(path))
    if cascade.empty():
        raise RuntimeError(f"expected a Haar cascade at {path}, received no readable file; install opencv-python <5")
    return cascade


def run_cascade(
    cascade: cv2.CascadeClassifier,
    gray: np.ndarray,
    scale_factor: float,
    min_neighbors: int,
    min_px: int = 0,
    max_px: int = 0,
) -> list[tuple[np.ndarray, float]]:
    """Run a cascade over `(height, width)` uint8; returns `(x, y, w, h)` float64 with the last stage's weight each."""
    boxes, _, weights = cascade.detectMultiScale3(
        gray, scale_factor, min_neighbors, 0, (min_px, min_px), (max_px, max_px), outputRejectLevels=True
    )
    return [(np.asarray(box, float), float(weight)) for box, weight in zip(boxes, np.ravel(weights), strict=True)]


def resize(gray: np.ndarray, scale: float) -> np.ndarray:
    """A grey picture at `scale` times its size, at least one pixel; shrinking averages areas."""
    size_wh = max(1, round(gray.shape[1] * scale)), max(1, round(gray.shape[0] * scale))
    return cv2.resize(gray, size_wh, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)


class FaceDetector:
    """Finds faces in grey pictures. One per process or thread: a cascade is not safe to share."""

    def __init__(self) -> None:
        self._cascade = load_cascade("frontalface_alt2")

    def search(
        self, gray: np.ndarray, near: Sequence[Region] = (), full_search: bool = True
    ) -> tuple[list[Detection], bool]:
        """Find faces near where they were, and in the whole picture when asked or when one of them is lost.

        Args:
            gray: `(height, width)` uint8.
            near: where the faces were a moment ago.
            full_search: look at the whole picture as well.

        Returns:
            The faces, best first, and whether the whole picture was searched.
        """
        height, width = gray.shape
        expected = [Box(round(r.x * width), round(r.y * height), round(r.w * width), round(r.h * height)) for r in near]
        found = [
            self._search_region(gray, box, FOLLOW) or self._search_region(gray, box, FOLLOW_CAREFULLY)
            for box in expected
        ]
        full_search = full_search or None in found
        detections = [detection for detection in found if detection is not None]
        if full_search:
            for place in self._sweep(gray):
                if all(iou(place, known.box) <= SAME_FACE_IOU for known in detections):
                    confirmed = self._search_region(gray, place, CONFIRM)
                    if confirmed is not None:
                        detections.append(confirmed)
        return suppress_overlaps(detections), full_search

    def _sweep(self, gray: np.ndarray) -> list[Box]:
        """Places in the whole picture that may hold a face."""
        height, width = gray.shape
        scale = min(1.0, SWEEP_SIDE_PX / max(height, width))
        reduced = resize(gray, scale)
        places = run_cascade(self._cascade, reduced, SWEEP_SCALE_FACTOR, min_neighbors=1)
        return [Box(*(round(value / scale) for value in box)) for box, _ in places]

    def _search_region(self, gray: np.ndarray, expected: Box, search: RegionSearch) -> Detection | None:
        """The face in the surroundings of an expected box, or None."""
        side = max(expected.w, expected.h, 1)
        reach = REGION_REACH * side
        left, top = round(expected.x + expected.w / 2 - reach), round(expected.y + expected.h / 2 - reach)
        right, bottom = left + round(2 * reach), top + round(2 * reach)
        patch = cut(gray, left, top, right, bottom)
        scale = search.face_px / side
        patch = resize(patch, scale)
        min_px, max_px = round(search.face_px / SIZE_CHANGE), round(search.face_px * SIZE_CHANGE)
        candidates = [
            Detection(Box(round(x / scale) + left, round(y / scale) + top, round(w / scale), round(h / scale)), weight)
            for (x, y, w, h), weight in run_cascade(
                self._cascade, patch, search.scale_factor, search.min_neighbors, min_px, max_px
            )
        ]
        return max(candidates, key=lambda found: iou(found.box, expected), default=None)


def cut(gray: np.ndarray, left: int, top: int, right: int, bottom: int) -> np.ndarray:
    """The rectangle from (left, top) to (right, bottom) exclusive; beyond the picture its border pixels repeat."""
    height, width = gray.shape
    x0, y0 = min(max(left, 0), width - 1), min(max(top, 0), height - 1)
    x1, y1 = max(min(right, width), x0 + 1), max(min(bottom, height), y0 + 1)
    inside = gray[y0:y1, x0:x1]
    if (x0, y0, x1, y1) == (left, top, right, bottom):
        return inside
    return cv2.copyMakeBorder(
        inside, max(y0 - top, 0), max(bottom - y1, 0), max(x0 - left, 0), max(right - x1, 0), cv2.BORDER_REPLICATE
    )
