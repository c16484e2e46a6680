"""Boxes, windows, and what they show of a picture. Pure functions; x points right, y down."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from ml.inference.contract import Box


@dataclass(frozen=True)
class Window:
    """A square on a picture: centre and side in pixels, turned clockwise by `roll_deg`."""

    x: float
    y: float
    side: float
    roll_deg: float = 0.0

    @staticmethod
    def of(box: Box, roll_deg: float = 0.0) -> Window:
        return Window(box.x + box.w / 2, box.y + box.h / 2, float(max(box.w, box.h)), roll_deg)

    @property
    def box(self) -> Box:
        """The upright square with the same centre and side."""
        side = max(1, round(self.side))
        return Box(round(self.x - side / 2), round(self.y - side / 2), side, side)

    def moved(self, right: float, down: float, log_scale: float, turn_rad: float) -> Window:
        """Moved along its own axes by fractions of its side, scaled by `exp(log_scale)`, turned clockwise."""
        cos, sin = math.cos(math.radians(self.roll_deg)), math.sin(math.radians(self.roll_deg))
        return Window(
            self.x + self.side * (cos * right - sin * down),
            self.y + self.side * (sin * right + cos * down),
            self.side * math.exp(log_scale),
            self.roll_deg + math.degrees(turn_rad),
        )

    def scaled(self, factor: float) -> Window:
        """The same window on a picture `factor` times the size."""
        return Window(self.x * factor, self.y * factor, self.side * factor, self.roll_deg)


def iou(a: Box, b: Box) -> float:
    """Area of the intersection over area of the union of two boxes, 0 to 1."""
    width = min(a.x + a.w, b.x + b.w) - max(a.x, b.x)
    height = min(a.y + a.h, b.y + b.h) - max(a.y, b.y)
    if width <= 0 or height <= 0:
        return 0.0
    return width * height / (a.w * a.h + b.w * b.h - width * height)


def same_place(a: Window, b: Window) -> bool:
    """Whether two windows show one face: their boxes overlap, or the centre of one is well inside the other."""
    smaller, larger = sorted((a, b), key=lambda window: window.side)
    inside = max(abs(smaller.x - larger.x), abs(smaller.y - larger.y)) < 0.35 * larger.side
    return inside or iou(a.box, b.box) > 0.3


def beneath(window: Window, face: Window) -> bool:
    """Whether a window lies where the chest of the person with that face is."""
    down = (window.y - face.y) / face.side
    return 0.9 < down < 3.5 and abs(window.x - face.x) < 0.7 * face.side and window.side > 0.7 * face.side


def clip_box(box: Box, width: int, height: int) -> Box:
    """The part of a box that lies inside the picture; at least one pixel."""
    left, top = min(max(box.x, 0), width - 1), min(max(box.y, 0), height - 1)
    right, bottom = max(min(box.x + box.w, width), left + 1), max(min(box.y + box.h, height), top + 1)
    return Box(left, top, right - left, bottom - top)


def cut(gray: np.ndarray, box: Box) -> np.ndarray:
    """What a box shows; beyond the picture its border pixels repeat."""
    height, width = gray.shape
    inside = clip_box(box, width, height)
    part = gray[inside.y : inside.y + inside.h, inside.x : inside.x + inside.w]
    if inside == box:
        return part
    # A box wholly beside the picture shows the border nearest to it.
    before_x, before_y = max(0, min(inside.x - box.x, box.w - 1)), max(0, min(inside.y - box.y, box.h - 1))
    after_x, after_y = box.w - before_x - inside.w, box.h - before_y - inside.h
    framed = cv2.copyMakeBorder(part, before_y, max(after_y, 0), before_x, max(after_x, 0), cv2.BORDER_REPLICATE)
    return framed[: box.h, : box.w]


def resize(gray: np.ndarray, scale: float) -> np.ndarray:
    """A grey picture at `scale` times its size, at least one pixel; shrinking averages areas."""
    if scale == 1:
        return gray
    size_wh = max(1, round(gray.shape[1] * scale)), max(1, round(gray.shape[0] * scale))
    return cv2.resize(gray, size_wh, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)


def cut_window(gray: np.ndarray, window: Window, size: int, share: float = 1.0) -> np.ndarray:
    """What a window shows, turned upright, as `(size, size)` uint8; beyond the picture its border pixels repeat.

    Args:
        gray: `(height, width)` uint8.
        share: how much of the window's side to show, round its centre.
    """
    side = max(window.side * share, 1.0)
    if side > 1.5 * size:
        # Reduced by area before sampling, so that no pixel is skipped.
        reach = math.ceil(side * 0.71) + 1
        part_box = Box(round(window.x) - reach, round(window.y) - reach, 2 * reach, 2 * reach)
        gray = resize(cut(gray, part_box), size / side)
        scale = gray.shape[0] / (2 * reach)
        window = Window(window.x - part_box.x, window.y - part_box.y, window.side, window.roll_deg).scaled(scale)
        side *= scale
    cos, sin = (f(math.radians(window.roll_deg)) * side / size for f in (math.cos, math.sin))
    middle = (size - 1) / 2
    matrix = np.array(
        [
            [cos, -sin, window.x - 0.5 - cos * middle + sin * middle],
            [sin, cos, window.y - 0.5 - sin * middle - cos * middle],
        ]
    )
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(gray, matrix, (size, size), flags=flags, borderMode=cv2.BORDER_REPLICATE)


def turn(gray: np.ndarray, roll_deg: float, padding_share: float = 0.25) -> tuple[np.ndarray, np.ndarray]:
    """A padded picture in which faces that lean clockwise by `roll_deg` stand upright.

    Returns:
        The picture, and the 2×3 matrix that takes its points back to `gray`.
    """
    height, width = gray.shape
    padding = padding_share * min(height, width)
    angle = math.radians(abs(roll_deg))
    cos, sin = abs(math.cos(angle)), abs(math.sin(angle))
    turned_w = math.ceil(width * cos + height * sin + 2 * padding)
    turned_h = math.ceil(width * sin + height * cos + 2 * padding)
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), roll_deg, 1.0)
    matrix[:, 2] += (turned_w - width) / 2, (turned_h - height) / 2
    turned = cv2.warpAffine(gray, matrix, (turned_w, turned_h), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return turned, cv2.invertAffineTransform(matrix)
