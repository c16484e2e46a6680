"""Several processes train one network: what each of them gives, and that the result is that of one process."""

from __future__ import annotations

import importlib.util
import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from ml.data import DataError
from ml.train import main
from ml.training.augment import Augmentation
from ml.training.batches import Batches
from ml.training.processes import Processes

ROOT = Path(__file__).resolve().parents[3]
NEEDS_JAX = pytest.mark.skipif(importlib.util.find_spec("jax") is None, reason="needs JAX: pip install jax")


def epoch(processes: Processes) -> list[tuple[np.ndarray, np.ndarray]]:
    images = np.random.default_rng(0).integers(0, 256, (23, 48, 48), dtype=np.uint8)
    targets = {"original": np.eye(23, dtype=np.float32)}
    batches = Batches(images, targets, 8, Augmentation(), 0, 0, processes=processes)
    return [batches[index][:2] for index in range(len(batches))]


def test_the_slices_of_all_processes_are_the_batches_of_one() -> None:
    alone, first, second = (epoch(place) for place in (Processes(), Processes(0, 2, 2), Processes(1, 2, 2)))
    assert [len(images) for images, _ in alone] == [8, 8, 7]
    assert [len(images) for images, _ in first] == [4, 4, 3], "one picture is left out: two devices do not divide 7"
    for whole, left, right in zip(alone, first, second, strict=True):
        for expected, *slices in zip(whole, left, right, strict=True):
            joined = np.concatenate(slices)
            assert np.array_equal(joined, expected[: len(joined)])


def test_a_batch_that_the_devices_do_not_divide_is_refused() -> None:
    with pytest.raises(DataError, match="divisible by the 3 devices of all processes, received 8"):
        Processes(0, 3, 3).divisible(23, 8)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (("localhost:1", "two", "0"), "an index from 0 below their number, received localhost:1 two 0"),
        (("localhost:1", "2", "-1"), "an index from 0 below their number, received localhost:1 2 -1"),
        (("localhost", "2", "0"), "expected --distributed HOST:PORT PROCESSES INDEX"),
        (("localhost:1", "2", "0"), "expected KERAS_BACKEND=jax with --distributed, received tensorflow"),
    ],
)
@pytest.mark.skipif(os.environ.get("KERAS_BACKEND", "tensorflow") != "tensorflow", reason="the last row's backend")
def test_a_place_that_cannot_be_taken_is_one_sentence(
    given: tuple[str, ...], words: str, pattern_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(["--data", str(pattern_data), "--out", str(tmp_path / "run"), "--distributed", *given])
    assert code == 2
    assert words in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


@pytest.fixture
def in_float64(tmp_path: Path) -> dict[str, str]:
    """The environment of processes whose networks calculate in float64, on the processor.

    In float32, Adam turns the rounding of sums in another order into differences of up to 1e-3.
    """
    home = tmp_path / "keras"
    home.mkdir()
    (home / "keras.json").write_text(json.dumps({"floatx": "float64", "backend": "jax"}))
    return os.environ | {
        "KERAS_HOME": str(home),
        "KERAS_BACKEND": "jax",
        "JAX_PLATFORMS": "cpu",
        "JAX_ENABLE_X64": "1",
        "JAX_DISABLE_MOST_OPTIMIZATIONS": "1",  # half of the time goes into compiling
    }


def start(environment: dict[str, str], *arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.support.in_float64", *map(str, arguments)],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def pair(environment: dict[str, str], *arguments: object) -> list[subprocess.Popen[str]]:
    with socket.create_server(("localhost", 0)) as reserved:
        address = f"localhost:{reserved.getsockname()[1]}"
    return [start(environment, *arguments, "--distributed", address, 2, index) for index in (0, 1)]


@NEEDS_JAX
@pytest.mark.timeout(600)
def test_two_processes_train_the_weights_of_one(pattern_data: Path, tmp_path: Path, in_float64: dict[str, str]) -> None:
    """126 pictures in batches of 16, so that the last batch is a short one."""
    options = ["--data", pattern_data, "--batch-size", 16, "--epochs", 2, "--out"]
    started = [start(in_float64, *options, tmp_path / "alone"), *pair(in_float64, *options, tmp_path / "together")]
    outputs = [process.communicate(timeout=300) for process in started]
    assert [process.returncode for process in started] == [0, 0, 0], [errors for _, errors in outputs]
    assert "Epoch 2" in outputs[1][0]
    assert "Epoch" not in outputs[2][0], "the first process alone reports"
    alone, together = (np.load(tmp_path / run / "epoch-002.npz") for run in ("alone", "together"))
    assert alone.files == together.files
    assert max(np.abs(alone[name] - together[name]).max() for name in alone.files if alone[name].size) < 1e-12
    assert json.loads((tmp_path / "together" / "config.json").read_text())["processes"] == 2


@NEEDS_JAX
@pytest.mark.timeout(600)
def test_the_end_of_a_process_ends_the_others(pattern_data: Path, tmp_path: Path, in_float64: dict[str, str]) -> None:
    both = pair(in_float64, "--data", pattern_data, "--batch-size", 16, "--epochs", 1000, "--out", tmp_path / "run")
    try:
        assert both[0].stdout
        for line in both[0].stdout:
            if line.startswith("Epoch 2"):
                break
        both[1].kill()
        _, errors = both[0].communicate(timeout=300)
    finally:
        for process in both:
            process.kill()
            process.communicate()
    assert both[0].returncode == 2, errors
    assert "expected every process of this training to go on, received the end of one" in errors
    assert "Traceback" not in errors
    assert (tmp_path / "run" / "state.json").exists()
