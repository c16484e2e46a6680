"""`make run` serves, and what is missing on a machine is said in one sentence."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests

from tests.support.serving import free_port

ROOT = Path(__file__).resolve().parent.parent
OUTSIDE = {
    name: value for name, value in os.environ.items() if name not in {"MAKEFLAGS", "MFLAGS", "MAKELEVEL", "ARGS"}
}
"""The environment without what a `make test` round these tests hands on to every `make` in them."""


@pytest.fixture(scope="module")
def make() -> str:
    found = shutil.which("make")
    if found is None:
        pytest.skip("needs make: expected it on the PATH")
    return found


def script(path: Path, *lines: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(["#!/bin/sh", *lines]) + "\n")
    path.chmod(0o755)


@pytest.fixture
def environment(tmp_path: Path) -> Path:
    """An environment that counts as installed and runs this test's own Python."""
    binaries = tmp_path / "venv" / "bin"
    script(binaries / "python", f'exec "{sys.executable}" "$@"')
    script(binaries / "gunicorn", f'exec "{sys.executable}" -m gunicorn "$@"')
    (binaries / ".serving").touch()
    (binaries / ".everything").touch()
    return tmp_path / "venv"


def sentence(make: str, *arguments: str, path: Path | None = None) -> str:
    """What a `make` that must fail says, beside the log and make's own closing line."""
    variables = OUTSIDE | ({"PATH": str(path)} if path else {})
    done = subprocess.run([make, *arguments], cwd=ROOT, env=variables, capture_output=True, text=True, timeout=60)
    assert done.returncode != 0
    said = [line for line in (done.stdout + done.stderr).splitlines() if not line.startswith(("make: ", "["))]
    assert len(said) == 1, f"expected one sentence, received {said}"
    return said[0]


def test_run_serves_on_the_port_named(make: str, environment: Path) -> None:
    port = free_port()
    command = [make, "run", f"VENV={environment}", f"PORT={port}"]
    server = subprocess.Popen(
        command,
        cwd=ROOT,
        env=OUTSIDE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    try:
        assert server.stdout is not None
        assert server.stdout.readline() == f"Open http://localhost:{port} (Ctrl-C stops it)\n"
        deadline = time.monotonic() + 60
        status = 0
        while status != 200 and time.monotonic() < deadline:
            try:
                status = requests.get(f"http://localhost:{port}/readyz", timeout=5).status_code
            except requests.ConnectionError:
                time.sleep(0.1)
        assert status == 200
    finally:
        os.killpg(server.pid, signal.SIGINT)
        server.communicate(timeout=30)


def test_a_taken_port_is_one_sentence(make: str, environment: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = sentence(make, "run", f"VENV={environment}", f"PORT={port}")
    assert said.startswith(f"Settings: port {port} cannot be used")
    assert f"PORT={port + 1}" in said


def test_a_port_that_is_none_is_one_sentence(make: str, environment: Path) -> None:
    said = sentence(make, "run", f"VENV={environment}", "PORT=http")
    assert said == "Settings: PORT: expected a whole number from 1 to 65535, received 'http'"


def test_no_python_is_one_sentence(make: str, tmp_path: Path) -> None:
    said = sentence(make, "run", f"VENV={tmp_path / 'venv'}", path=tmp_path)
    assert said == "Python 3.11, 3.12 or 3.13 is needed, and none is on the PATH."


def test_a_python_of_another_version_is_not_taken(make: str, tmp_path: Path) -> None:
    script(tmp_path / "bin" / "python3", "exit 1")
    said = sentence(make, "run", f"VENV={tmp_path / 'venv'}", path=tmp_path / "bin")
    assert said.startswith("Python 3.11, 3.12 or 3.13 is needed")


def test_a_python_without_venv_is_one_sentence(make: str, tmp_path: Path) -> None:
    script(tmp_path / "bin" / "python3", 'case "$2" in *ensurepip*) exit 1;; esac')
    said = sentence(make, "run", f"VENV={tmp_path / 'venv'}", path=tmp_path / "bin")
    assert "apt-get install python3-venv" in said


def test_a_missing_browser_is_one_sentence(make: str, environment: Path, tmp_path: Path) -> None:
    script(tmp_path / "bin" / "id", "echo 1000")
    said = sentence(make, "browser", f"VENV={environment}", "CHROMIUM=", path=tmp_path / "bin")
    assert "apt-get install chromium" in said


def test_training_asks_for_the_pictures_before_it_installs(make: str, environment: Path) -> None:
    (environment / "bin" / ".everything").unlink()
    assert "make train DATA=" in sentence(make, "train", f"VENV={environment}", "DATA=")
