"""The pool of analyzer workers: takes pictures, gives them to free workers, passes the answers back.

A caller waits in `live`, `photo` or `recording` until a worker has analysed its picture; it blocks nothing else. A busy
worker is handed one picture ahead, so that it does not wait for the next. The pool knows nothing about the faces of a
client: the sender prepares the request and completes the answer.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import math
import sys
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import CancelledError
from concurrent.futures import TimeoutError as FutureTimeout
from dataclasses import replace
from typing import Any, Protocol

from ml.inference.contract import Analysis, AnalysisError, BadImage, Busy, InternalError, NotReady, Request
from ml.inference.protocol import analysis_from_head
from webapp.pool.connection import WorkerLost
from webapp.pool.schedule import LIVE, PHOTO, RECORDING, Job, Schedule, unchanged_analysis, unchanged_request
from webapp.pool.supervisor import Slot, WorkerSupervisor

HANDED_OVER = 2
"""Pictures a worker may hold: the one it reads and, unless either is a photo or of a recording, the next."""
LIVE_WITHIN_S = 5.0
"""Live frames came within this time: recordings and photos then leave half of the workers free."""
REFUSED_PICTURES = 1000
"""Hashes of pictures that are remembered because a worker ended while it read them."""

ANALYZER_WORKER = (sys.executable, "-m", "ml.inference.worker")

log = logging.getLogger(__name__)

WHY = {
    "superseded": "A newer frame came before this one was read.",
    "expired": "The picture waited too long for a free analyzer and was dropped.",
    "queue_full": "Too many photos are waiting: expected a free place in the queue, received none.",
    "disconnected": "The client disconnected.",
    "stopping": "The server is shutting down.",
}


class Observer(Protocol):
    """Receives events of the pool, to count them."""

    def answered(self, lane: str, timing_ms: Mapping[str, float]) -> None: ...

    def finished(self, lane: str, result: str) -> None: ...

    def worker_memory(self, number: int, size_bytes: int) -> None: ...

    def dropped(self, lane: str, reason: str) -> None: ...

    def worker_started(self) -> None: ...

    def worker_lost(self) -> None: ...


class AnalyzerPool:
    """Feeds pictures to worker processes.

    Args:
        size: number of workers.
        observer: is told of answers, drops and restarts.
        command: what starts a worker; see `WorkerProcess`.
        frame_deadline_s: a live frame that waited longer is dropped.
        photo_deadline_s: a photo that waited longer is dropped.
        photo_queue: how many photos may wait.
    """

    def __init__(
        self,
        size: int,
        observer: Observer,
        command: Sequence[str] = ANALYZER_WORKER,
        frame_deadline_s: float = 1.0,
        photo_deadline_s: float = 15.0,
        photo_queue: int = 32,
    ) -> None:
        self._observer = observer
        self._frame_deadline_s = frame_deadline_s
        self._photo_deadline_s = photo_deadline_s
        self._slots = [Slot(number) for number in range(size)]
        self._live_s = -math.inf
        self._refused: OrderedDict[bytes, None] = OrderedDict()
        self._schedule = Schedule(photo_queue)
        self._lock = threading.Lock()
        self._supervisor = WorkerSupervisor(self._slots, command, self, self._lock)
        self._model: Mapping[str, Any] = {}
        self._mean_service_s = 0.01

    # Interface for callers

    def start(self) -> None:
        """Start the workers; returns at once. `ready` is set when the first one answers."""
        self._supervisor.start()

    def stop(self) -> None:
        """Fail what waits or is being read, and end the workers."""
        self._supervisor.announce_stop()
        with self._scheduling() as schedule:
            schedule.clear("stopping")
        self._supervisor.stop()

    @property
    def ready(self) -> int:
        """How many workers answer now."""
        return sum(slot.answers for slot in self._slots)

    @property
    def size(self) -> int:
        return len(self._slots)

    @property
    def unanswered(self) -> int:
        """How many pictures wait or are being read."""
        return len(self._schedule) + sum(len(slot.jobs) for slot in self._slots)

    @property
    def model(self) -> Mapping[str, Any]:
        """The workers' description of their model; empty until the first is ready."""
        return self._model

    @property
    def pids(self) -> list[int]:
        """Process ids of the workers that answer."""
        return [slot.process.pid for slot in self._slots if slot.process is not None and slot.worker is not None]

    @property
    def retry_after_ms(self) -> int:
        """How long a client whose picture was dropped should wait: the time for the waiting pictures."""
        waiting = self._schedule.urgent + 1
        return max(50, round(1000 * waiting * self._mean_service_s / max(1, self.ready)))

    def live(
        self,
        client: str,
        image: bytes,
        prepare: Callable[[Request, bool], Request] = unchanged_request,
        complete: Callable[[Analysis], Analysis] = unchanged_analysis,
    ) -> Analysis:
        """Analyse a live frame.

        Args:
            prepare, complete: as in `Job`; for one client, they are never called at the same time.

        Raises:
            Busy: a newer frame of the client came first, or the deadline passed.
            NotReady: no worker answers.
            AnalysisError: the picture can't be read.
        """
        now_s = time.monotonic()
        return self._wait_for(
            Job(LIVE, client, Request(image), now_s, now_s + self._frame_deadline_s, prepare, complete)
        )

    def photo(self, request: Request) -> Analysis:
        """Analyse a photograph. Raises as `live` does; `Busy` also when too many wait."""
        now_s = time.monotonic()
        return self._wait_for(Job(PHOTO, "", request, now_s, now_s + self._photo_deadline_s))

    def recording(
        self,
        client: str,
        image: bytes,
        time_s: float,
        prepare: Callable[[Request, bool], Request] = unchanged_request,
        complete: Callable[[Analysis], Analysis] = unchanged_analysis,
    ) -> Analysis:
        """Analyse a frame of a recording. It waits without a deadline, until `forget`.

        Args:
            time_s: media time; a client's waiting frames are read in its order.
            prepare, complete: as for `live`.

        Raises:
            AnalysisError: as `live` does, but never `Busy` for a newer frame or a deadline in the queue.
        """
        job = Job(RECORDING, client, Request(image), time.monotonic(), math.inf, prepare, complete, order=time_s)
        return self._wait_for(job)

    def forget(self, client: str) -> None:
        """Drop the waiting pictures of a client that has disconnected."""
        with self._scheduling() as schedule:
            schedule.forget(client)

    # The way of a picture

    @contextlib.contextmanager
    def _scheduling(self) -> Iterator[Schedule]:
        """Hold the schedule under the lock; the senders of dropped jobs are told afterwards."""
        with self._lock:
            yield self._schedule
            dropped = self._schedule.take_dropped()
        for job, reason in dropped:
            self._tell_dropped(job, reason)

    def _wait_for(self, job: Job) -> Analysis:
        if self._supervisor.is_stopping or not self.ready:
            raise NotReady("The analyzers are starting: expected one to be ready, received none so far.")
        if self._refused and _fingerprint(job) in self._refused:
            raise BadImage("expected a picture that can be read, received one that crashed an analyzer before")
        if job.lane == LIVE:
            self._live_s = job.created_s
        wait_s = None if job.lane == RECORDING else job.expires_s - job.created_s
        with self._scheduling() as schedule:
            schedule.put(job)
        self._feed()
        try:
            return job.outcome.result(timeout=wait_s)
        except (FutureTimeout, CancelledError):
            if job.outcome.cancel():
                self._observer.dropped(job.lane, "expired")
            raise Busy(WHY["expired"]) from None

    def _feed(self) -> None:
        """Give waiting jobs to free workers."""
        while True:
            with self._scheduling() as schedule:
                pair = self._pair()
                if pair is None:
                    return
                slot, job = pair
                now_s, hurried = time.monotonic(), schedule.urgent > 0
                if job.lane == RECORDING:  # its time counts from here
                    job.expires_s = now_s + self._frame_deadline_s
                if not slot.jobs:
                    slot.began_s = now_s
                slot.jobs[job.id] = job
                worker = slot.worker
            assert worker is not None
            try:
                request = replace(job.prepare(job.request, hurried), budget_ms=(job.expires_s - now_s) * 1000)
                worker.send(job.id, request)
            except WorkerLost:
                worker.close()  # whoever reads its answers then puts the jobs back

    def _pair(self) -> tuple[Slot, Job] | None:
        """The next job and the worker for it."""
        now_s = time.monotonic()
        ready = [slot for slot in self._slots if slot.answers]
        slot = min(ready, key=lambda slot: len(slot.jobs), default=None)
        if slot is None or len(slot.jobs) >= HANDED_OVER:
            return None
        lanes = [job.lane for slot in ready for job in slot.jobs.values()]
        if slot.jobs:
            ahead = [slot for slot in ready if len(slot.jobs) == 1 and _lanes(slot) == {LIVE}]
            slot = min(ahead, key=lambda slot: slot.began_s, default=None)
            if slot is None:
                return None
        is_live = now_s - self._live_s < LIVE_WITHIN_S
        most = max(1, self.size // 2) if is_live else self.size
        photos = lanes.count(PHOTO) < most
        recordings = not slot.jobs and len(lanes) - lanes.count(LIVE) < most
        job = self._schedule.take(now_s, photos, recordings)
        return None if job is None else (slot, job)

    def _completed(self, job: Job, analysis: Analysis, now_s: float) -> Analysis:
        """The sender's answer, with the time that the picture spent outside the worker."""
        worker_s = analysis.timing_ms["total"] / 1000
        queue_s = max(0.0, now_s - job.created_s - worker_s)
        timing_ms = {"queue": queue_s * 1000} | dict(analysis.timing_ms)
        self._observer.answered(job.lane, timing_ms)
        return job.complete(replace(analysis, timing_ms=timing_ms))

    def _tell_dropped(self, job: Job, reason: str) -> None:
        if _settle(job, NotReady(WHY[reason]) if reason == "stopping" else Busy(WHY[reason])):
            self._observer.dropped(job.lane, reason)

    # What the supervisor tells

    def worker_started(self, slot: Slot) -> None:
        assert slot.worker is not None
        self._model = slot.worker.model
        self._observer.worker_started()
        self._feed()

    def worker_memory(self, number: int, size_bytes: int) -> None:
        self._observer.worker_memory(number, size_bytes)

    def worker_replied(self, slot: Slot, head: Mapping[str, Any]) -> None:
        """Pass a worker's answer to the sender, then give the worker its next job."""
        now_s = time.monotonic()
        with self._lock:
            job = slot.jobs.pop(head["id"])
            worker_s = now_s - slot.began_s
            slot.began_s = now_s
        try:
            answer: Analysis | AnalysisError = self._completed(job, analysis_from_head(head), now_s)
        except AnalysisError as error:
            answer = error
        except Exception:
            log.exception("worker %d: an answer could not be used", slot.number)
            answer = InternalError("The analysis could not be passed on because of a fault in the server.")
        with self._lock:
            self._schedule.finished(job, worker_s)
            if job.lane == LIVE:
                self._mean_service_s += 0.1 * (worker_s - self._mean_service_s)
        self._feed()
        self._observer.finished(job.lane, "ok" if isinstance(answer, Analysis) else answer.code)
        _settle(job, answer)

    def take_back(self, slot: Slot) -> list[Job]:
        """Empty the slot of a lost worker: the picture in work fails, one that was not begun goes to another worker.

        A frame of a recording is tried once more: its sender does not send it again. At a shutdown all fail.
        """
        with self._scheduling() as schedule:
            slot.worker = None
            jobs = list(slot.jobs.values())
            slot.jobs.clear()
            for job in jobs:
                schedule.finished(job)
            failed = [job for job in jobs[:1] if job.lane != RECORDING or job.is_second_try]
            if self._supervisor.is_stopping:
                failed = jobs
            for job in jobs[len(failed) :]:
                job.is_second_try = job is jobs[0]
                schedule.put_back(job)
        return failed

    def worker_lost(self, slot: Slot, failed: Sequence[Job], is_held_against: bool) -> None:
        """Tell the senders of `failed`; a picture that ended its worker is refused from now on."""
        self._observer.worker_lost()
        is_stopping = self._supervisor.is_stopping
        error: AnalysisError = InternalError("The analyzer stopped while it read this picture.")
        if is_stopping:
            error = NotReady(WHY["stopping"])
        for job in failed:
            fields = {"request_id": job.request.log_id} if job.request.log_id else {}
            if not is_stopping:
                log.warning("worker %d ended while it read this picture", slot.number, extra={"fields": fields})
            if is_held_against:
                self._refuse_from_now_on(job)
            self._observer.finished(job.lane, error.code)
            if _settle(job, error):
                self._observer.dropped(job.lane, "worker_lost")
        self._feed()

    def _refuse_from_now_on(self, job: Job) -> None:
        self._refused[_fingerprint(job)] = None
        if len(self._refused) > REFUSED_PICTURES:
            self._refused.popitem(last=False)


def _fingerprint(job: Job) -> bytes:
    return hashlib.sha256(job.request.image).digest()


def _lanes(slot: Slot) -> set[str]:
    return {job.lane for job in slot.jobs.values()}


def _settle(job: Job, answer: Analysis | AnalysisError) -> bool:
    """Give the job its outcome; False if its sender has stopped waiting."""
    if not job.outcome.set_running_or_notify_cancel():
        return False
    if isinstance(answer, Analysis):
        job.outcome.set_result(answer)
    else:
        job.outcome.set_exception(answer)
    return True
