"""The training data of the scanning network, and its training."""

from __future__ import annotations

import argparse
from pathlib import Path

import keras
import numpy as np
import pytest

from ml import scan
from ml.data import DataError
from ml.inference.geometry import Window
from ml.inference.scan import FACE_PX, FIRST_CENTER_PX, STRIDE_PX
from ml.scan import BATCH, CELLS, batches, loss, scan_model, targets


def test_targets_without_a_face_are_zero() -> None:
    assert not targets(()).any()


def test_cells_on_a_face_have_its_window_as_target() -> None:
    x = y = FIRST_CENTER_PX + 10 * STRIDE_PX
    wanted = targets([Window(x + 2.0, y, 1.2 * FACE_PX, 20)])
    assert wanted[10, 10] == pytest.approx([1, 2 / FACE_PX, 0, np.log(1.2), np.radians(20), 1], abs=1e-6)
    assert wanted[10, 12, 0] == -1
    assert not wanted[0, 0].any()


@pytest.mark.parametrize(
    "face", [Window(43, 43, 3 * FACE_PX), Window(43, 43, FACE_PX, 180), Window(43, 43, FACE_PX / 3)]
)
def test_other_sizes_and_upside_down_are_no_face(face: Window) -> None:
    assert not (targets([face])[..., 0] > 0).any()


def test_batches_depend_on_seed_and_number_alone() -> None:
    faces = np.random.default_rng(0).integers(0, 256, (3, 48, 48), np.uint8)
    backgrounds = [np.full((200, 200), 90, np.uint8)]
    walk = batches(faces, backgrounds, 5, 0)
    next(walk)
    pictures, wanted = next(walk)
    again, _ = next(batches(faces, backgrounds, 5, 1))
    assert np.array_equal(pictures, again)
    assert pictures.shape == (BATCH, 96, 96, 1)
    assert wanted.shape == (BATCH, CELLS, CELLS, 6)


def test_the_loss_falls_on_one_batch() -> None:
    keras.utils.set_random_seed(0)
    faces = np.random.default_rng(0).integers(0, 256, (3, 48, 48), np.uint8)
    pictures, wanted = next(batches(faces, [np.full((200, 200), 90, np.uint8)], 0, 0))
    model = scan_model((96, 96))
    model.compile(keras.optimizers.Adam(2e-3), loss=loss)
    losses = [float(model.train_on_batch(pictures[:8], wanted[:8])) for _ in range(12)]
    assert losses[-1] < 0.7 * losses[0]


def test_an_interrupted_run_continues_from_its_last_whole_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    faces = np.random.default_rng(0).integers(0, 256, (3, 48, 48), np.uint8)
    monkeypatch.setattr(scan, "load_faces", lambda folder: faces)
    monkeypatch.setattr(scan, "load_backgrounds", lambda folder: [np.full((200, 200), 90, np.uint8)])
    monkeypatch.setattr(scan, "BATCH", 2)
    monkeypatch.setattr(scan, "STEPS_PER_EPOCH", 1)

    def run(out: Path, steps: int = 3, seed: int = 4) -> list[np.ndarray]:
        keras.utils.set_random_seed(seed)
        options = argparse.Namespace(data=tmp_path, backgrounds=None, out=out, steps=steps, seed=seed)
        return scan.train(options)[0].get_weights()

    whole = run(tmp_path / "whole")
    save = keras.Model.save

    def save_half(model: keras.Model, path: Path) -> None:
        if "-3." not in path.name:
            return save(model, path)
        path.write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(keras.Model, "save", save_half)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "cut")
    monkeypatch.setattr(keras.Model, "save", save)
    with pytest.raises(DataError, match=r"expected .*'seed': 5.* received .*'seed': 4"):
        run(tmp_path / "cut", seed=5)
    for resumed, uninterrupted in zip(run(tmp_path / "cut"), whole, strict=True):
        np.testing.assert_array_equal(resumed, uninterrupted)
    assert sorted(path.name for path in (tmp_path / "cut").iterdir()) == ["scan.training-3.keras", "scan.training.json"]
