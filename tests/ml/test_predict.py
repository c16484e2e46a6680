"""The command: photos, folders and videos in, one table out; unreadable files are listed and do not end the run."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest

from ml.inference.formats import VIDEOS
from ml.predict import main
from tests.support.pictures import encoded, portrait, write_video
from tests.support.tables import read, read_failures
from tests.support.waiting import wait_until

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a portrait, an empty picture, a text that claims to be a photo, a short video and other files."""
    folder = tmp_path_factory.mktemp("pictures")
    (folder / "inner").mkdir()
    (folder / "a.jpg").write_bytes(encoded(portrait()))
    (folder / "inner" / "nobody.png").write_bytes(encoded(np.full((60, 60), 90, np.uint8), ".png"))
    (folder / "text.jpg").write_text("not a picture")
    (folder / "notes.txt").write_text("nothing to read here")
    (folder / "old.bmp").write_bytes(encoded(portrait(), ".bmp"))
    (folder / "phone.heic").write_bytes(bytes(100))
    (folder / "raw.nef").write_bytes(bytes(100))
    write_video(folder / "v.avi")
    return folder


def command(*arguments: str | Path, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "ml.predict", *map(str, arguments)],
        cwd=ROOT,
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_the_command_reads_everything_and_says_what_failed(
    pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "results.csv"
    assert main([str(pictures), "--out", str(out), "--jobs", "1"]) == 1
    assert {Path(row["source"]).name for row in read(out)} == {"a.jpg", "old.bmp", "v.avi"}
    assert {Path(failure["source"]).name for failure in read_failures(out)} == {"text.jpg", "phone.heic", "raw.nef"}
    told = capsys.readouterr().err
    assert "6 rows (one per face and frame) from 7 files, 3 unreadable" in told
    assert "text.jpg: expected" in told
    assert "phone.heic: expected a photo or video in a supported format, received a .heic file\n" in told
    assert told.count(VIDEOS) == 1, "the list of formats is printed once"
    assert {path.name for path in tmp_path.iterdir()} == {"results.csv", "results.errors.csv"}


def test_quiet_prints_nothing(pictures: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    paths = [str(pictures / "text.jpg"), str(pictures / "inner")]
    assert main([*paths, "--out", str(tmp_path / "r.JSON"), "--quiet"]) == 1
    assert capfd.readouterr() == ("", "")
    assert main([str(pictures / "inner"), "--out", str(tmp_path / "r.parquet"), "--quiet"]) == 0


@pytest.mark.parametrize(
    "arguments",
    [
        *([], ["--out", "r.csv"], ["x.jpg", "--out", "r.txt"], ["x.jpg", "--out", "r.csv", "--step", "0"]),
        *(["x.jpg", "--out", "r.csv", "--jobs", "-1"], ["x.jpg", "--out", "r.csv", "--jobs", "²"]),
        *(["x.jpg", "--out", "r.csv", "--engine", "x"], ["x.jpg", "--out", "r.csv", "--scheduler", "tcp://x:1"]),
    ],
)
def test_bad_arguments_exit_with_two(arguments: list[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(arguments)


@pytest.mark.parametrize(
    ("missing", "arguments"), [("pyarrow", ["--out", "r.parquet"]), ("dask", ["--out", "r.csv", "--engine", "dask"])]
)
def test_a_package_that_only_some_tables_and_engines_need_is_named(
    missing: str,
    arguments: list[str],
    pictures: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, missing, None)
    monkeypatch.delitem(sys.modules, "ml.batch.cluster", raising=False)
    before = set(tmp_path.iterdir())
    assert main([str(pictures), *arguments]) == 2
    assert f"expected the package {missing}, received none; install it with: pip install" in capsys.readouterr().err
    assert set(tmp_path.iterdir()) == before


def test_finished_work_is_never_dropped_and_its_absence_is_said(
    pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "r.csv"
    photo = [str(pictures / "a.jpg"), "--out", str(out), "--jobs", "1"]
    assert main([*photo, "--resume"]) == 0
    nothing, _ = capsys.readouterr().err.splitlines()
    assert nothing == f"Nothing to resume: {out}.progress has no finished work, so every file is read."
    before = out.read_bytes()
    assert main([*photo]) == 2
    assert f"expected --resume, because {out}.progress holds what an earlier run has read" in capsys.readouterr().err
    assert main([*photo, "--resume"]) == 0
    assert "Nothing to resume" not in capsys.readouterr().err
    assert out.read_bytes() == before

    out.write_text("name;grade\n")
    for arguments in ([], ["--resume"]):
        assert main([*photo, *arguments]) == 2
        told = capsys.readouterr().err
        assert f"expected to write {out}, received: another program's file, which is kept; name another --out" in told
    assert out.read_text() == "name;grade\n"


def test_a_folder_without_pictures_exits_with_two(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="2"):
        main([str(tmp_path), "--out", str(tmp_path / "r.csv")])


def test_paths_that_do_not_exist_exit_with_two_unless_others_do(
    pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "r.csv"
    missing = [str(tmp_path / f"none{number}.jpg") for number in range(7)]
    with pytest.raises(SystemExit, match="2"):
        main([*missing, "--out", str(out)])
    assert f"received paths that do not exist: {', '.join(missing[:5])} and 2 more\n" in capsys.readouterr().err
    assert not out.exists()
    assert main([missing[0], str(pictures / "inner"), "--out", str(out), "--quiet"]) == 1
    assert [failure["source"] for failure in read_failures(out)] == missing[:1]


def test_obstacles_are_reported_before_the_work(
    pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "r.csv").mkdir()
    (tmp_path / "e.errors.csv").mkdir()
    (tmp_path / "s.csv.progress").write_text("no database, and longer than the head of one would be" * 20)
    for arguments in (
        ["--out", str(tmp_path / "r.csv")],
        ["--out", str(tmp_path / "file" / "r.csv")],
        ["--out", "/proc/nowhere/r.json"],
        ["--out", "/proc/r.parquet"],
        ["--out", str(tmp_path / "e.csv")],
        ["--out", str(tmp_path / "s.csv"), "--resume"],
        ["--out", str(tmp_path / "t.csv"), "--model", str(tmp_path / "none.tflite")],
        ["--out", str(tmp_path / "t.csv"), "--engine", "dask", "--scheduler", "nonsense"],
    ):
        assert main([str(pictures), *arguments, "--quiet"]) == 2, arguments
        told = capsys.readouterr().err
        assert "expected" in told, arguments
        assert len(told.strip().splitlines()) == 1, told
        assert ".new" not in told, "the name of a draft says nothing to a user"
    assert not (tmp_path / "t.csv").exists()


@pytest.mark.parametrize(
    "environment",
    [
        {"PYTHONIOENCODING": "ascii"},
        {"PYTHONIOENCODING": "cp1252"},
        {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"},
    ],
)
def test_no_file_name_and_no_encoding_ends_a_run(tmp_path: Path, environment: dict[str, str]) -> None:
    folder = os.fsencode(tmp_path / "in")
    Path(os.fsdecode(folder)).mkdir()
    for name in (b"a.jpg", b"Caf\xe9.jpg", "表.png".encode(), b"new\nline.png", b"\xff.bmp"):
        Path(os.fsdecode(folder + b"/" + name)).write_text("broken")
    out = tmp_path / "results.csv"
    process = command(tmp_path / "in", "--out", out, "--jobs", "1", **environment)
    told = process.communicate(timeout=60)[1]
    assert process.returncode == 1, told
    assert "Traceback" not in told
    sources = [Path(failure["source"]).name for failure in read_failures(out)]
    assert sorted(sources) == sorted(["a.jpg", "Caf\\xe9.jpg", "表.png", "new\nline.png", "\\xff.bmp"])


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """120 short videos, 30 of them broken, and 30 tiny photos without anybody: much to do for little work."""
    folder = tmp_path_factory.mktemp("many")
    video = write_video(folder / "000.avi", frames=3, side=160).read_bytes()
    for number in range(120):
        (folder / f"{number:03d}.avi").write_bytes(b"broken" if number % 4 == 3 else video)
        if number % 4 == 0:
            (folder / f"{number:03d}.png").write_bytes(encoded(np.full((8, 8), 90, np.uint8), ".png"))
    return folder


@pytest.fixture(scope="module")
def expected(many: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[list, list]:
    """The table of an uninterrupted run."""
    out = tmp_path_factory.mktemp("whole") / "r.csv"
    assert main([str(many), "--out", str(out), "--quiet"]) == 1
    assert len(read_failures(out)) == 30
    return read(out), read_failures(out)


@pytest.fixture
def running(many: Path, tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], Path, list[psutil.Process]]]:
    """A run that has recorded something and is not finished, its table, and its processes."""
    out = tmp_path / "r.csv"
    process = command(many, "--out", out, "--jobs", "2", "--resume")
    try:
        wait_until(lambda: out.exists() and len(read(out)) > 1, 60)
        yield process, out, psutil.Process(process.pid).children(recursive=True)
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -9)])
def test_a_run_ends_with_its_processes_and_can_be_resumed(
    running: tuple[subprocess.Popen[str], Path, list[psutil.Process]],
    many: Path,
    expected: tuple[list, list],
    number: int,
    code: int,
) -> None:
    process, out, children = running
    assert len(children) >= 2
    os.kill(process.pid, number)
    told = process.communicate(timeout=60)[1]
    assert process.returncode == code
    # Two seconds on a machine that is not overloaded: `python -m tests.bench.batch resume` counts who is left then.
    _, alive = psutil.wait_procs(children, timeout=60)
    assert alive == []
    assert "Traceback" not in told
    if number != signal.SIGKILL:
        assert told.strip().splitlines()[-1].startswith("Interrupted")
    rows = read(out)
    assert rows == expected[0][: len(rows)]
    for _ in range(2):
        again = command(many, "--out", out, "--jobs", "2", "--resume")
        time.sleep(1.5)
        again.kill()
        again.communicate()
        assert read(out) == expected[0][: len(read(out))]
    assert main([str(many), "--out", str(out), "--resume", "--quiet"]) == 1
    assert (read(out), read_failures(out)) == expected


def test_two_runs_cannot_write_one_table(
    running: tuple[subprocess.Popen[str], Path, list[psutil.Process]], many: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    process, out, _ = running
    first = psutil.Process(process.pid)
    first.suspend()  # so that it does not end meanwhile
    try:
        for more in ([], ["--resume"]):
            assert main([str(many), "--out", str(out), "--quiet", *more]) == 2
            assert "the only run" in capsys.readouterr().err
    finally:
        first.resume()
