"""Photographs: every face is found exactly once, under many conditions; a picture without a face gives no face."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from skimage import data

from ml.inference.align import held_out
from ml.inference.contract import Box
from ml.inference.detection import Detection
from ml.inference.faces import FaceDetector
from ml.inference.geometry import iou, turn
from ml.inference.halves import Halves
from ml.inference.photos import PhotoDetector
from ml.inference.preprocess import decode_image
from ml.inference.scan import FaceScanner
from ml.inference.thorough import laid_windows

FACE = Box(166, 58, 112, 112)
"""Where the astronaut's face is at 512×512."""


@pytest.fixture(scope="module")
def detector() -> PhotoDetector:
    return PhotoDetector(FaceDetector())


@pytest.fixture(scope="module")
def portrait() -> np.ndarray:
    return cv2.cvtColor(data.astronaut(), cv2.COLOR_RGB2GRAY)


@pytest.mark.parametrize("shape", [(1, 1), (3, 400), (48, 48), (300, 200)])
def test_no_face_is_found_in_an_empty_picture(detector: PhotoDetector, shape: tuple[int, int]) -> None:
    assert detector.search(np.full(shape, 77, np.uint8)) == []


@pytest.mark.parametrize("name", ["coffee", "brick", "rocket"])
def test_no_face_is_found_in_pictures_of_things(detector: PhotoDetector, name: str) -> None:
    picture = getattr(data, name)()
    gray = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY) if picture.ndim == 3 else picture
    assert detector.search(gray) == []


def test_a_portrait_has_one_face(detector: PhotoDetector, portrait: np.ndarray) -> None:
    found = detector.search(portrait)
    assert [iou(detection.window.box, FACE) > 0.5 for detection in found] == [True]
    assert found[0].score > 0.5


def test_a_close_up_without_surroundings(detector: PhotoDetector, portrait: np.ndarray) -> None:
    close_up = portrait[FACE.y : FACE.y + FACE.h, FACE.x : FACE.x + FACE.w]
    found = detector.search(np.ascontiguousarray(close_up))
    assert [iou(detection.window.box, Box(0, 0, FACE.w, FACE.h)) > 0.5 for detection in found] == [True]


def test_a_dark_picture(detector: PhotoDetector, portrait: np.ndarray) -> None:
    found = detector.search((portrait * 0.15).astype(np.uint8))
    assert [iou(detection.window.box, FACE) > 0.5 for detection in found] == [True]


@pytest.mark.parametrize("roll_deg", [-40, 40])
def test_a_tilted_face_is_found_and_its_roll_told(detector: PhotoDetector, portrait: np.ndarray, roll_deg: int) -> None:
    middle = FACE.x + FACE.w / 2, FACE.y + FACE.h / 2
    matrix = cv2.getRotationMatrix2D(middle, -roll_deg, 1.0)
    tilted = cv2.warpAffine(portrait, matrix, (512, 512), borderMode=cv2.BORDER_REPLICATE)
    found = detector.search(tilted)
    assert [iou(detection.window.box, FACE) > 0.5 for detection in found] == [True]
    assert found[0].window.roll_deg == pytest.approx(roll_deg, abs=15)


def test_a_face_that_no_cascade_proposes_is_still_found(portrait: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ml.inference.faces.propose", lambda *_: [])
    found = PhotoDetector(FaceDetector()).search(portrait[:260, 60:380])
    assert [iou(detection.window.box, Box(106, 58, 112, 112)) > 0.5 for detection in found] == [True]


def test_cascades_find_a_face_that_the_first_pass_does_not_propose(
    portrait: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ml.inference.faces.propose", lambda *_: [])
    monkeypatch.setattr(FaceScanner, "scan", lambda *_: [])
    found = PhotoDetector(FaceDetector()).search(portrait[:260, 60:380])
    assert [iou(detection.window.box, Box(106, 58, 112, 112)) > 0.5 for detection in found] == [True]


def test_a_sure_face_spares_the_cascades_and_the_turned_copies(
    detector: PhotoDetector, portrait: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PhotoDetector, "by_cascades", None)
    monkeypatch.setattr(PhotoDetector, "_turned", None)
    assert len(detector.search(portrait)) == 1


def test_the_thorough_search_finds_a_face_that_nothing_proposes(
    portrait: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ml.inference.faces.propose", lambda *_: [])
    monkeypatch.setattr("ml.inference.thorough.propose", lambda *_: [])
    monkeypatch.setattr(FaceScanner, "scan", lambda *_: [])
    detector = PhotoDetector(FaceDetector())
    assert detector.search(portrait[:260, 60:380]) == []
    found = detector.search(portrait[:260, 60:380], thorough=True)
    assert [iou(detection.window.box, Box(106, 58, 112, 112)) > 0.5 for detection in found] == [True]


def test_effort_grows_with_doubt(portrait: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    """One large face is found by one pass; a picture without anybody is looked at more closely, and turned."""
    levels: list[float] = []
    scan = FaceScanner.scan

    def counted(self: FaceScanner, picture: Halves, scale: float, min_score: float) -> list[Detection]:
        levels.append(scale)
        return scan(self, picture, scale, min_score)

    monkeypatch.setattr(FaceScanner, "scan", counted)
    detector = PhotoDetector(FaceDetector())
    assert len(detector.search(portrait)) == 1
    sure, levels[:] = len(levels), []
    assert detector.search(np.full((512, 512), 90, np.uint8)) == []
    assert sure <= 8 < 20 < len(levels) <= 60


def test_a_group_of_small_faces(detector: PhotoDetector, portrait: np.ndarray) -> None:
    picture = np.full((900, 1400), 120, np.uint8)
    head = cv2.resize(portrait[10:220, 110:330], (70, 67), interpolation=cv2.INTER_AREA)
    for row in range(3):
        for column in range(6):
            picture[80 + 270 * row : 147 + 270 * row, 90 + 210 * column : 160 + 210 * column] = head
    assert len(detector.search(picture)) == 18


@pytest.mark.parametrize("roll_deg", [90, 180, -90])
def test_a_turned_portrait_is_found_upright(detector: PhotoDetector, portrait: np.ndarray, roll_deg: int) -> None:
    turned = np.ascontiguousarray(np.rot90(portrait, -roll_deg // 90))
    found = detector.search(turned)
    assert len(found) == 1
    assert abs((found[0].window.roll_deg - roll_deg + 180) % 360 - 180) < 20


def test_no_face_on_its_head_is_read_as_it_stands(detector: PhotoDetector, test_data: Path) -> None:
    """`python -m tests.bench.detection` counts them over composed scenes."""
    files = sorted(path for path in (test_data / "fer2013" / "train" / "happy").iterdir() if held_out(path))[:8]
    upright = 0
    for path in files:
        face = cv2.resize(decode_image(path.read_bytes()), (160, 160), interpolation=cv2.INTER_CUBIC)
        portrait = cv2.copyMakeBorder(face, 60, 60, 60, 60, cv2.BORDER_REPLICATE)
        leans = [
            abs((found.window.roll_deg + 180) % 360 - 180) for found in detector.search(portrait[::-1, ::-1].copy())
        ]
        assert all(lean > 120 for lean in leans), path
        upright += len(leans) == 1
    assert upright >= 4


@pytest.mark.parametrize(("width", "height"), [(1, 1), (48, 48), (640, 480), (300, 900)])
def test_laid_windows_cover_the_picture_and_stay_inside(width: int, height: int) -> None:
    windows = list(laid_windows(width, height))
    assert 5 <= len(windows) < 500
    for side in {window.side for window in windows}:
        of_size = [window for window in windows if window.side == side]
        assert min(window.x - side / 2 for window in of_size) == pytest.approx(0)
        assert max(window.x + side / 2 for window in of_size) == pytest.approx(width)
        assert max(window.y + side / 2 for window in of_size) == pytest.approx(height)


@pytest.mark.parametrize("roll_deg", [0, -30, 25])
def test_turning_can_be_reversed(portrait: np.ndarray, roll_deg: int) -> None:
    spot = np.zeros((200, 300), np.uint8)
    cv2.circle(spot, (220, 60), 5, 255, -1)
    turned, to_picture = turn(spot, roll_deg)
    y, x = np.argwhere(turned > 128).mean(axis=0)
    assert (to_picture @ [x, y, 1]).tolist() == pytest.approx([220, 60], abs=1)
