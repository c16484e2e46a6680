"""The windows that the aligner learns from, its training, and its card."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import cv2
import keras
import numpy as np
import pytest

from ml.align import MEASURED_WINDOWS, align_model, fit, main, measure
from ml.data import DataError
from ml.inference.align import PATCH_SIZE, SHIPPED_ALIGNER, FaceAligner, held_out
from ml.inference.geometry import Window
from ml.training.composed import load_backgrounds, load_faces
from ml.training.windows import Windows, make_windows


@pytest.fixture(scope="module")
def faces() -> np.ndarray:
    """Drawn faces: two dark eyes and a mouth on a bright ground."""
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
    other = make_windows(faces, backgrounds, 200, seed=2)
    assert windows.pixels.shape == (200, PATCH_SIZE, PATCH_SIZE, 1)
    assert np.array_equal(windows.pixels, again.pixels)
    assert not np.array_equal(windows.pixels, other.pixels)
    assert 0.2 < windows.face.mean() < 0.5
    assert np.all(windows.face_weight[windows.face[:, 0] == 1] == 1)
    assert np.all(windows.pose[windows.pose_weight == 0][:, 0] <= 0.9)
    assert len((windows + again).pixels) == 400


def test_the_network_learns_to_tell_faces_from_other_windows(faces: np.ndarray, backgrounds: list[np.ndarray]) -> None:
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
    with pytest.raises(DataError, match="expected 48×48 face pictures"):
        load_faces(tmp_path / "happy")
    with pytest.raises(DataError, match=r"expected --backgrounds .* received none in .*nowhere"):
        load_backgrounds(tmp_path / "nowhere")


def test_measuring_compares_answers_with_windows_of_known_pose(
    faces: np.ndarray, backgrounds: list[np.ndarray]
) -> None:
    """The shipped aligner on windows whose true answers are replaced by its own has no error and no disagreement."""
    windows = make_windows(faces, backgrounds, 60, seed=3)
    aligner = FaceAligner()
    middle = Window(16, 16, 40)
    answers = [aligner.look(patch[..., 0], middle) for patch in windows.pixels]
    pose = [((to.x - 16) / 40, (to.y - 16) / 40, np.log(to.side / 40), np.radians(to.roll_deg)) for _, to in answers]
    accepted = np.array([[face > 0.5] for face, _ in answers], np.float32)
    ones = np.ones(60, np.float32)
    own = Windows(windows.pixels, accepted, ones, np.array(pose), ones)
    right = measure(SHIPPED_ALIGNER, own)
    assert (right["position_error"], right["log_scale_error"], right["turn_error_deg"]) == (0, 0, 0)
    assert (right["faces_accepted"], right["others_refused"]) == (1, 1)
    wrong = measure(SHIPPED_ALIGNER, replace(own, face=1 - accepted, pose=np.array(pose) + 0.5))
    assert (wrong["faces_accepted"], wrong["others_refused"]) == (0, 0)
    assert wrong["position_error"] == pytest.approx(0.5 * np.sqrt(2), abs=1e-3)
    assert wrong["turn_error_deg"] == pytest.approx(np.degrees(0.5), abs=0.01)


def test_measuring_updates_the_metrics_of_a_card_and_nothing_else(tmp_path: Path) -> None:
    for suffix in (".tflite", ".json"):
        shutil.copy(SHIPPED_ALIGNER.with_suffix(suffix), tmp_path)
    before = json.loads((tmp_path / "align.json").read_text())
    folder = tmp_path / "data" / "train" / "happy"
    folder.mkdir(parents=True)
    for index in range(40):
        noise = np.random.default_rng(index).integers(0, 256, (48, 48), np.uint8)
        cv2.imwrite(str(folder / f"{index}.jpg"), noise)
    assert main(["--data", str(tmp_path / "data"), "--measure", "--out", str(tmp_path)]) == 0
    after = json.loads((tmp_path / "align.json").read_text())
    metrics = after.pop("metrics")
    assert metrics["faces"] == sum(held_out(path) for path in folder.iterdir())
    assert metrics["windows"] == MEASURED_WINDOWS
    assert metrics.keys() > {"command", "commit", "faces_accepted", "others_refused", "position_error"}
    before.pop("metrics", None)
    assert after == before
