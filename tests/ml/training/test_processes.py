"""Several processes train one network: what each of them gives, and that the result is that of one process."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from ml.data import DataError
from ml.train import main
from ml.training.augment import Augmentation
from ml.training.batches import Batches
from ml.training.processes import LOST, Processes

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


def start(environment: dict[str, str], module: str, *arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", module, *map(str, arguments)],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def train(environment: dict[str, str], *arguments: object) -> subprocess.Popen[str]:
    return start(environment, "tests.support.in_float64", *arguments)


def train_in_a_pair(environment: dict[str, str], *arguments: object) -> list[subprocess.Popen[str]]:
    address = free_address()
    return [train(environment, *arguments, "--distributed", address, 2, index) for index in (0, 1)]


def free_address() -> str:
    with socket.create_server(("localhost", 0)) as reserved:
        return f"localhost:{reserved.getsockname()[1]}"


def until(process: subprocess.Popen[str], beginning: str) -> None:
    """Wait for a line of its output."""
    assert process.stdout
    assert any(line.startswith(beginning) for line in process.stdout), process.communicate()[1]


@contextlib.contextmanager
def ended(processes: list[subprocess.Popen[str]]) -> Iterator[None]:
    """None of them is left afterwards, nor its pipes."""
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.communicate()


@NEEDS_JAX
@pytest.mark.timeout(600)
def test_a_pair_that_lost_process_0_ends_and_then_trains_the_weights_of_one(
    pattern_data: Path, tmp_path: Path, in_float64: dict[str, str]
) -> None:
    """126 pictures in batches of 16, so that the last batch is a short one."""
    options = ["--data", pattern_data, "--batch-size", 16, "--out"]
    cut = train_in_a_pair(in_float64, *options, tmp_path / "together", "--epochs", 1000)
    with ended(cut):
        until(cut[0], "Epoch 2")
        cut[0].kill()
        _, errors = cut[1].communicate(timeout=300)
        assert cut[1].returncode == 2, errors
        assert errors.count(LOST) == 1
        assert "Traceback" not in errors
        assert "terminate called" not in errors
    done = len(json.loads((tmp_path / "together" / "state.json").read_text())["history"])
    assert 0 < done < 1000
    more = ["--epochs", done + 1]
    alone = train(in_float64, *options, tmp_path / "alone", *more)
    started = [alone, *train_in_a_pair(in_float64, *options, tmp_path / "together", *more, "--resume")]
    with ended(started):
        outputs = [process.communicate(timeout=300) for process in started]
    assert [process.returncode for process in started] == [0, 0, 0], [errors for _, errors in outputs]
    assert f"Epoch {done + 1}" in outputs[1][0]
    assert f"Epoch {done} " not in outputs[1][0]
    assert "Epoch" not in outputs[2][0], "the first process alone reports"
    one, two = (np.load(tmp_path / run / f"epoch-{done + 1:03d}.npz") for run in ("alone", "together"))
    assert one.files == two.files
    assert max(np.abs(one[name] - two[name]).max() for name in one.files if one[name].size) < 1e-12
    assert json.loads((tmp_path / "together" / "config.json").read_text())["processes"] == 2


@pytest.fixture
def quiet(in_float64: dict[str, str]) -> dict[str, str]:
    return in_float64 | {"TF_CPP_MIN_LOG_LEVEL": "3"}


@NEEDS_JAX
@pytest.mark.timeout(300)
def test_a_process_that_is_told_to_end_ends_and_so_does_process_0(quiet: dict[str, str]) -> None:
    """JAX would catch SIGTERM and go on."""
    address = free_address()
    both = [start(quiet, "tests.support.in_step", address, 2, index) for index in (0, 1)]
    with ended(both):
        for process in both:
            until(process, "met")
        both[1].terminate()
        outputs = [process.communicate(timeout=120) for process in both]
    assert [process.returncode for process in both] == [2, -signal.SIGTERM], outputs
    assert outputs[0][1] == f"tests.support.in_step: {LOST}\n"


@NEEDS_JAX
@pytest.mark.timeout(300)
def test_processes_that_do_not_all_come_are_one_sentence(quiet: dict[str, str]) -> None:
    address = free_address()
    only = start(quiet, "tests.support.in_step", address, 2, 0, 1)
    with ended([only]):
        _, errors = only.communicate(timeout=120)
    assert only.returncode == 2, errors
    expected = f"expected 2 processes with the indices 0 to 1 that meet at {address} within 1 s"
    assert errors == f"tests.support.in_step: {expected}, received fewer, or one twice\n"
