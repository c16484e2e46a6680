"""Which parts of a picture are searched beside known faces."""

from __future__ import annotations

import numpy as np
import pytest

from ml.inference.changes import EVERYWHERE, PARTIAL_SEARCHES, Plan, plan_search
from ml.inference.contract import Region
from ml.inference.detection import Detection
from ml.inference.faces import FaceDetector
from ml.inference.geometry import Window
from ml.inference.halves import Halves

FACE = Window(277, 109, 110)
"""Where the astronaut's face is at 640×480."""


@pytest.fixture
def room() -> np.ndarray:
    """A picture without anybody, `(480, 640)` uint8."""
    return np.tile(np.linspace(60, 160, 640), (480, 1)).astype(np.uint8)


def plan(gray: np.ndarray, earlier: Plan | None = None, *known: Window) -> Plan:
    return plan_search(Halves(gray), known, earlier.sketch if earlier else "")


def covers(areas: tuple[Region, ...], window: Window) -> bool:
    """Whether one of the areas of a 640×480 picture shows the whole window."""
    left, top = (window.x - window.side / 2) / 640, (window.y - window.side / 2) / 480
    right, bottom = (window.x + window.side / 2) / 640, (window.y + window.side / 2) / 480
    return any(a.x <= left and a.y <= top and right <= a.x + a.w and bottom <= a.y + a.h for a in areas)


@pytest.mark.parametrize("shape", [(1, 1), (1, 640), (480, 1), (20, 20), (480, 640), (641, 483)])
def test_everything_is_searched_first_and_nothing_in_the_same_picture_again(shape: tuple[int, int]) -> None:
    gray = np.random.default_rng(0).integers(150, 256, shape, np.uint8)
    first = plan(gray)
    assert first.areas == EVERYWHERE
    assert plan(gray, first).areas == ()


def test_noise_is_no_change(room: np.ndarray) -> None:
    noise = np.random.default_rng(0).normal(0, 8, room.shape)
    assert plan(np.clip(room + noise, 0, 255).astype(np.uint8), plan(room)).areas == ()


@pytest.mark.parametrize("side", [54, 110, 200])
def test_what_has_changed_is_searched_with_its_surroundings(room: np.ndarray, side: int) -> None:
    picture, window = room.copy(), Window(420, 250, side)
    picture[250 - side // 2 : 250 + side // 2, 420 - side // 2 : 420 + side // 2] += 20
    areas = plan(picture, plan(room)).areas
    assert covers(areas, window)
    assert sum(area.w * area.h for area in areas) < 0.5


def test_two_changes_far_apart_are_two_areas(room: np.ndarray) -> None:
    picture = room.copy()
    picture[20:100, 20:100] += 20
    picture[380:460, 540:620] += 20
    assert len(plan(picture, plan(room)).areas) == 2


def test_the_place_of_a_known_face_is_not_searched(room: np.ndarray) -> None:
    picture = room.copy()
    picture[210:290, 380:460] += 20
    assert plan(picture, plan(room), Window(420, 250, 100)).areas == ()


def test_a_change_of_everything_is_searched_everywhere(room: np.ndarray) -> None:
    assert plan(room + 30, plan(room)).areas == EVERYWHERE


def test_a_slow_change_adds_up(room: np.ndarray) -> None:
    last, searched = plan(room), []
    for step in (1, 2, 3, 4):
        picture = room.copy()
        picture[200:300, 300:400] += 2 * step
        last = plan(picture, last)
        searched.append(bool(last.areas))
    assert searched == [False, False, True, False]


def test_a_dark_picture_is_searched_everywhere(room: np.ndarray) -> None:
    dark = (room * 0.25).astype(np.uint8)
    assert plan(dark, plan(dark)).areas == EVERYWHERE


def test_everything_is_searched_again_after_a_few_searches(room: np.ndarray) -> None:
    last, areas = plan(room), []
    for _ in range(PARTIAL_SEARCHES + 2):
        last = plan(room, last)
        areas.append(last.areas)
    assert areas == [()] * PARTIAL_SEARCHES + [EVERYWHERE, ()]


def test_the_sketch_of_a_picture_of_another_size_is_not_used(room: np.ndarray) -> None:
    assert plan(np.ascontiguousarray(room.T), plan(room)).areas == EVERYWHERE


def test_a_face_that_comes_is_found_and_a_still_picture_costs_no_scan(
    room: np.ndarray, astronaut: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    detector, portrait = FaceDetector(), astronaut[0:220, 120:440]
    room[240:460, 20:340] = portrait
    person = Region(0.23, 0.58, 0.2, 0.2)
    (face,), sketch = detector.update(room, [person], full_search=True)
    near = [Region.of(face.window.box, 640, 480)]
    crowd = room.copy()
    crowd[20:240, 300:620] = portrait
    found, _ = detector.update(crowd, near, full_search=sketch)
    assert len(found) == 2
    monkeypatch.setattr(detector.scanner, "overview", lambda *_: pytest.fail("a still picture was scanned"))
    assert len(detector.update(room, near, full_search=sketch)[0]) == 1


def test_a_change_that_is_a_part_of_a_known_face_costs_no_close_look(
    room: np.ndarray, astronaut: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    detector = FaceDetector()
    room[240:460, 20:340] = astronaut[0:220, 120:440]
    (face,), sketch = detector.update(room, [Region(0.23, 0.58, 0.2, 0.2)], full_search=True)
    window = face.window
    aside = Window(window.x + 0.5 * window.side, window.y, window.side)
    monkeypatch.setattr("ml.inference.faces.plan_search", lambda *_: Plan(EVERYWHERE, sketch))
    monkeypatch.setattr(
        detector.scanner, "overview", lambda half, *_: [Detection(aside.scaled(half.gray.shape[1] / 640), 0.8)]
    )
    monkeypatch.setattr("ml.inference.sweep.close_look", lambda *_: pytest.fail("a close look at a known face"))
    near = [Region.of(window.box, 640, 480)]
    assert len(detector.update(room, near, full_search=sketch)[0]) == 1
