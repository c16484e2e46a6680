"""Small data sets of real files, made in the test's own folder."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import cv2
import numpy as np
import pytest

from ml.inference.contract import EMOTIONS

Fill = Callable[..., None]


@pytest.fixture
def fill() -> Fill:
    """Write a split: `each` different 48×48 pictures, `0.png` onwards, in a folder per emotion."""

    def write(split: Path, names: Mapping[str, str] | None = None, each: int = 2) -> None:
        rng = np.random.default_rng(0)
        for emotion in EMOTIONS:
            folder = split / (names or {}).get(emotion, emotion)
            folder.mkdir(parents=True)
            for number in range(each):
                coarse = rng.integers(0, 256, (6, 6), np.uint8)
                cv2.imwrite(str(folder / f"{number}.png"), cv2.resize(coarse, (48, 48), interpolation=cv2.INTER_CUBIC))

    return write
