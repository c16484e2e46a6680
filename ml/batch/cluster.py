"""The engine for Dask (https://distributed.dask.org): a running cluster, or a local one that is started here.

The workers need this code, the model file and the pictures under the same paths. If a worker is lost, another worker
repeats its task. Tasks are named by their content, so two tasks with the same name have the same result.
"""

from __future__ import annotations

import contextlib
import logging
import queue
from hashlib import blake2b
from pickle import dumps
from typing import Any

from ml.batch.engines import Crash, EngineError, Outcome, Run, run_task
from ml.batch.tasks import Task
from ml.inference.contract import ModelError

CONNECT_S = 10
CLOSE_S = 1
READY_TASKS = 1
"""Tasks that wait at each thread of a worker, so that it never waits for the network."""


class DaskEngine:
    """The workers of a scheduler.

    Args:
        scheduler: its address (`tcp://host:8786`); None starts a cluster of `jobs` processes here.

    Raises:
        EngineError: no scheduler answers there.
    """

    def __init__(self, scheduler: str | None, jobs: int, run: Run = run_task) -> None:
        for name in ("distributed", "distributed.worker", "tornado", "asyncio"):
            logging.getLogger(name).setLevel(logging.CRITICAL)
        import dask
        from distributed import Client, LocalCluster

        dask.config.set({"distributed.comm.timeouts.connect": CONNECT_S, "distributed.admin.log-format": "%(message)s"})
        self._cluster: Any = None
        self._run = run
        self._futures: dict[str, tuple[Any, Task]] = {}
        self._done: queue.SimpleQueue[str] = queue.SimpleQueue()
        if scheduler is None:
            self._cluster = LocalCluster(
                n_workers=jobs,
                threads_per_worker=1,
                processes=True,
                dashboard_address=None,
                silence_logs=logging.CRITICAL,
            )
        try:
            self._client = Client(self._cluster or scheduler, timeout=CONNECT_S, set_as_default=False)
        except (OSError, ValueError, TimeoutError) as error:
            message = f"expected a Dask scheduler at {scheduler}, received: {type(error).__name__}: {error}"
            raise EngineError(" ".join(message.split())) from None

    def free(self) -> int:
        workers = self._client.scheduler_info(n_workers=-1)["workers"].values()
        threads = sum(worker["nthreads"] for worker in workers)
        return max(1, threads * (1 + READY_TASKS)) - len(self._futures)

    def submit(self, task: Task, place: object = None) -> None:
        key = "ml.batch-" + blake2b(dumps(task), digest_size=16).hexdigest()
        workers = [place] if isinstance(place, str) else None
        future = self._client.submit(
            self._run, task, key=key, workers=workers, allow_other_workers=workers is not None, priority=len(task.paths)
        )
        self._futures[key] = future, task
        future.add_done_callback(lambda done: self._done.put(done.key))

    def wait(self, timeout_s: float) -> list[Outcome]:
        outcomes = []
        try:
            key = self._done.get(timeout=timeout_s)
            while True:
                if (outcome := self._outcome(key)) is not None:
                    outcomes.append(outcome)
                key = self._done.get_nowait()
        except queue.Empty:
            return outcomes

    def _outcome(self, key: str) -> Outcome | None:
        if key not in self._futures:
            return None
        future, task = self._futures.pop(key)
        if future.cancelled():
            self._again(task)
            return None
        problem = future.exception()
        if isinstance(problem, ModelError):
            raise problem
        if (kind := type(problem).__name__) == "KilledWorker":
            return Outcome(task, Crash("the workers that read it ended"), None)
        if problem is not None:
            raise EngineError(f"expected a worker with this program, received from it: {kind}: {problem}")
        try:
            places = self._client.who_has([future]).get(key) or [None]
            return Outcome(task, future.result(timeout=CONNECT_S), places[0])
        except Exception:  # whatever it is: the worker was lost with its result
            self._again(task)
            return None

    def _again(self, task: Task) -> None:
        """Repeat a task whose worker was lost.

        Raises:
            EngineError: the scheduler was lost as well.
        """
        try:
            self._client.nthreads()
        except Exception as error:  # of any layer between here and there
            raise EngineError(f"expected the Dask scheduler to stay, received: {error}") from None
        self.submit(task)

    def kill(self) -> None:
        for ours in filter(None, (self._client, self._cluster)):
            with contextlib.suppress(TimeoutError):  # a worker that is just starting; it ends with this process
                ours.close(timeout=CLOSE_S)
