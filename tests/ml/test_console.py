"""What every command shares: names of any bytes, outputs checked beforehand, whole files, Ctrl-C and full disks."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ml.console import OutputError, check_writable, printable, reason, scratch_directory, write_file, write_text

STATEMENTS = (
    "import pathlib, sys, time; from ml import console; from ml.console import *; path = pathlib.Path(sys.argv[1])\n"
)


OPTIONS = {
    "export": ["tests", "--out", "none"],
    "parity": ["--data", "tests"],
    "calibrate": ["--data", "tests", "--votes", "README.md"],
    "others": ["--data", "tests", "--out", "none"],
}
"""Options that name inputs that exist, so that the imports are reached."""


def start(body: str, *arguments: object, **environment: str) -> subprocess.Popen[bytes]:
    """A command whose main function has the body."""
    lines = "\n".join(f"    {line}" for line in body.splitlines())
    program = f"{STATEMENTS}def main():\n{lines}\n    return 0\nrun('the.command', main, 'go on like this')"
    return subprocess.Popen(
        [sys.executable, "-c", program, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=os.environ | environment,
    )


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        (b"Caf\xe9.jpg", "Caf\\xe9.jpg"),
        (b"\xff\xfe", "\\xff\\xfe"),
        ("é中.png".encode(), "é中.png"),
        (b"plain", "plain"),
    ],
)
def test_a_name_of_any_bytes_can_be_written(name: bytes, shown: str, tmp_path: Path) -> None:
    text = os.fsdecode(name)
    assert printable(text) == shown
    write_text(tmp_path / "out.txt", text)
    assert (tmp_path / "out.txt").read_text("utf-8") == shown


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (FileNotFoundError(2, "No such file or directory", "a/b"), "No such file or directory"),
        (
            ValueError("File format not supported: x.h5. Keras 3 only supports\nmany others."),
            "File format not supported: x.h5",
        ),
        (OSError("Unable to synchronously open file (file signature not found)"),) * 2,
        (ValueError("one\ntwo"), "one"),
    ],
)
def test_a_reason_has_neither_numbers_nor_advice(error: Exception, text: Exception | str) -> None:
    assert reason(error) == str(text)


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8"])
def test_output_is_utf8_whatever_the_terminal_says(encoding: str, tmp_path: Path) -> None:
    command = start(r"print('é \udce9 中')", tmp_path, PYTHONIOENCODING=encoding, PYTHONUTF8="0")
    out, errors = command.communicate(timeout=60)
    assert (command.returncode, errors) == (0, b"")
    assert out.decode("utf-8") == "é \\udce9 中\n"


def test_outputs_are_checked_and_nothing_is_left_behind(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    check_writable(tmp_path / "new" / "deep" / "a.json")
    check_writable(tmp_path / "new", folder=True)
    check_writable(tmp_path / "file")
    for path, folder in ((tmp_path, False), (tmp_path / "file", True), (Path("/proc/a"), False)):
        with pytest.raises(OutputError, match=r"expected a .*, received"):
            check_writable(path, folder)
    with pytest.raises(OutputError):
        check_writable(tmp_path / "file" / "below")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_file_that_does_not_fit_is_not_written(tmp_path: Path) -> None:
    """/dev/full takes the place of a full disk: every write to it fails with ENOSPC."""
    write_file(tmp_path / "a", b"before")
    (tmp_path / f".b.{os.getpid()}").symlink_to("/dev/full")
    with pytest.raises(OSError, match="No space left"):
        write_file(tmp_path / "b", b"x" * 100_000)
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert (tmp_path / "a").read_bytes() == b"before"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("open('/dev/full', 'w').write('x' * 100000)", "No space left on device; go on like this"),
        ("open(path / 'none' / 'a')", "expected files that can be read and written, received: No such file"),
        ("check_writable(path)", "expected a file to write to, received"),
    ],
)
def test_a_failing_disk_is_one_sentence(body: str, words: str, tmp_path: Path) -> None:
    command = start(body, tmp_path)
    _, errors = command.communicate(timeout=60)
    assert command.returncode == 2
    assert errors.decode().startswith("the.command: expected")
    assert words in errors.decode()
    assert errors.count(b"\n") == 1


@pytest.mark.parametrize(
    "busy",
    [
        "time.sleep(100)",
        "while True: sum(range(1000))",
        "import threading; threading.Thread(target=time.sleep, args=(100,)).start(); time.sleep(100)",
        "import numpy; a = numpy.ones((3000, 3000))\nfor _ in range(100): a = a @ a * 0",  # inside a library
    ],
)
def test_an_interrupt_is_answered_at_once_and_cleans_up(busy: str, tmp_path: Path) -> None:
    indented = "\n".join(f"    {line}" for line in busy.splitlines())
    body = f"with scratch_directory(path / 'out') as made:\n    (made / 'half').touch(); print(flush=True)\n{indented}"
    command = start(body, tmp_path)
    assert command.stdout is not None
    command.stdout.readline()
    time.sleep(0.2)
    command.send_signal(signal.SIGINT)
    _, errors = command.communicate(timeout=20)
    assert command.returncode == 130
    assert errors.decode().strip() == "the.command: stopped; go on like this"
    assert list(tmp_path.iterdir()) == []


def test_advice_may_depend_on_what_has_been_written(tmp_path: Path) -> None:
    body = "path.touch(); open('/dev/full', 'w').write('x' * 100000)"
    program = f"{STATEMENTS}def main():\n    {body}\nrun('the.command', main, lambda: f'{{path.exists()}}')"
    command = [sys.executable, "-c", program, str(tmp_path / "file")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.stderr == "the.command: expected room on the disk, received: No space left on device; True\n"


def test_scratch_is_beside_the_target_and_is_removed(tmp_path: Path) -> None:
    with scratch_directory(tmp_path / "deep" / "out") as scratch:
        assert scratch.parent == tmp_path / "deep"
    assert list((tmp_path / "deep").iterdir()) == []


@pytest.mark.parametrize(
    ("module", "moment"),
    [
        ("train", "libtensorflow_cc.so.2 [0]; generating link map"),
        ("export", "libtensorflow_cc.so.2 [0]; generating link map"),
        ("train", "| tensorflow.python.framework.dtypes"),
        ("parity", "| numpy._core.multiarray"),
        ("calibrate", "| numpy._core.multiarray"),
        ("align", "| numpy._core.multiarray"),
        ("scan", "| numpy._core.multiarray"),
        ("evaluate", "| numpy._core.multiarray"),
        ("data", "| numpy._core.multiarray"),
        ("predict", "| numpy._core.multiarray"),
    ],
)
@pytest.mark.skipif(sys.platform != "linux", reason="the loader of Linux says what it loads")
def test_ctrl_c_during_the_imports_ends_a_command_with_one_sentence(module: str, moment: str, root: Path) -> None:
    """Python and the loader report what is being imported; the signal is sent at that line, not after a time."""
    command = [sys.executable, "-X", "importtime", "-m", f"ml.{module}", *OPTIONS.get(module, OPTIONS["others"])]
    environment = os.environ | {"LD_DEBUG": "files", "KERAS_BACKEND": "tensorflow"}
    with subprocess.Popen(command, cwd=root, env=environment, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert any(moment in " ".join(line.split()) for line in process.stderr), "the import is not reached"
        process.send_signal(signal.SIGINT)
        errors = process.stderr.read()
    assert process.returncode == 130
    said = [line for line in errors.splitlines() if line and not re.match(r"\s*\d+:\s|import time:", line)]
    assert len(said) == 1
    assert said[0].startswith(f"ml.{module}: stopped")


@pytest.mark.parametrize("command", ["ml.data", "ml.evaluate", "ml.calibrate", "ml.export", "ml.scan", "ml.train"])
def test_a_package_that_is_not_installed_is_named(command: str, tmp_path: Path) -> None:
    """As in the environment of the server alone, which has no package for training."""
    for package in ("keras", "scipy", "sklearn"):
        (tmp_path / f"{package}.py").write_text(f"raise ModuleNotFoundError('none', name='{package}')")
    options = OPTIONS.get(command.removeprefix("ml."), OPTIONS["others"])
    arguments = ["audit", str(tmp_path), "--near"] if command == "ml.data" else options
    done = subprocess.run(
        [sys.executable, "-m", command, *arguments],
        cwd=Path(__file__).resolve().parents[2],
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 2, done.stderr
    assert "expected the package " in done.stderr
    assert "install it with: pip install -r requirements.txt" in done.stderr
    assert "Traceback" not in done.stderr
