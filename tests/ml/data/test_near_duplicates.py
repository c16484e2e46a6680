"""A photograph is recognised in another light, mirrored or compressed; different photographs are not confused."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from ml.data import load_pictures
from ml.data.near_duplicates import connected, near_pairs


def test_near_pairs_of_nothing_are_none() -> None:
    assert near_pairs(np.empty((0, 48, 48), np.uint8)).shape == (0, 2)
    assert near_pairs(np.zeros((5, 48, 48), np.uint8)).shape == (0, 2), "flat pictures resemble nothing"


def test_near_pairs_survive_light_mirror_and_compression() -> None:
    rng = np.random.default_rng(3)
    faces = [
        cv2.resize(rng.integers(0, 200, (7, 7), np.uint8), (48, 48), interpolation=cv2.INTER_CUBIC) for _ in range(30)
    ]
    mirrored = faces[3][:, ::-1]
    lighter = cv2.convertScaleAbs(faces[5], alpha=0.7, beta=60)
    compressed = cv2.imdecode(cv2.imencode(".jpg", faces[7], [cv2.IMWRITE_JPEG_QUALITY, 30])[1], cv2.IMREAD_GRAYSCALE)
    images = np.stack([*faces, mirrored, lighter, compressed])
    assert near_pairs(images, block=8).tolist() == [[3, 30], [5, 31], [7, 32]]


def test_real_faces_are_told_apart(test_data: Path) -> None:
    """Every pair among 3,589 real faces is one photograph twice: at least half of them to the pixel."""
    images = load_pictures(test_data / "fer2013", "test").images
    pairs = near_pairs(images)
    exact = sum(np.array_equal(images[first], images[second]) for first, second in pairs)
    assert 20 <= len(pairs) <= 200
    assert exact >= len(pairs) / 3


def test_pairs_connect_into_groups() -> None:
    assert connected(3, np.empty((0, 2), np.int64)) == []
    assert connected(6, np.array([[0, 3], [3, 5], [1, 2]])) == [[0, 3, 5], [1, 2]]
