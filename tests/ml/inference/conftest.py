"""A stand-in for the network, and pictures with and without a face."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import cv2
import numpy as np
import pytest
from skimage import data

from ml.inference.analyzer import Analyzer
from ml.inference.contract import EMOTIONS


class FakeModel:
    """Answers `happy` with certainty and remembers what it was shown."""

    def __init__(self) -> None:
        self.seen: list[np.ndarray] = []

    @property
    def info(self) -> Mapping[str, Any]:
        return {"name": "fake", "version": "00000000"}

    @property
    def classes(self) -> tuple[str, ...]:
        return EMOTIONS

    def predict(self, crops: np.ndarray | list[np.ndarray]) -> np.ndarray:
        self.seen += list(crops)
        answers = np.zeros((len(crops), len(EMOTIONS)), np.float32)
        answers[:, EMOTIONS.index("happy")] = 1
        return answers

    def is_uncertain(self, probabilities: Sequence[float]) -> bool:
        return max(probabilities) < 0.5


@pytest.fixture
def model() -> FakeModel:
    return FakeModel()


@pytest.fixture
def analyzer(model: FakeModel) -> Analyzer:
    made = Analyzer(model)
    made.warm_up()
    model.seen.clear()
    return made


@pytest.fixture(scope="session")
def astronaut() -> np.ndarray:
    """A portrait at 640×480, grey: one face, and a helmet that others take for a second."""
    return cv2.resize(cv2.cvtColor(data.astronaut(), cv2.COLOR_RGB2GRAY), (640, 480), interpolation=cv2.INTER_AREA)


@pytest.fixture(scope="session")
def astronaut_jpeg(astronaut: np.ndarray) -> bytes:
    return cv2.imencode(".jpg", astronaut)[1].tobytes()
