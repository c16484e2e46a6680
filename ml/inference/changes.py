"""Where a picture differs from what was searched before: beside known faces, a new face can only be there.

A sketch is a small copy of the picture. It travels as text with the state of the tracking, because any worker may get
the next picture. The thresholds are chosen by hand; `python -m tests.bench.newcomers` measures their effect.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from ml.inference.cascades import is_dark
from ml.inference.contract import Box, Region
from ml.inference.geometry import Window, clip_box
from ml.inference.halves import Halves

SKETCH_PX = 30
"""Longer side of a sketch. The smallest face that is searched beside others has two and a half of its cells."""
MIN_CHANGE = 5
"""Least difference of a cell's grey level that counts as a change; noise and compression make differences up to 2."""
MIN_CHANGED_CELLS = 4
"""Least number of changed cells among nine neighbours; fewer are no face."""
REACH = 1
"""Cells round a change that count as well."""
MAX_AREA = 0.8
"""The whole picture is searched if more of it than this has changed."""
PARTIAL_SEARCHES = 6
"""After this many searches of changes alone, the whole picture is searched once."""


EVERYWHERE = (Region(0.0, 0.0, 1.0, 1.0),)


@dataclass(frozen=True)
class Plan:
    """Which parts of the picture to search, and a sketch for the plan of the next search."""

    areas: tuple[Region, ...]
    sketch: str


def plan_search(picture: Halves, known: Sequence[Window] = (), earlier: str = "") -> Plan:
    """What to search in a picture. In a dark one a face changes too little, so all of it is searched.

    Args:
        known: the faces of this picture. Their places are not searched.
        earlier: the sketch of the plan of an earlier search, empty if there was none.
    """
    now = picture.resized(min(1.0, SKETCH_PX / max(picture.gray.shape)))
    height, width = now.shape
    before, partial = _read(earlier, width, height)
    if before is None or partial >= PARTIAL_SEARCHES or is_dark(now):
        return Plan(EVERYWHERE, _write(now, 0))
    changed = (cv2.absdiff(now, before) >= MIN_CHANGE).astype(np.uint8)
    for face in known:
        changed[_cells(clip_box(face.scaled(width / picture.gray.shape[1]).box, width, height))] = 0
    areas = _areas(changed)
    if sum(area.w * area.h for area in areas) > MAX_AREA * width * height:
        return Plan(EVERYWHERE, _write(now, 0))
    for area in areas:
        before[_cells(area)] = now[_cells(area)]
    return Plan(tuple(Region.of(area, width, height) for area in areas), _write(before, partial + 1))


def _areas(changed: np.ndarray) -> list[Box]:
    """The boxes of connected changes, with `REACH` cells round them. `changed` is `(height, width)` uint8, 0 or 1."""
    together = cv2.boxFilter(changed, -1, (3, 3), normalize=False, borderType=cv2.BORDER_CONSTANT)
    dense = (together >= MIN_CHANGED_CELLS).astype(np.uint8)
    if not dense.any():
        return []
    reached = cv2.dilate(dense, np.ones((2 * REACH + 1, 2 * REACH + 1), np.uint8))
    boxes = cv2.connectedComponentsWithStats(reached)[2][1:, :4]
    return [Box(*box) for box in boxes.tolist()]


def _cells(box: Box) -> tuple[slice, slice]:
    return slice(box.y, box.y + box.h), slice(box.x, box.x + box.w)


def _write(sketch: np.ndarray, partial: int) -> str:
    """The sketch as text, with the number of searches of changes alone since the last search of everything."""
    return f"{partial} {base64.b64encode(sketch.tobytes()).decode()}"


def _read(text: str, width: int, height: int) -> tuple[np.ndarray | None, int]:
    """The sketch of this size and its number of searches; None if it is of another picture's size or there is none."""
    partial, _, content = text.partition(" ")
    cells = np.frombuffer(base64.b64decode(content), np.uint8)
    return (cells.reshape(height, width).copy(), int(partial)) if len(cells) == width * height else (None, 0)
