"""A run on the workers of a scheduler of its own: the same table, also when one of them is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from ml.batch.cluster import DaskEngine
from ml.batch.engines import Crash, Engine, EngineError, LocalEngine
from ml.batch.job import Job
from ml.batch.progress import Progress
from ml.batch.record import Record
from ml.batch.rows import columns_for
from ml.batch.sources import find_sources
from ml.batch.tasks import Settings, Task, parts_of
from ml.batch.writers import open_table
from ml.inference.contract import EMOTIONS
from tests.support.fake_reading import run, write_tree
from tests.support.serving import free_port
from tests.support.tables import read, read_failures
from tests.support.waiting import wait_until

ROOT = Path(__file__).resolve().parents[3]
SETTINGS = Settings("model.tflite", "00000000")


def start(folder: Path, name: str, *arguments: str) -> subprocess.Popen[bytes]:
    with (folder / f"{name}.log").open("wb") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "distributed.cli.dask_" + name, *arguments],
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore"},
            stdout=log,
            stderr=subprocess.STDOUT,
        )


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """A scheduler's address and its two workers, each a process that nobody starts again."""
    logs = tmp_path / "logs"
    logs.mkdir()
    address = f"tcp://127.0.0.1:{free_port()}"
    scheduler = start(logs, "scheduler", "--host", address, "--no-dashboard")
    options = ("--no-nanny", "--nthreads", "1", "--no-dashboard", "--local-directory", str(tmp_path))
    workers = [start(logs, "worker", address, *options) for _ in range(2)]
    try:
        yield address, workers
    finally:
        for process in (*workers, scheduler):
            process.kill()
            process.wait()


def do(folder: Path, out: Path, engine: Engine) -> None:
    table = open_table(out, columns_for(EMOTIONS))
    with Record(out.with_suffix(".progress"), False) as record:
        try:
            Job(parts_of(find_sources([str(folder)]), SETTINGS), SETTINGS, engine, record, table, Progress(None)).run()
        finally:
            engine.kill()
    table.close()


def test_two_workers_of_which_one_is_killed_write_the_table_of_this_machine(
    cluster: tuple[str, list[subprocess.Popen[bytes]]], tmp_path: Path
) -> None:
    texts = {f"{number:03d}.jpg": "broken" if number % 50 == 7 else "slow" for number in range(200)}
    folder = write_tree(tmp_path / "in", texts | {"050.mp4": "60", "150.mp4": "10"})
    do(folder, tmp_path / "here.csv", LocalEngine(2, run))
    address, workers = cluster
    engine = DaskEngine(address, 2, run)
    wait_until(lambda: engine.free() >= 4, 60)
    out = tmp_path / "there.csv"

    def kill_one() -> None:
        wait_until(lambda: out.exists() and len(read(out)) > 20, 60)
        workers[0].send_signal(signal.SIGKILL)

    killer = threading.Thread(target=kill_one)
    killer.start()
    do(folder, out, engine)
    killer.join()
    assert workers[0].wait(60) == -signal.SIGKILL
    assert out.read_bytes() == (tmp_path / "here.csv").read_bytes()
    assert read_failures(out) == read_failures(tmp_path / "here.csv")
    assert len(read(out)) == 196 + 70


def test_a_file_that_kills_every_worker_is_a_crash(tmp_path: Path) -> None:
    folder = write_tree(tmp_path / "in", {"a.jpg": "crash"})
    engine = DaskEngine(None, 1, run)
    try:
        engine.submit(Task("photo", (str(folder / "a.jpg"),), SETTINGS))
        outcomes = next(filter(None, (engine.wait(1) for _ in range(60))))
        assert isinstance(outcomes[0].result, Crash)
    finally:
        engine.kill()


@pytest.mark.parametrize("address", ["nonsense", "tcp://127.0.0.1:1", "http://127.0.0.1:1"])
def test_a_scheduler_that_does_not_answer_is_named(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ml.batch.cluster.CONNECT_S", 1)
    with pytest.raises(EngineError, match=f"expected a Dask scheduler at {address}"):
        DaskEngine(address, 1, run)
