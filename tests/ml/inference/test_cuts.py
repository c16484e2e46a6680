"""A cut is recognised where the scene changes, and not where a person, the light or the camera moves."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from ml.inference.analyzer import Analyzer
from ml.inference.contract import Face, Region, Request
from ml.inference.cuts import compare
from ml.inference.tracks import Sight, Tracker
from tests.support.recordings import recorded

CUT_FRAME = 77
"""First frame of the sample clip's second person."""


@functools.cache
def gray_frames(path: Path) -> list[np.ndarray]:
    return [cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY) for frame in recorded(path)]


def cuts(frames: list[np.ndarray]) -> list[int]:
    """The frames that begin another scene."""
    found: list[int] = []
    view: bool | str = True
    for index, frame in enumerate(frames):
        view, is_cut = compare(frame, view)
        if is_cut:
            found.append(index)
    return found


@pytest.fixture(scope="module")
def sample(root: Path) -> list[np.ndarray]:
    return gray_frames(root / "static" / "examples" / "sample.webm")


def light(gain: float = 1.0, offset: float = 0.0, power: float = 1.0) -> Callable[[np.ndarray], np.ndarray]:
    return lambda gray: np.clip(255 * (gray / 255) ** power * gain + offset, 0, 255).astype(np.uint8)


def lamp(gray: np.ndarray) -> np.ndarray:
    """The light comes from one side: a tenth of it is left on the other."""
    return np.clip(gray * np.linspace(0.1, 1.7, gray.shape[1]), 0, 255).astype(np.uint8)


def moved(right: float = 0.0, down: float = 0.0, turn_deg: float = 0.0, zoom: float = 1.0) -> Callable:
    def move(gray: np.ndarray) -> np.ndarray:
        height, width = gray.shape
        matrix = cv2.getRotationMatrix2D((width / 2, height / 2), turn_deg, zoom)
        matrix[:, 2] += right * width, down * height
        return cv2.warpAffine(gray, matrix, (width, height), borderMode=cv2.BORDER_REFLECT)

    return move


def half_covered(gray: np.ndarray) -> np.ndarray:
    covered = gray.copy()
    covered[:, : gray.shape[1] // 2] = 60
    return covered


def test_the_first_picture_and_one_of_another_size_begin_no_scene(sample: list[np.ndarray]) -> None:
    view, is_cut = compare(sample[0])
    assert not is_cut
    assert not compare(sample[CUT_FRAME][:, :200], view)[1]


def test_the_one_cut_of_the_sample_clip_is_found_at_every_rate(sample: list[np.ndarray]) -> None:
    assert cuts(sample) == [CUT_FRAME]
    for step in (3, 15):
        assert cuts(sample[::step]) == [-(-CUT_FRAME // step)]


def test_a_dark_moment_between_two_scenes_hides_no_cut_and_is_none(sample: list[np.ndarray]) -> None:
    dark = [np.full_like(sample[0], level) for level in (4, 0, 2)]
    assert cuts([*sample[:3], *dark, *sample[3:6]]) == []
    assert cuts([*sample[:3], *dark, *sample[CUT_FRAME:][:3]]) == [6]


@pytest.mark.parametrize("name", ["again.mkv", "sorry.mkv", "two-people-turning-heads.gif"])
def test_motion_and_stalls_are_no_cuts(test_data: Path, name: str) -> None:
    frames = gray_frames(test_data / "video" / name)
    for step in (1, 3, 15, 50):
        assert cuts(frames[::step]) == []


@pytest.mark.parametrize(
    "change",
    [
        *(light(gain=0.1), light(gain=0.3), light(gain=2.5), light(offset=60), light(offset=-80), lamp),
        *(light(power=0.4), light(power=2.5), half_covered, lambda gray: cv2.blur(gray, (81, 1))),
        *(moved(0.05, 0.04), moved(0.15, 0.1), moved(turn_deg=10), moved(zoom=1.2)),
    ],
)
def test_another_light_a_shaken_camera_and_a_covered_half_are_no_cuts(test_data: Path, change: Callable) -> None:
    for name in ("again.mkv", "sorry.mkv", "two-people-turning-heads.gif"):
        frames = gray_frames(test_data / "video" / name)[:40:20]
        for before, now in ((frames[0], change(frames[1])), (change(frames[0]), frames[1])):
            assert cuts([before, now]) == []


@pytest.mark.parametrize("repeated", [0, 1])
def test_a_cut_where_a_connection_broke_is_seen_by_the_frame_before_it(
    analyzer: Analyzer, sample: list[np.ndarray], repeated: int
) -> None:
    """As the page goes on with another server: it sends the last frame once more, and what it knows of the faces."""

    def follow(tracker: Tracker, frames: range) -> tuple[Face, ...]:
        for index in frames:
            at_s = index / 10
            near, full_search = tracker.near(at_s), tracker.full_search_due(at_s)
            faces = tracker.update(analyzer.analyze_gray(sample[index], near, full_search, view=tracker.view), at_s)
        return faces

    first, second = (Tracker(random_share=lambda: 0.0, has_cuts=True) for _ in range(2))
    (face,) = follow(first, range(CUT_FRAME - 2, CUT_FRAME))
    region = Region.of(face.box, sample[0].shape[1], sample[0].shape[0])
    second.resume([Sight(1, region, (CUT_FRAME - 1) / 10, face.smoothed or ())], next_id=2)
    (after,) = follow(second, range(CUT_FRAME - repeated, CUT_FRAME + 1))
    assert (face.id, after.id) == (1, 1 + repeated)


def test_after_a_cut_faces_are_searched_everywhere(analyzer: Analyzer, sample: list[np.ndarray]) -> None:
    """And the answer has a view only where it was asked for."""
    first = analyzer.analyze_gray(sample[CUT_FRAME - 1], view=True)
    face = Region.of(first.faces[0].box, first.width, first.height)
    after = analyzer.analyze_gray(sample[CUT_FRAME], [face], full_search=False, view=first.view)
    assert (first.is_cut, after.is_cut, after.full_search, len(after.faces)) == (False, True, True, 1)
    assert [one.to_dict().get("is_cut") for one in (first, after)] == [None, True]
    assert analyzer.analyze(Request(cv2.imencode(".jpg", sample[0])[1].tobytes())).view == ""
