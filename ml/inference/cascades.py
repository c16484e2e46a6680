"""Haar cascades: propose face windows in a picture, or check one place."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path

import cv2
import numpy as np

from ml.inference.geometry import Window, cut_window, same_place
from ml.inference.halves import Halves

DARK_LEVEL, MAX_GAIN = 120, 6.0
"""A picture whose lighter parts are darker than this grey level is brightened, at most by this factor."""
CLOSE_LOOK_PX = 64
"""Side to which a face is brought for the close look."""
SMALLEST_PX, LARGEST_PX, CLOSE_LOOK_STEP = round(0.7 * CLOSE_LOOK_PX), round(1.4 * CLOSE_LOOK_PX), 1.1
"""Smallest and largest window of a close look, and the factor from one size to the next."""
MIDDLE_PX = 0.3 * CLOSE_LOOK_PX
"""Windows whose centre is nearer to the middle than this, along both sides, count in a close look."""


def load_cascade(name: str) -> cv2.CascadeClassifier:
    """A cascade of OpenCV's own collection, by the part of its file name after `haarcascade_`."""
    path = Path(cv2.__file__).parent / "data" / f"haarcascade_{name}.xml"
    cascade = cv2.CascadeClassifier(str(path))
    if cascade.empty():
        raise RuntimeError(f"expected a Haar cascade at {path}, received no readable file; install opencv-python <5")
    return cascade


def brighten(gray: np.ndarray) -> np.ndarray:
    """A dark picture with its contrast raised, any other as it is: cascades skip windows of little contrast."""
    light = _light(gray)
    return cv2.convertScaleAbs(gray, alpha=min(MAX_GAIN, 200 / max(light, 1.0))) if light < DARK_LEVEL else gray


def is_dark(gray: np.ndarray) -> bool:
    """Whether `brighten` raises the contrast of a picture."""
    return _light(gray) < DARK_LEVEL


def _light(gray: np.ndarray) -> float:
    """Grey level of the lighter parts."""
    mean, deviation = cv2.meanStdDev(gray)
    return float(mean[0, 0] + 2 * deviation[0, 0])


def propose(cascade: cv2.CascadeClassifier, gray: np.ndarray, scale_factor: float, min_px: int = 0) -> list[Window]:
    """Windows that a cascade accepts, even once, one for each place; those accepted most often first."""
    boxes = cascade.detectMultiScale(brighten(gray), scale_factor, 0, 0, (min_px, min_px))
    return _places(Window(float(x + side / 2), float(y + side / 2), float(side)) for x, y, side, _ in boxes)


def _places(windows: Iterable[Window]) -> list[Window]:
    """The mean window of each place, those with most windows first."""
    groups: list[list[Window]] = []
    for window in windows:
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


def close_look(picture: Halves, window: Window) -> np.ndarray:
    """A window, upright, with a margin of half its side all round; the window's side becomes `CLOSE_LOOK_PX`."""
    gray, halved = picture.near(CLOSE_LOOK_PX / window.side)
    return cut_window(gray, window.scaled(halved), 2 * CLOSE_LOOK_PX, share=2.0)


def acceptances(cascade: cv2.CascadeClassifier, patch: np.ndarray) -> int:
    """How many windows near the middle of a close look a cascade accepts."""
    boxes = cascade.detectMultiScale(brighten(patch), CLOSE_LOOK_STEP, 0, 0, (SMALLEST_PX,) * 2, (LARGEST_PX,) * 2)
    return _near_middle(boxes, CLOSE_LOOK_PX)


class CloseCount:
    """As `acceptances`, counted only as far as asked, which takes a third to a half of the time.

    Large windows cost least and come first. For each size the cascade gets only the part of the close look in which
    such windows are near the middle. The samples of that part are shifted by less than a pixel, so the whole count may
    differ from that of `acceptances` by a few windows.

    Args:
        patch: a close look, `(2 * CLOSE_LOOK_PX, 2 * CLOSE_LOOK_PX)` uint8.
    """

    def __init__(self, cascade: cv2.CascadeClassifier, patch: np.ndarray) -> None:
        self._cascade, self._patch = cascade, brighten(patch)
        self._left = list(_sides(cascade.getOriginalWindowSize()[0]))
        self.so_far = 0
        """Acceptances counted so far; all of them after `reaches` was False."""

    def reaches(self, enough: float) -> bool:
        """Whether there are at least so many acceptances."""
        while self.so_far < enough and self._left:
            side = self._left.pop()
            reach = min(CLOSE_LOOK_PX, math.ceil(side / 2 + MIDDLE_PX))
            shown = slice(CLOSE_LOOK_PX - reach, CLOSE_LOOK_PX + reach)
            part, size = self._patch[shown, shown], (side, side)
            self.so_far += _near_middle(self._cascade.detectMultiScale(part, CLOSE_LOOK_STEP, 0, 0, size, size), reach)
        return self.so_far >= enough


@cache
def _sides(own_px: int) -> tuple[int, ...]:
    """The sides of the windows of a close look, smallest first, as OpenCV derives them from a cascade's own side."""
    every = (round(own_px * CLOSE_LOOK_STEP**power) for power in range(32))
    return tuple(side for side in every if SMALLEST_PX <= side <= LARGEST_PX)


def _near_middle(boxes: np.ndarray, middle: int) -> int:
    """How many boxes have their centre near the point `(middle, middle)`."""
    centers = ((x + side / 2 - middle, y + side / 2 - middle) for x, y, side, _ in boxes)
    return int(sum(max(abs(x), abs(y)) < MIDDLE_PX for x, y in centers))
