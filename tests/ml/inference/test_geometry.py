"""Boxes and windows: overlaps, borders, turns."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest

from ml.inference.contract import Box
from ml.inference.geometry import Window, clip_box, cut, cut_window, iou, same_place


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        (Box(0, 0, 10, 10), Box(0, 0, 10, 10), 1.0),
        (Box(0, 0, 10, 10), Box(10, 0, 10, 10), 0.0),
        (Box(0, 0, 10, 10), Box(5, 0, 10, 10), 1 / 3),
        (Box(0, 0, 10, 10), Box(2, 2, 5, 5), 0.25),
    ],
)
def test_iou(a: Box, b: Box, expected: float) -> None:
    assert iou(a, b) == iou(b, a) == pytest.approx(expected)


def test_neighbours_are_two_places_and_a_nose_belongs_to_its_face() -> None:
    assert not same_place(Window(100, 100, 50), Window(150, 100, 50))
    assert same_place(Window(100, 100, 100), Window(105, 110, 20))
    assert same_place(Window(100, 100, 50), Window(115, 100, 60))


@pytest.mark.parametrize(
    ("box", "expected"),
    [
        (Box(-5, -5, 20, 20), Box(0, 0, 15, 15)),
        (Box(90, 90, 20, 20), Box(90, 90, 10, 10)),
        (Box(200, 200, 20, 20), Box(99, 99, 1, 1)),
        (Box(-50, 0, 20, 20), Box(0, 0, 1, 20)),
    ],
)
def test_boxes_are_clipped_inside_the_picture(box: Box, expected: Box) -> None:
    assert clip_box(box, 100, 100) == expected


@pytest.mark.parametrize(
    ("box", "expected"),
    [
        (Box(1, 1, 2, 2), [[5, 6], [9, 10]]),
        (Box(-1, -1, 3, 2), [[0, 0, 1], [0, 0, 1]]),
        (Box(3, 2, 3, 2), [[11, 11, 11], [11, 11, 11]]),
        (Box(10, 10, 2, 2), [[11, 11], [11, 11]]),
        (Box(-9, -9, 2, 1), [[0, 0]]),
    ],
)
def test_cutting_over_the_edge_repeats_border_pixels(box: Box, expected: list[list[int]]) -> None:
    assert cut(np.arange(12, dtype=np.uint8).reshape(3, 4), box).tolist() == expected


@pytest.mark.parametrize("side", [20, 48, 61, 400])
def test_an_upright_window_shows_its_box(side: int) -> None:
    gray = cv2.GaussianBlur(np.random.default_rng(0).integers(0, 256, (500, 600), np.uint8), (0, 0), 12)
    box = Box(120, 40, side, side)
    shown = cut_window(gray, Window.of(box), 48).astype(int)
    expected = cv2.resize(cut(gray, box), (48, 48), interpolation=cv2.INTER_AREA if side > 48 else cv2.INTER_LINEAR)
    assert np.abs(shown - expected).max() <= 3


@pytest.mark.parametrize("roll_deg", [-40.0, 15.0, 90.0])
@pytest.mark.parametrize("side", [60.0, 160.0])
def test_a_turned_window_shows_its_part_upright(roll_deg: float, side: float) -> None:
    """The corner at the window's upper left is marked in the picture and appears at the upper left."""
    gray = np.zeros((400, 400), np.uint8)
    window = Window(200, 200, side, roll_deg)
    corner = window.moved(-0.35, -0.35, 0, 0)
    cv2.circle(gray, (round(corner.x), round(corner.y)), round(0.1 * side), 255, -1)
    shown = cut_window(gray, window, 48)
    y, x = np.argwhere(shown > 128).mean(axis=0)
    assert (x, y) == pytest.approx((0.15 * 48, 0.15 * 48), abs=1.5)


def test_a_move_along_the_windows_own_axes() -> None:
    moved = Window(100, 100, 40, 90).moved(0.5, 0, math.log(2), math.radians(-30))
    assert (moved.x, moved.y, moved.side, moved.roll_deg) == pytest.approx((100, 120, 80, 60))
