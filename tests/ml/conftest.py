"""A tiny folder data set that a network can learn: each class is a stripe pattern of its own."""

from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from ml.inference.contract import EMOTIONS

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def draw_pattern(label: int, rng: np.random.Generator) -> np.ndarray:
    """A 48 px picture whose stripes turn with the label, in noise."""
    y, x = np.mgrid[0:48, 0:48]
    angle = np.pi * label / len(EMOTIONS)
    stripes = np.sin((x * np.cos(angle) + y * np.sin(angle)) / 2.5 + rng.uniform(0, 6))
    return np.clip(128 + 80 * stripes + rng.normal(0, 15, (48, 48)), 0, 255).astype(np.uint8)


@pytest.fixture(scope="session")
def pattern_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`train/` with 20 and `test/` with 6 pictures of each class, and `votes.csv` in which people agree with them."""
    root = tmp_path_factory.mktemp("patterns")
    rng = np.random.default_rng(0)
    rows = [",".join(("file", *EMOTIONS, "unknown"))]
    for split, count in (("train", 20), ("test", 6)):
        for label, name in enumerate(EMOTIONS):
            folder = root / split / name
            folder.mkdir(parents=True)
            for index in range(count):
                cv2.imwrite(str(folder / f"{index:02d}.png"), draw_pattern(label, rng))
                votes = [9 if emotion == name else 0 for emotion in EMOTIONS]
                rows.append(",".join(map(str, (f"{split}/{name}/{index:02d}.png", *votes, 1))))
    (root / "votes.csv").write_text("\n".join(rows) + "\n")
    return root
