"""Commands that load TensorFlow answer `--help` and wrong options before it is loaded."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Start = Callable[..., "subprocess.CompletedProcess[str]"]

COMMANDS = {
    "export": ["{data}", "--out", "{out}"],
    "parity": ["--data", "{data}"],
    "calibrate": ["--data", "{data}", "--votes", "{data}/votes.csv"],
    "align": ["--data", "{data}"],
    "scan": ["--data", "{data}"],
}


@pytest.fixture
def run_without_keras(tmp_path: Path, root: Path) -> Start:
    """Runs a command whose import of Keras would end with an error."""
    (tmp_path / "keras.py").write_text("raise RuntimeError('Keras is loaded')")

    def start(command: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        environment = os.environ | {"PYTHONPATH": str(tmp_path)}
        line = [sys.executable, "-m", f"ml.{command}", *arguments]
        return subprocess.run(line, cwd=root, env=environment, capture_output=True, text=True, timeout=60)

    return start


@pytest.mark.parametrize("command", COMMANDS)
def test_help_needs_no_tensorflow(command: str, run_without_keras: Start) -> None:
    done = run_without_keras(command, "--help")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"usage: python -m ml.{command}")


@pytest.mark.parametrize(("command", "name"), [*((command, "none") for command in COMMANDS), ("parity", "x" * 300)])
def test_a_missing_input_is_named_in_one_sentence_before_tensorflow_is_loaded(
    command: str, name: str, tmp_path: Path, run_without_keras: Start
) -> None:
    given = [part.format(data=tmp_path / name, out=tmp_path) for part in COMMANDS[command]]
    done = run_without_keras(command, *given)
    assert done.returncode == 2
    assert done.stderr.startswith(f"ml.{command}: expected ")
    assert done.stderr.endswith(f"that exists, received {tmp_path}/{name}\n")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("command", COMMANDS)
def test_with_inputs_that_exist_the_work_begins(command: str, tmp_path: Path, run_without_keras: Start) -> None:
    (tmp_path / "votes.csv").touch()
    done = run_without_keras(command, *(part.format(data=tmp_path, out=tmp_path) for part in COMMANDS[command]))
    assert "Keras is loaded" in done.stderr
