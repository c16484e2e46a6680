"""A close look is counted only as far as asked, with the result of the whole count."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from ml.inference.cascades import CLOSE_LOOK_PX, CloseCount, acceptances, close_look, load_cascade
from ml.inference.geometry import Window
from ml.inference.halves import Halves

NAMES = ("frontalface_alt2", "frontalface_default")


class Counted:
    """A cascade that counts its searches."""

    def __init__(self, name: str) -> None:
        self.cascade, self.searches = load_cascade(name), 0

    def detectMultiScale(self, *args: object) -> np.ndarray:
        self.searches += 1
        return self.cascade.detectMultiScale(*args)

    def getOriginalWindowSize(self) -> tuple[int, int]:
        return self.cascade.getOriginalWindowSize()


@pytest.fixture
def face(astronaut: np.ndarray) -> np.ndarray:
    """A close look at a face."""
    return close_look(Halves(astronaut), Window(277, 109, 110))


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_accepted_in_an_empty_close_look(name: str) -> None:
    count = CloseCount(load_cascade(name), np.full((2 * CLOSE_LOOK_PX,) * 2, 128, np.uint8))
    assert count.reaches(0)
    assert not count.reaches(1)
    assert count.so_far == 0


@pytest.mark.parametrize("name", NAMES)
def test_the_whole_count_is_near_that_of_one_search(name: str, face: np.ndarray) -> None:
    cascade = load_cascade(name)
    count, whole = CloseCount(cascade, face), acceptances(cascade, face)
    assert not count.reaches(1000)
    assert whole >= 8
    assert abs(count.so_far - whole) <= max(3, 0.25 * whole)


def test_a_count_ends_when_it_is_enough_and_goes_on_when_more_is_asked(face: np.ndarray) -> None:
    cascade = Counted("frontalface_alt2")
    count = CloseCount(cascade, face)  # type: ignore[arg-type]
    assert count.reaches(1)
    first, begun = count.so_far, cascade.searches
    assert count.reaches(first)
    assert cascade.searches == begun
    assert count.reaches(first + 1)
    assert count.so_far > first
    count.reaches(1000)
    everything = cascade.searches
    assert begun < everything
    assert not count.reaches(1000)
    assert cascade.searches == everything


@pytest.mark.parametrize("name", NAMES)
def test_a_face_beside_the_middle_does_not_count(name: str, astronaut: np.ndarray) -> None:
    beside = close_look(Halves(astronaut), Window(277 + 60, 109, 110))
    assert not CloseCount(load_cascade(name), cv2.GaussianBlur(beside, (3, 3), 0)).reaches(1)
