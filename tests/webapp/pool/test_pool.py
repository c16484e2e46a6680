"""The pool over fake workers: answers, drops, deadlines, and what happens when workers die."""

from __future__ import annotations

import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from ml.inference.contract import Analysis, AnalysisError, BadImage, Busy, InternalError, NotReady, Region, Request
from tests.support.fake_worker import script
from tests.support.waiting import wait_until
from webapp.pool.pool import AnalyzerPool

COMMAND = [sys.executable, "-m", "tests.support.fake_worker"]


class Counts:
    """Counts what the pool reports."""

    def __init__(self) -> None:
        self.events: Counter[str] = Counter()
        self.results: Counter[str] = Counter()
        self.memory_bytes: dict[int, int] = {}

    def answered(self, lane: str, timing_ms: Mapping[str, float]) -> None:
        self.events[f"{lane} answered"] += 1

    def finished(self, lane: str, result: str) -> None:
        self.results[f"{lane} {result}"] += 1

    def worker_memory(self, number: int, size_bytes: int) -> None:
        self.memory_bytes[number] = size_bytes

    def dropped(self, lane: str, reason: str) -> None:
        self.events[f"{lane} {reason}"] += 1

    def worker_started(self) -> None:
        self.events["started"] += 1

    def worker_lost(self) -> None:
        self.events["lost"] += 1


@pytest.fixture
def counts() -> Counts:
    return Counts()


@pytest.fixture
def start(counts: Counts) -> Iterator[Callable[..., AnalyzerPool]]:
    """Starts pools and stops them after the test."""
    pools: list[AnalyzerPool] = []

    def start_pool(size: int = 1, **options: float) -> AnalyzerPool:
        pool = AnalyzerPool(size, counts, COMMAND, **options)  # type: ignore[arg-type]
        pools.append(pool)
        pool.start()
        wait_until(lambda: pool.ready == size)
        return pool

    yield start_pool
    for pool in pools:
        pool.stop()


def photo(**what: object) -> Request:
    return Request(script(**what), thorough=True)


def outcome(call: Callable[[], object]) -> str:
    """The code of the error a call raises, or ok."""
    try:
        call()
    except AnalysisError as error:
        return error.code
    return "ok"


def test_nothing_is_taken_before_a_worker_is_ready_and_after_the_end(counts: Counts) -> None:
    pool = AnalyzerPool(1, counts, COMMAND)
    with pytest.raises(NotReady, match="expected one to be ready"):
        pool.photo(photo())
    assert pool.model == {}
    pool.start()
    wait_until(lambda: pool.ready == 1)
    assert pool.model["name"] == "fake"
    workers = [psutil.Process(pid) for pid in pool.pids]
    pool.stop()
    with pytest.raises(NotReady):
        pool.photo(photo())
    wait_until(lambda: not any(worker.is_running() for worker in workers))


def test_answers_carry_times_and_the_lane(start: Callable[..., AnalyzerPool], counts: Counts) -> None:
    pool = start()
    live = pool.live("a", script(sleep_ms=20))
    assert live.model["thorough"] is False
    assert live.timing_ms["total"] >= 20 > live.timing_ms["queue"] >= 0
    assert pool.photo(photo(faces=[[1, 1, 9, 9]])).model["thorough"] is True
    assert counts.events == {"started": 1, "live answered": 1, "photo answered": 1}


def test_the_sender_prepares_the_request_and_completes_the_answer(start: Callable[..., AnalyzerPool]) -> None:
    """In turn for each frame of a client, and after the frame has waited: what it finds is then the newest."""
    pool, steps = start(), []

    def send(number: int) -> Analysis:
        def prepare(request: Request, hurried: bool) -> Request:
            steps.append(f"prepare {number}")
            return replace(request, near=(Region(0.0, 0.0, 0.5, 0.5),) * number)

        def complete(analysis: Analysis) -> Analysis:
            steps.append(f"complete {number}")
            return replace(analysis, faces=())

        return pool.live("a", script(sleep_ms=150, faces=[[1, 1, 9, 9]]), prepare, complete)

    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(send, 1)
        wait_until(lambda: steps == ["prepare 1"])
        second = threads.submit(send, 2)
        answers = [first.result(), second.result()]
    assert steps == ["prepare 1", "complete 1", "prepare 2", "complete 2"]
    assert [answer.model["near"] for answer in answers] == [1, 2]
    assert [answer.faces for answer in answers] == [(), ()]


def test_an_error_of_the_picture_is_the_callers_and_the_next_one_works(start: Callable[..., AnalyzerPool]) -> None:
    pool = start()
    with pytest.raises(BadImage):
        pool.photo(Request(b"no script"))
    with pytest.raises(InternalError, match="fault in the server"):
        pool.photo(photo(do="fail"))
    assert pool.photo(photo()).faces == ()


def test_of_many_frames_at_once_the_first_and_the_newest_are_read(
    start: Callable[..., AnalyzerPool], counts: Counts
) -> None:
    pool = start()
    with ThreadPoolExecutor(10) as threads:
        futures = []
        for _ in range(10):
            futures.append(threads.submit(outcome, lambda: pool.live("a", script(sleep_ms=300))))
            time.sleep(0.01)
        answers = [future.result() for future in futures]
    assert answers == ["ok", *["busy"] * 8, "ok"]
    assert counts.events["live superseded"] == 8


def test_a_frame_that_waits_past_its_deadline_is_dropped(start: Callable[..., AnalyzerPool], counts: Counts) -> None:
    pool = start(frame_deadline_s=0.2)
    with ThreadPoolExecutor(3) as threads:
        slow = threads.submit(pool.photo, photo(sleep_ms=600))
        time.sleep(0.1)
        began_s = time.monotonic()
        with pytest.raises(Busy, match="waited too long"):
            pool.live("a", script())
        assert time.monotonic() - began_s < 0.4
        assert slow.result().faces == ()
    assert counts.events["live expired"] == 1


def test_a_worker_that_dies_fails_what_it_read_and_nothing_else(
    start: Callable[..., AnalyzerPool], counts: Counts, caplog: pytest.LogCaptureFixture
) -> None:
    """The frame handed over behind the deadly one is read by the next worker."""
    pool = start(frame_deadline_s=10.0)
    with ThreadPoolExecutor(3) as threads:
        slow = threads.submit(outcome, lambda: pool.live("a", script(sleep_ms=200)))
        time.sleep(0.05)
        deadly = threads.submit(outcome, lambda: pool.live("b", script(do="crash")))
        time.sleep(0.05)
        behind = threads.submit(outcome, lambda: pool.live("c", script()))
        assert [slow.result(), deadly.result(), behind.result()] == ["ok", "internal", "ok"]
    assert counts.events["lost"] == 1
    assert counts.events["started"] == 2
    assert counts.events["live worker_lost"] == 1
    (line,) = lost_workers(caplog)
    assert line.startswith("worker 0 lost: ")
    assert line.endswith("; it ended with SIGABRT")


def test_a_worker_that_hangs_is_killed_and_replaced(
    start: Callable[..., AnalyzerPool], counts: Counts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("webapp.pool.supervisor.STUCK_AFTER_S", 0.2)
    pool = start(frame_deadline_s=0.3)
    assert outcome(lambda: pool.live("a", script(do="hang"))) == "busy"
    wait_until(lambda: counts.events["started"] == 2)
    assert outcome(lambda: pool.live("a", script())) == "ok"


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
@pytest.mark.parametrize("size", [1, 2])
def test_workers_that_are_stopped_are_replaced(
    start: Callable[..., AnalyzerPool], counts: Counts, caplog: pytest.LogCaptureFixture, size: int
) -> None:
    """One or all, idle or at work: what was being read is answered with an error, and not held against the picture."""
    pool = start(size=size, frame_deadline_s=30.0)
    with ThreadPoolExecutor(1) as threads:
        reading = threads.submit(outcome, lambda: pool.live("a", script(sleep_ms=1500)))
        time.sleep(0.1)
        for pid in pool.pids:
            psutil.Process(pid).suspend()
        assert reading.result(timeout=10) == "internal"
    wait_until(lambda: counts.events["started"] == 2 * size)
    assert outcome(lambda: pool.live("a", script(sleep_ms=1500))) == "ok"
    assert counts.events["lost"] == size
    assert [line.rpartition("; ")[2] for line in lost_workers(caplog)] == ["it was ended"] * size


def lost_workers(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What the supervisor logged of lost workers, once there is something."""
    wait_until(lambda: any("lost" in message for message in caplog.messages))
    return [message for message in caplog.messages if "lost" in message]


def test_a_picture_whose_worker_is_killed_from_outside_is_answered_when_it_comes_again(
    start: Callable[..., AnalyzerPool], caplog: pytest.LogCaptureFixture
) -> None:
    pool = start()
    with ThreadPoolExecutor(1) as threads:
        reading = threads.submit(outcome, lambda: pool.photo(photo(sleep_ms=1500)))
        time.sleep(0.1)
        psutil.Process(pool.pids[0]).kill()
        assert reading.result(timeout=10) == "internal"
    (line,) = lost_workers(caplog)
    assert line.endswith("; it ended with SIGKILL")
    wait_until(lambda: pool.ready == 1)
    assert outcome(lambda: pool.photo(photo(sleep_ms=1500))) == "ok"


def test_a_picture_that_ended_a_worker_is_refused_afterwards(
    start: Callable[..., AnalyzerPool], counts: Counts
) -> None:
    pool = start()
    assert outcome(lambda: pool.photo(photo(do="crash"))) == "internal"
    wait_until(lambda: pool.ready == 1)
    assert outcome(lambda: pool.photo(photo(do="crash"))) == "bad_image"
    assert outcome(lambda: pool.live("a", script(do="crash"))) == "bad_image"
    assert outcome(lambda: pool.photo(photo())) == "ok"
    assert counts.events["lost"] == 1
    assert counts.results == {"photo internal": 1, "photo ok": 1}


def test_the_memory_of_each_worker_is_told(start: Callable[..., AnalyzerPool], counts: Counts) -> None:
    start(size=2)
    wait_until(lambda: len(counts.memory_bytes) == 2)
    assert all(size > 5e6 for size in counts.memory_bytes.values())


def test_a_flood_of_photos_leaves_room_for_live_frames_and_the_other_way_round(
    start: Callable[..., AnalyzerPool],
) -> None:
    pool = start(size=2, photo_deadline_s=20.0, frame_deadline_s=5.0)
    stop = threading.Event()
    photos, frames = [], []

    def send_photos() -> None:
        while not stop.is_set():
            pool.photo(photo(sleep_ms=200))
            photos.append(time.monotonic())

    def send_frames(client: str) -> None:
        while not stop.is_set():
            began_s = time.monotonic()
            pool.live(client, script(sleep_ms=5))
            frames.append(time.monotonic() - began_s)

    with ThreadPoolExecutor(16) as threads:
        senders = [threads.submit(send_photos) for _ in range(4)]
        senders += [threads.submit(send_frames, f"client {number}") for number in range(6)]
        time.sleep(2.0)
        stop.set()
        for sender in senders:
            sender.result()
    assert len(photos) >= 6  # one of two workers for two seconds, at 200 ms each
    assert len(frames) >= 150
    assert sorted(frames)[len(frames) * 95 // 100] < 0.2


def test_a_frame_of_a_recording_outlives_its_worker_once(start: Callable[..., AnalyzerPool], counts: Counts) -> None:
    """Its sender does not send it again; a frame that kills every worker that reads it is given up."""
    pool = start()
    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(outcome, lambda: pool.recording("a", script(sleep_ms=400), 0.0))
        second = threads.submit(outcome, lambda: pool.recording("a", script(), 1.0))
        time.sleep(0.1)
        psutil.Process(pool.pids[0]).kill()
        assert [first.result(), second.result()] == ["ok", "ok"]
        assert counts.events["lost"] == 1
        assert outcome(lambda: pool.recording("a", script(do="crash"), 2.0)) == "internal"
        assert counts.events["lost"] == 3
        wait_until(lambda: pool.ready == 1)
        assert outcome(lambda: pool.recording("a", script(), 3.0)) == "ok"


def test_recordings_leave_a_worker_to_the_live_lane_while_somebody_is_live(start: Callable[..., AnalyzerPool]) -> None:
    """Two recordings use both workers when nobody is live, and one worker as soon as somebody is."""
    pool, busy, most = start(size=2), 0, {False: 0, True: 0}
    is_live = stop = False

    def prepare(request: Request, hurried: bool) -> Request:
        nonlocal busy
        busy += 1
        most[is_live] = max(most[is_live], busy)
        return request

    def complete(analysis: Analysis) -> Analysis:
        nonlocal busy
        busy -= 1
        return analysis

    def send(client: str) -> None:
        for number in range(1000):
            if stop:
                return
            pool.recording(client, script(sleep_ms=20), float(number), prepare, complete)

    with ThreadPoolExecutor(2) as threads:
        senders = [threads.submit(send, client) for client in "ab"]
        wait_until(lambda: most[False] == 2)
        pool.live("viewer", script())
        wait_until(lambda: busy <= 1)
        is_live = True
        for _ in range(20):
            pool.live("viewer", script(sleep_ms=5))
        stop = True
        for sender in senders:
            sender.result()
    assert most == {False: 2, True: 1}


def test_a_worker_that_fails_to_start_is_started_again(counts: Counts, tmp_path: Path) -> None:
    starts = tmp_path / "starts"
    pool = AnalyzerPool(1, counts, [sys.executable, "-c", f"open({str(starts)!r}, 'a').write('x')"])
    pool.start()
    wait_until(lambda: starts.exists() and len(starts.read_text()) >= 3, 60)
    assert pool.ready == 0
    assert counts.events == {}, "one that never was ready is neither started nor lost"
    pool.stop()
