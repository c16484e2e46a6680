"""What searches return: faces with their windows and scores."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ml.inference.geometry import Window, same_place


@dataclass(frozen=True)
class Detection:
    """A face: its window in pixels of the searched picture, which may reach over the edge, and its probability."""

    window: Window
    score: float


def suppress_same_place(detections: Iterable[Detection]) -> list[Detection]:
    """The detection with the best score for each face (see `same_place`); best first."""
    kept: list[Detection] = []
    for detection in sorted(detections, key=lambda found: found.score, reverse=True):
        if not any(same_place(detection.window, other.window) for other in kept):
            kept.append(detection)
    return kept
