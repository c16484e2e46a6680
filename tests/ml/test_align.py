"""Training windows say truly how they must move, and the network learns from them."""

from __future__ import annotations

from pathlib import Path

import cv2
import keras
import numpy as np
import pytest

from ml.align import align_model, fit, make_windows
from ml.inference.align import PATCH_SIZE, held_out
from ml.training.composed import load_faces


@pytest.fixture(scope="module")
def faces() -> np.ndarray:
    """Not faces, but as easy to know: two dark eyes and a mouth on a bright ground."""
    face = np.full((48, 48), 200, np.uint8)
    cv2.circle(face, (15, 18), 4, 20, -1)
    cv2.circle(face, (33, 18), 4, 20, -1)
    cv2.rectangle(face, (16, 34), (32, 38), 60, -1)
    return np.stack([face] * 4)


@pytest.fixture(scope="module")
def backgrounds() -> list[np.ndarray]:
    return [np.random.default_rng(seed).integers(0, 256, (150, 200), np.uint8) for seed in range(3)]


def test_windows_are_seeded_and_weighed(faces: np.ndarray, backgrounds: list[np.ndarray]) -> None:
    windows, again = (make_windows(faces, backgrounds, 200, seed=1) for _ in range(2))
    assert windows.pixels.shape == (200, PATCH_SIZE, PATCH_SIZE, 1)
    assert np.array_equal(windows.pixels, again.pixels)
    assert 0.2 < windows.face.mean() < 0.5
    assert np.all(windows.face_weight[windows.face[:, 0] == 1] == 1)
    assert np.all(windows.pose[windows.pose_weight == 0][:, 0] <= 0.9)
    assert len((windows + again).pixels) == 400


def test_a_little_training_teaches_something(faces: np.ndarray, backgrounds: list[np.ndarray]) -> None:
    keras.utils.set_random_seed(0)
    windows = make_windows(faces, backgrounds, 768, seed=2)
    model = align_model()
    fit(model, windows, epochs=4, learning_rate=3e-3)
    answers = np.asarray(model(windows.pixels.astype(np.float32), training=True)["face"])[:, 0]
    on_face = windows.face[:, 0] == 1
    assert answers[on_face].mean() > answers[~on_face].mean() + 0.1


def test_held_out_and_odd_files_are_not_learned(tmp_path: Path) -> None:
    (tmp_path / "happy").mkdir()
    names = [f"{index}.jpg" for index in range(40)]
    for name in names:
        cv2.imwrite(str(tmp_path / "happy" / name), np.zeros((48, 48), np.uint8))
    cv2.imwrite(str(tmp_path / "happy" / "large.png"), np.zeros((60, 60), np.uint8))
    assert len(load_faces(tmp_path)) == sum(not held_out(Path(name)) for name in names)
    with pytest.raises(SystemExit, match="expected 48×48 face pictures"):
        load_faces(tmp_path / "happy")
