"""A worker process from its start to its end."""

from __future__ import annotations

import sys
from pathlib import Path

import psutil
import pytest

from tests.support.waiting import wait_until
from webapp.pool.connection import WorkerLost
from webapp.pool.worker_process import WorkerProcess

FAKE = [sys.executable, "-m", "tests.support.fake_worker"]


def test_a_worker_ends_when_its_connection_closes() -> None:
    started = WorkerProcess(FAKE)
    process = psutil.Process(started.pid)
    started.connection().close()
    wait_until(lambda: process.status() == psutil.STATUS_ZOMBIE)
    started.close()
    assert not process.is_running()


def test_a_worker_starts_in_any_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PYTHONPATH", raising=False)
    started = WorkerProcess(FAKE)
    started.connection().close()
    started.close()


def test_a_worker_that_ends_at_its_start_is_reported() -> None:
    started = WorkerProcess([*FAKE, "--fail-to-start"])
    with pytest.raises(WorkerLost, match="expected a worker to start, it did not connect"):
        started.connection()
    assert started.close() == 3
    assert started.how_it_ended() == "it ended with exit code 3"


def test_a_worker_that_stays_is_killed() -> None:
    started = WorkerProcess([sys.executable, "-c", "import time; time.sleep(60)"])
    assert started.close(patience_s=0.1) == -9
    assert started.how_it_ended() == "it was ended"
    assert not psutil.pid_exists(started.pid)


def test_a_process_without_the_token_is_not_the_worker() -> None:
    foreign = (
        "import os, sys; os.environ['WORKER_TOKEN'] = 'guess'; from tests.support import fake_worker as w; w.main()"
    )
    started = WorkerProcess([sys.executable, "-c", foreign])
    with pytest.raises(WorkerLost, match="expected the worker's own token"):
        started.connection()
    started.close()
