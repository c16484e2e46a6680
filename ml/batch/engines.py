"""Engines, which execute tasks: in processes of this machine, or on the workers of a Dask cluster.

An engine takes tasks and returns the outcome of each: a `Result`, or a `Crash` if its process ended. A model that
cannot be loaded ends the run (`ModelError`).
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Protocol

from ml.batch.tasks import Result, Task
from ml.inference.contract import ModelError
from ml.inference.process import end_with_parent


class EngineError(Exception):
    """The processes can't be used. The message is one sentence: what was expected, what was received."""


@dataclass(frozen=True)
class Crash:
    """The process that did a task ended before the task did."""

    reason: str


@dataclass(frozen=True)
class Outcome:
    """The outcome of a task and the process that did it, which also gets the next part of the same video."""

    task: Task
    result: Result | Crash
    place: object


class Engine(Protocol):
    """The interface of an engine."""

    def free(self) -> int:
        """How many more tasks the engine can take now."""

    def submit(self, task: Task, place: object = None) -> None:
        """Start a task, in the given process if that is still free."""

    def wait(self, timeout_s: float) -> list[Outcome]:
        """The finished tasks; waits for the first one, at most for the given time.

        Raises:
            ModelError: a process can't use the model.
        """

    def kill(self) -> None:
        """End at once; tasks in work are lost."""


Run = Callable[[Task], Result]


def run_task(task: Task) -> Result:
    """Do a task; OpenCV and the network are loaded at the first call, not at import."""
    from ml.batch.reading import run

    return run(task)


class LocalEngine:
    """Processes of this machine, each started with its first task. They end when this process ends, also after SIGKILL.

    Args:
        run: what a process does with a task; a function at the top of a module.
    """

    def __init__(self, jobs: int, run: Run = run_task) -> None:
        # Spawned, not forked: OpenCV's threads do not survive a fork.
        self._context = multiprocessing.get_context("spawn")
        self._run = run
        self._lanes = [_Lane() for _ in range(jobs)]

    def free(self) -> int:
        return sum(lane.task is None for lane in self._lanes)

    def submit(self, task: Task, place: object = None) -> None:
        free = [lane for lane in self._lanes if lane.task is None]
        lane = place if isinstance(place, _Lane) and place in free else free[0]
        lane.start(self._context, self._run)
        lane.submit(task)

    def wait(self, timeout_s: float) -> list[Outcome]:
        busy = {lane.connection: lane for lane in self._lanes if lane.task is not None}
        if not busy:
            return []
        return [busy[ready].outcome() for ready in wait(list(busy), timeout_s)]  # type: ignore[index, arg-type]

    def kill(self) -> None:
        for lane in self._lanes:
            lane.kill()


class _Lane:
    """One process and what it is doing."""

    task: Task | None = None
    connection: Connection | None = None
    process: multiprocessing.process.BaseProcess | None = None

    def start(self, context: multiprocessing.context.SpawnContext, run: Run) -> None:
        if self.process is None:
            self.connection, other_end = context.Pipe()
            process = context.Process(target=_serve, args=(other_end, run), daemon=True)
            process.start()
            self.process = process  # only one that runs can be killed
            other_end.close()

    def submit(self, task: Task) -> None:
        assert self.connection is not None
        self.task = task
        with contextlib.suppress(OSError):  # its end is read by `outcome`
            self.connection.send(task)

    def outcome(self) -> Outcome:
        assert self.connection is not None
        assert self.process is not None
        assert self.task is not None
        task, self.task = self.task, None
        try:
            answer = self.connection.recv()
        except (EOFError, OSError):
            self.process.join(1)
            reason = f"the process that read it ended{_why(self.process.exitcode)}"
            self.kill()
            return Outcome(task, Crash(reason), self)
        if isinstance(answer, ModelError):
            raise answer
        return Outcome(task, answer, self)

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.join()
            self.process = None
        if self.connection is not None:
            self.connection.close()
            self.connection = None


def _serve(connection: Connection, run: Run) -> None:
    """Main loop of a process: receives tasks and sends results until the other end is closed."""
    end_with_parent()
    # C libraries print messages about broken files; they are discarded, because the results contain the reasons.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all processes of a terminal; the first one answers
    with contextlib.suppress(EOFError, OSError):
        while True:
            task = connection.recv()
            try:
                answer: Result | ModelError = run(task)
            except ModelError as error:
                answer = error
            connection.send(answer)


def _why(exit_code: int | None) -> str:
    if exit_code is not None and exit_code < 0:
        with contextlib.suppress(ValueError):
            return f" by {signal.Signals(-exit_code).name}"
    return f" with code {exit_code}"


class Patience:
    """True at most once per interval, which is in seconds."""

    def __init__(self, every_s: float) -> None:
        self._every_s = every_s
        self._last_s = time.monotonic()

    def over(self) -> bool:
        if time.monotonic() - self._last_s < self._every_s:
            return False
        self._last_s = time.monotonic()
        return True
