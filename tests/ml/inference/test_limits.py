"""Limits of the system on a worker: exceeding one costs the picture or the worker, nothing else."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable, Iterator

import cv2
import numpy as np
import psutil
import pytest

from ml.inference.contract import Analysis, BadImage, InternalError, Request
from ml.inference.limits import CPU_SPARE_S, WORKER_MEMORY_BYTES, TimeLimited
from tests.support.fake_worker import script
from tests.support.waiting import wait_until
from webapp.metrics import Metrics
from webapp.pool.pool import ANALYZER_WORKER, AnalyzerPool

FAKE_WORKER = (sys.executable, "-m", "tests.support.fake_worker")

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux: limits are set there alone")


@pytest.fixture
def start() -> Iterator[Callable[..., AnalyzerPool]]:
    pools: list[AnalyzerPool] = []

    def start_pool(command: tuple[str, ...], photo_deadline_s: float) -> AnalyzerPool:
        pool = AnalyzerPool(1, Metrics(), command, photo_deadline_s=photo_deadline_s)
        pools.append(pool)
        pool.start()
        wait_until(lambda: pool.ready == 1, 30)
        return pool

    yield start_pool
    for pool in pools:
        pool.stop()


def test_a_picture_that_asks_for_too_much_memory_fails_alone(start: Callable[..., AnalyzerPool]) -> None:
    pool = start(FAKE_WORKER, photo_deadline_s=30.0)
    worker = pool.pids
    with pytest.raises(InternalError, match="fault in the server"):
        pool.photo(Request(script(do="allocate", bytes=2 * WORKER_MEMORY_BYTES)))
    assert pool.photo(Request(script())).faces == ()
    assert pool.pids == worker


def test_the_system_ends_a_worker_whose_picture_takes_too_much_processor_time(
    start: Callable[..., AnalyzerPool], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("webapp.pool.supervisor.STUCK_AFTER_S", 3600.0)  # the pool itself would not notice
    pool = start(FAKE_WORKER, photo_deadline_s=0.5)
    worker, endless = psutil.Process(pool.pids[0]), Request(script(do="burn"))
    with pytest.raises(Exception, match="waited too long"):
        pool.photo(endless)
    wait_until(lambda: not worker.is_running(), 60)
    wait_until(lambda: pool.ready == 1, 30)
    with pytest.raises(BadImage, match="crashed an analyzer"):
        pool.photo(endless)


class Remaining:
    """An analyzer that notes how much processor time is left to it, and uses some."""

    def __init__(self) -> None:
        self.left_s: list[float] = []

    def analyze(self, request: Request) -> Analysis:
        self.left_s.append(signal.getitimer(signal.ITIMER_PROF)[0])
        used_s = time.process_time()
        while time.process_time() < used_s + 0.2:
            pass
        return Analysis(1, 1, (), {}, {})


def test_the_processor_time_of_each_picture_counts_from_its_start() -> None:
    """The time that earlier pictures used counts for nothing, and between pictures there is no limit."""
    analyzer = Remaining()
    limited = TimeLimited(analyzer)
    for _ in range(5):
        limited.analyze(Request(b"", budget_ms=500))
        assert signal.getitimer(signal.ITIMER_PROF)[0] == 0
    assert analyzer.left_s == pytest.approx([0.5 + CPU_SPARE_S] * 5, abs=0.1)


def test_a_worker_within_its_limits_answers_the_largest_photograph(start: Callable[..., AnalyzerPool]) -> None:
    """A lossless WebP, which needs the most memory of all formats."""
    pool = start(ANALYZER_WORKER, photo_deadline_s=240.0)
    assert psutil.Process(pool.pids[0]).rlimit(psutil.RLIMIT_AS)[0] == WORKER_MEMORY_BYTES
    picture = np.full((5160, 7740), 200, np.uint8)
    picture[::2] = 90
    data = cv2.imencode(".webp", picture, [cv2.IMWRITE_WEBP_QUALITY, 101])[1].tobytes()
    answer = pool.photo(Request(data, thorough=True))
    assert (answer.width, answer.height) == (7740, 5160)
