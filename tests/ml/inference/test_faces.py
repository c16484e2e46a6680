"""Geometry of boxes, and where faces are found."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from skimage import data

from ml.inference.cascades import load_cascade
from ml.inference.contract import Box, Region
from ml.inference.detection import Detection, suppress_same_place
from ml.inference.faces import FaceDetector
from ml.inference.geometry import Window, iou

FACE = Box(222, 54, 110, 110)
"""Where the astronaut's face is at 640×480."""


@pytest.fixture(scope="module")
def detector() -> FaceDetector:
    return FaceDetector()


@pytest.mark.parametrize("shape", [(1, 1), (1, 640), (480, 1), (20, 20), (480, 640)])
def test_no_face_is_found_in_an_empty_picture(detector: FaceDetector, shape: tuple[int, int]) -> None:
    assert detector.search(np.full(shape, 128, np.uint8)) == ([], True)


def test_the_best_detection_of_a_place_is_kept() -> None:
    weak, strong, apart = (
        Detection(Window(50, 50, 40), 0.6),
        Detection(Window(55, 50, 42), 0.9),
        Detection(Window(150, 50, 40), 0.7),
    )
    assert suppress_same_place([weak, strong, apart]) == [strong, apart]
    assert suppress_same_place([]) == []


def test_an_unknown_cascade_says_what_was_expected() -> None:
    with pytest.raises(RuntimeError, match="expected a Haar cascade"):
        load_cascade("no_such_cascade")


def test_one_face_is_found_where_it_is(detector: FaceDetector, astronaut: np.ndarray) -> None:
    found, searched_fully = detector.search(astronaut)
    assert searched_fully
    assert [iou(detection.window.box, FACE) > 0.6 for detection in found] == [True]


def test_a_known_face_is_followed_without_a_full_search(detector: FaceDetector, astronaut: np.ndarray) -> None:
    near = [Region.of(Box(FACE.x + 25, FACE.y - 20, 90, 90), 640, 480)]
    found, searched_fully = detector.search(astronaut, near, full_search=False)
    assert not searched_fully
    assert [iou(detection.window.box, FACE) > 0.6 for detection in found] == [True]


def test_a_lost_face_is_looked_for_everywhere_at_once(detector: FaceDetector, astronaut: np.ndarray) -> None:
    near = [Region.of(Box(500, 300, 90, 90), 640, 480)]
    found, searched_fully = detector.search(astronaut, near, full_search=False)
    assert searched_fully
    assert [iou(detection.window.box, FACE) > 0.6 for detection in found] == [True]


def test_two_expectations_of_one_face_give_one_face(detector: FaceDetector, astronaut: np.ndarray) -> None:
    near = [Region.of(box, 640, 480) for box in (FACE, Box(FACE.x + 10, FACE.y, 110, 110))]
    found, _ = detector.search(astronaut, near, full_search=False)
    assert len(found) == 1


def test_a_following_box_does_not_creep(detector: FaceDetector, astronaut: np.ndarray) -> None:
    box = FACE
    for _ in range(30):
        found, _ = detector.search(astronaut, [Region.of(box, 640, 480)], full_search=False)
        box = found[0].window.box
    assert iou(box, FACE) > 0.6


def test_faces_at_the_border_are_followed(detector: FaceDetector, astronaut: np.ndarray) -> None:
    picture = np.ascontiguousarray(astronaut[FACE.y - 5 :, FACE.x - 5 :])
    found, _ = detector.search(picture, [Region.of(Box(5, 5, 110, 110), picture.shape[1], picture.shape[0])], False)
    assert [iou(detection.window.box, Box(5, 5, 110, 110)) > 0.6 for detection in found] == [True]


@pytest.mark.parametrize("count", [2, 5, 12])
def test_several_faces(detector: FaceDetector, count: int) -> None:
    portrait = cv2.cvtColor(data.astronaut(), cv2.COLOR_RGB2GRAY)[0:220, 120:340]
    picture = np.full((480, 640), 128, np.uint8)
    for index in range(count):
        row, column = divmod(index, 4)
        picture[row * 160 : row * 160 + 155, column * 160 : column * 160 + 155] = cv2.resize(
            portrait, (155, 155), interpolation=cv2.INTER_AREA
        )
    found, _ = detector.search(picture)
    assert len(found) == count
    near = [Region.of(detection.window.box, 640, 480) for detection in found]
    followed, searched_fully = detector.search(picture, near, full_search=False)
    assert (len(followed), searched_fully) == (count, False)


def test_an_upside_down_face_is_not_found_in_the_live_view(detector: FaceDetector, astronaut: np.ndarray) -> None:
    assert detector.search(np.ascontiguousarray(np.rot90(astronaut, 2)))[0] == []
