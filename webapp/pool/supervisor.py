"""Starting, watching and replacing the worker processes, each in its slot.

The supervisor knows processes, not pictures: whoever owns the slots' jobs is told of a worker's start, replies and end.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol

from webapp.pool.connection import WorkerConnection, WorkerLost
from webapp.pool.schedule import Job
from webapp.pool.worker_process import WorkerProcess

STUCK_AFTER_S = 3.0
"""A worker is killed when an answer is overdue by this much; a working one ends its search at the deadline."""
WATCH_EVERY_S = 0.5
STOPPED_FOR_S = 1.0
"""A worker whose process was stopped is killed after this time."""
OUTSIDE_ENDS = {-9, -15}
"""Exit codes of a worker that somebody ended (SIGKILL, SIGTERM): no picture did it."""
HEALTHY_AFTER_S = 10.0
MAX_BACKOFF_S = 10.0

log = logging.getLogger(__name__)


@dataclass(eq=False)
class Slot:
    """A slot for one worker; a lost worker is replaced."""

    number: int
    process: WorkerProcess | None = None
    worker: WorkerConnection | None = None
    """The connection to a worker that answers, or none."""
    jobs: dict[int, Job] = field(default_factory=dict)
    began_s: float = 0.0
    stopped_s: float | None = None
    """Since when the process is known to be stopped."""
    is_overdue: bool = False
    """Whether the process was killed because it gave no answer."""

    @property
    def answers(self) -> bool:
        return self.worker is not None and self.stopped_s is None


class Owner(Protocol):
    """Owns the jobs of the slots."""

    def worker_started(self, slot: Slot) -> None:
        """A worker has loaded and takes pictures."""

    def worker_replied(self, slot: Slot, head: Mapping[str, Any]) -> None: ...

    def take_back(self, slot: Slot) -> list[Job]:
        """Empty the slot of a lost worker: set its `worker` to None, take its jobs, return those that fail."""

    def worker_lost(self, slot: Slot, failed: Sequence[Job], is_held_against: bool) -> None:
        """A worker that had started has ended.

        Args:
            failed: what `take_back` returned.
            is_held_against: the worker ended by itself or gave no answer, so the picture is taken for the cause.
        """

    def worker_memory(self, number: int, size_bytes: int) -> None: ...


class WorkerSupervisor:
    """Keeps a worker running in each slot.

    Args:
        slots: one for each worker.
        command: what starts a worker; see `WorkerProcess`.
        owner: is told what happens to the workers.
        lock: guards the slots' jobs.
    """

    def __init__(
        self, slots: Sequence[Slot], command: Sequence[str], owner: Owner, lock: AbstractContextManager[Any]
    ) -> None:
        self._slots = slots
        self._command = command
        self._owner = owner
        self._lock = lock
        self._stopping = threading.Event()

    @property
    def is_stopping(self) -> bool:
        return self._stopping.is_set()

    def start(self) -> None:
        """Start the workers; returns at once."""
        for slot in self._slots:
            threading.Thread(target=self._keep_filled, args=(slot,), name=f"worker-{slot.number}", daemon=True).start()
        threading.Thread(target=self._watch, name="worker-watch", daemon=True).start()

    def announce_stop(self) -> None:
        """From now on no worker is started or replaced."""
        self._stopping.set()

    def stop(self) -> None:
        """End the workers, which keep nothing. Does nothing the second time."""
        self.announce_stop()
        processes = [process for slot in self._slots if (process := slot.process) is not None]
        for process in processes:
            process.kill()
        for process in processes:
            process.close()

    def _keep_filled(self, slot: Slot) -> None:
        """Run one worker after the other in this slot; the pause grows if workers end soon after their start."""
        failures = 0
        while not self._stopping.is_set():
            started_s = time.monotonic()
            reason: WorkerLost | None = None
            try:
                slot.process = WorkerProcess(self._command)
                slot.worker = slot.process.connection()
                self._owner.worker_started(slot)
                for head in slot.worker.replies():
                    self._owner.worker_replied(slot, head)
            except WorkerLost as error:
                reason = error
            except Exception:
                log.exception("worker %d lost", slot.number)
            end = self._empty(slot)
            if reason and end and not self._stopping.is_set():
                log.warning("worker %d lost: %s; %s", slot.number, reason, end)
            failures = 0 if time.monotonic() - started_s > HEALTHY_AFTER_S else failures + 1
            self._stopping.wait(min(MAX_BACKOFF_S, 0.1 * 2**failures))

    def _empty(self, slot: Slot) -> str | None:
        """Clean up after a lost worker; how it ended decides whether its picture is taken for the cause.

        Returns:
            How its process ended, for the log; None if none was started.
        """
        process, worker = slot.process, slot.worker
        failed = self._owner.take_back(slot)
        slot.process = None
        if worker is not None:
            worker.close()
        exit_code = None if process is None else process.close(patience_s=0.5 if worker is not None else 0.0)
        is_own_end = slot.is_overdue or exit_code not in OUTSIDE_ENDS
        is_held_against = slot.stopped_s is None and is_own_end and not self._stopping.is_set()
        slot.stopped_s, slot.is_overdue = None, False
        if worker is not None:
            self._owner.worker_lost(slot, failed, is_held_against)
        return None if process is None else process.how_it_ended()

    def _watch(self) -> None:
        """Kill workers whose answer is overdue or whose process was stopped; nothing else detects them."""
        while not self._stopping.wait(WATCH_EVERY_S):
            now_s = time.monotonic()
            for slot in self._slots:
                with self._lock:
                    overdue = [job for job in slot.jobs.values() if now_s > job.expires_s + STUCK_AFTER_S]
                    process = slot.process
                if process is None:
                    continue
                self._owner.worker_memory(slot.number, process.memory_bytes)
                if not process.is_stopped:
                    slot.stopped_s = None
                elif slot.stopped_s is None:
                    slot.stopped_s = now_s
                slot.is_overdue = bool(overdue)
                if overdue or (slot.stopped_s is not None and now_s - slot.stopped_s >= STOPPED_FOR_S):
                    log.error("worker %d gives no answer, killing it", slot.number)
                    process.kill()
