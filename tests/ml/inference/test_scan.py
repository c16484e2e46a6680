"""The shipped network finds faces of one size, and its answers are read as windows."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from skimage import data

from ml.inference.contract import Box
from ml.inference.detection import Detection, suppress_same_place
from ml.inference.geometry import Window, iou
from ml.inference.halves import Halves
from ml.inference.scan import (
    FACE_PX,
    MAX_SIZES,
    FaceScanner,
    even_contrast,
    one_for_each_place,
    side_by_side,
    windows_of,
)

FACE = Box(166, 58, 112, 112)
"""Where the astronaut's face is at 512×512."""


@pytest.fixture(scope="module")
def scanner() -> FaceScanner:
    return FaceScanner()


@pytest.fixture(scope="module")
def portrait() -> Halves:
    return Halves(cv2.cvtColor(data.astronaut(), cv2.COLOR_RGB2GRAY))


def test_nothing_is_found_in_a_flat_picture(scanner: FaceScanner) -> None:
    assert scanner.pyramid(Halves(np.full((200, 300), 90, np.uint8)), 1.0, 0.2) == []


def test_contrast_is_independent_of_light() -> None:
    gray = cv2.GaussianBlur(np.random.default_rng(0).integers(0, 256, (90, 70), np.uint8), (0, 0), 3)
    dark = (gray * 0.4 + 20).astype(np.uint8)
    assert np.corrcoef(even_contrast(gray).ravel(), even_contrast(dark).ravel())[0, 1] > 0.97
    assert np.abs(even_contrast(np.full((50, 40), 33, np.uint8))).max() < 0.01


def test_answers_become_windows_best_first() -> None:
    answers: np.ndarray = np.full((10, 12, 5), -9, np.float32)
    answers[2, 3] = (1.0, 0.5, -0.25, 0.0, 0.0)
    answers[7, 8] = (2.0, 0.0, 0.0, np.log(1.5), np.radians(30))
    windows = windows_of(answers, 0.5)
    assert windows[0] == pytest.approx([35, 31, 1.5 * FACE_PX, 30, 0.881], abs=1e-3)
    assert windows[1] == pytest.approx([15 + 12, 11 - 6, FACE_PX, 0, 0.731], abs=1e-3)
    assert len(windows_of(np.full((4, 4, 5), -9, np.float32), 0.5)) == 0


def test_one_for_each_place_agrees_with_geometry() -> None:
    rng = np.random.default_rng(0)
    rows = np.column_stack([rng.uniform(0, 90, (80, 2)), rng.uniform(18, 36, 80), np.zeros(80), np.linspace(1, 0, 80)])
    kept = one_for_each_place(rows)
    detections = [Detection(Window(x, y, side), score) for x, y, side, _, score in rows.tolist()]
    expected = [(found.window.x, found.score) for found in suppress_same_place(detections)]
    assert len({score for _, score in expected} ^ set(kept[:, 4].tolist())) <= 2  # geometry rounds to whole pixels
    assert one_for_each_place(np.empty((0, 5))).shape == (0, 5)


def test_the_portrait_is_the_likeliest_place(scanner: FaceScanner, portrait: Halves) -> None:
    found = scanner.pyramid(portrait, 240 / 512, 0.2)
    assert iou(found[0].window.box, FACE) > 0.5
    assert found[0].score > 0.7


@pytest.mark.parametrize("shape", [(1, 1), (1, 208), (208, 1), (200, 300)])
def test_an_overview_of_a_flat_picture_is_empty(scanner: FaceScanner, shape: tuple[int, int]) -> None:
    assert scanner.overview(Halves(np.full(shape, 90, np.uint8)), 1.0, 0.2) == []


@pytest.mark.parametrize("scale", [1.0, 0.5, 0.3, 0.2])
def test_an_overview_finds_the_portrait_on_whatever_level_it_is(
    scanner: FaceScanner, portrait: Halves, scale: float
) -> None:
    found = scanner.overview(portrait, scale, 0.5)
    assert max(iou(place.window.box, FACE) for place in found) > 0.5
    assert [place.score for place in found] == sorted((place.score for place in found), reverse=True)


def test_levels_lie_side_by_side_without_touching() -> None:
    levels = [np.full((150 >> step, 200 >> step), step + 1, np.float32) for step in range(4)]
    canvas, places = side_by_side(levels)
    for level, place in zip(levels, places, strict=True):
        assert (canvas[place.y : place.y + place.h, place.x : place.x + place.w] == level).all()
    assert np.count_nonzero(canvas) == sum(level.size for level in levels)
    assert [length % 8 for length in canvas.shape] == [0, 0]


def test_a_look_distinguishes_a_face_from_background(scanner: FaceScanner, portrait: Halves) -> None:
    face = Window.of(FACE)
    looks = [scanner.look(portrait, window) for window in (face, Window(420, 300, face.side))]
    assert looks[0] > looks[1] + 1


def test_the_number_of_kept_interpreters_is_bounded(scanner: FaceScanner) -> None:
    for height in range(40, 40 + 32 * (MAX_SIZES + 3), 32):
        scanner.scan(Halves(np.zeros((height, 40), np.uint8)), 1.0, 0.2)
    assert len(scanner._interpreters) == MAX_SIZES
