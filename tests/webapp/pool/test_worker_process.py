"""A worker process from its start to its end."""

from __future__ import annotations

import sys

import psutil
import pytest

from ml.inference.contract import Request, analysis_from_head
from tests.support.fake_worker import script
from tests.support.waiting import wait_until
from webapp.pool.worker_process import WorkerLost, WorkerProcess

FAKE = [sys.executable, "-m", "tests.support.fake_worker"]


def test_a_worker_tells_of_its_model_answers_in_order_and_goes_when_its_socket_ends() -> None:
    worker = WorkerProcess(FAKE)
    process = psutil.Process(worker.pid)
    assert worker.ready()["name"] == "fake"
    worker.send(1, Request(script(faces=[[1, 2, 3, 4]])))
    worker.send(2, Request(script()))
    replies = worker.replies()
    first, second = next(replies), next(replies)
    assert (first["id"], second["id"]) == (1, 2)
    assert [face.box.as_list() for face in analysis_from_head(first).faces] == [[1, 2, 3, 4]]
    worker.close()
    wait_until(lambda: not process.is_running())


def test_a_worker_that_ends_at_its_start_is_reported() -> None:
    worker = WorkerProcess([*FAKE, "--fail-to-start"])
    with pytest.raises(WorkerLost, match="its process ended with 3"):
        worker.ready()
    worker.close()


def test_a_killed_worker_ends_the_replies() -> None:
    worker = WorkerProcess(FAKE)
    worker.ready()
    worker.kill()
    with pytest.raises(WorkerLost, match="closed its socket"):
        next(worker.replies())
    with pytest.raises(WorkerLost, match="expected to write"):
        worker.send(1, Request(bytes(100_000)))
    worker.close()


def test_whoever_connects_without_the_token_is_not_the_worker() -> None:
    stranger = (
        "import os, sys; os.environ['WORKER_TOKEN'] = 'guess'; from tests.support import fake_worker as w; w.main()"
    )
    worker = WorkerProcess([sys.executable, "-c", stranger])
    with pytest.raises(WorkerLost, match="expected the worker's own token"):
        worker.ready()
    worker.close()
