"""Data-parallel training by several processes, on one machine or many: `keras.distribution` on JAX.

Every process holds the whole data set and the whole network. Each step, each process takes its slice of the batch. JAX
computes the step of the whole batch: the mean gradient and the statistics of batch normalisation are those of all
slices. Process 0 alone scores and writes. If a process ends, the others end too.
"""

from __future__ import annotations

import atexit
import contextlib
import hashlib
import os
import re
import sys
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from typing import NoReturn

import keras
import numpy as np

from ml.data import DataError
from ml.training.uncaught import on_uncaught

JOIN_S = 300
"""Time for all processes to meet."""
SILENCE_S = 60
"""Time without a sign of life after which a process counts as ended; a closed connection is noticed at once."""
LOST = (
    "expected every process of this training to go on, received the end of one; see its own message, "
    "then start all of them again with --resume"
)


@dataclass(frozen=True)
class Processes:
    """This process's place among those that train one network together.

    index: from 0. count: number of processes. devices: JAX devices of all processes together.
    """

    index: int = 0
    count: int = 1
    devices: int = 1

    @property
    def first(self) -> bool:
        """Whether this process scores and writes."""
        return self.index == 0

    def scope(self) -> AbstractContextManager[object]:
        """Inside it, networks are made and trained on the devices of all processes."""
        if self.count == 1:
            return contextlib.nullcontext()
        return keras.distribution.DataParallel(auto_shard_dataset=False).scope()

    def divisible(self, count: int, batch_size: int) -> int:
        """The number of pictures of an epoch such that the devices divide every batch; `count` with one process.

        Raises:
            DataError: the devices do not divide the batch size, or are more than the pictures.
        """
        if count < self.devices:
            raise DataError(f"expected a picture for each of the {self.devices} devices or more, received {count}")
        if batch_size % self.devices:
            raise DataError(
                f"expected --batch-size divisible by the {self.devices} devices of all processes, received {batch_size}"
            )
        return count - count % batch_size % self.devices

    def share(self, rows: np.ndarray) -> np.ndarray:
        """This process's rows of a batch, `(n / count, …)`."""
        size = len(rows) // self.count
        return rows[self.index * size : (self.index + 1) * size] if self.count > 1 else rows

    def require_same(self, work: str) -> None:
        """Compare a description of the work with that of the other processes.

        Raises:
            DataError: another process has a different one.
        """
        if self.count > 1:
            from jax.experimental import multihost_utils

            digest = np.frombuffer(hashlib.sha256(work.encode()).digest(), np.uint32)
            others = np.any(multihost_utils.process_allgather(digest) != digest, axis=1)
            if others.any():
                raise DataError(
                    "expected the same settings, pictures and votes in every process, "
                    f"received others in process {np.flatnonzero(others)[0]}"
                )

    def wait(self, moment: str) -> None:
        """Wait until every process has come to the same moment."""
        if self.count > 1:
            from jax.experimental import multihost_utils

            multihost_utils.sync_global_devices(moment)

    def is_end_of_another(self, error: Exception) -> bool:
        """Whether JAX raised this because another process has ended."""
        return self.count > 1 and re.search("gloo|nccl|coordination", str(error), re.IGNORECASE) is not None


ALONE = Processes()


@contextlib.contextmanager
def on_own_devices() -> Iterator[None]:
    """Networks run on this process's own devices, also inside `Processes.scope`."""
    distribution = keras.distribution.distribution()
    keras.distribution.set_distribution(None)
    try:
        yield
    finally:
        keras.distribution.set_distribution(distribution)


def join(coordinator: str, count: str, index: str, *, program: str) -> Processes:
    """Join the other processes; returns when all have joined.

    From then on the end of any process ends every other one with a sentence on stderr and exit code 2.

    Args:
        coordinator: `HOST:PORT` of process 0, the same in every process.
        count: number of processes, index: number of this one, from 0; as given on the command line.
        program: name for the sentence.

    Raises:
        DataError: the place is not one among several, the backend is not JAX, or the others can't be reached.
    """
    numbers = [int(text) if text.isascii() and text.isdigit() else -1 for text in (count, index)]
    if not re.fullmatch(r"\S+:[0-9]{1,5}", coordinator) or numbers[0] < 2 or not 0 <= numbers[1] < numbers[0]:
        raise DataError(
            "expected --distributed HOST:PORT PROCESSES INDEX with 2 processes or more and an index from 0 below their "
            f"number, received {coordinator} {count} {index}"
        )
    if keras.backend.backend() != "jax":
        raise DataError(f"expected KERAS_BACKEND=jax with --distributed, received {keras.backend.backend()}")
    import jax

    jax.config.update("jax_enable_preemption_service", False)  # it catches SIGTERM, which shall end the process
    _end_with_the_others(program)
    try:
        jax.distributed.initialize(
            coordinator,
            *numbers,
            cluster_detection_method="deactivate",
            initialization_timeout=JOIN_S,
            heartbeat_timeout_seconds=SILENCE_S,
        )
    except (RuntimeError, ValueError) as error:
        reason = str(error).splitlines()[0]
        received = "fewer, or one twice" if "bad_cast" in reason else f"the error: {reason}"
        raise DataError(
            f"expected {count} processes with the indices 0 to {numbers[0] - 1} that meet at {coordinator} within "
            f"{JOIN_S} s, received {received}"
        ) from error
    return Processes(numbers[1], numbers[0], jax.device_count())


def leave() -> None:
    """Leave the other processes in good order, when each of them has come to its end."""
    import jax

    atexit.unregister(_end_at_once)
    jax.distributed.shutdown()


def end_with_another(program: str) -> NoReturn:
    """Say that another process has ended, once although several threads may notice it, and end with exit code 2."""
    _ending.acquire()  # kept to the end
    with contextlib.suppress(OSError):
        os.write(2, f"{program}: {LOST}\n".encode())
    _end_at_once()


_ending = threading.Lock()


def _end_with_the_others(program: str) -> None:
    """End when JAX says that a process is lost; without, JAX aborts with a trace of C++ calls.

    JAX 0.10 can't pass its reason to the callback that it takes: the conversion throws `std::bad_cast` in a thread of
    JAX, which is the sign. An exit before `leave` is at once: JAX would wait five minutes for the others, and they for
    this process.
    """
    from jax._src import distributed

    library = distributed._jax
    connect = library.get_distributed_runtime_client
    library.get_distributed_runtime_client = partial(
        connect, missed_heartbeat_callback=lambda *_: end_with_another(program)
    )
    on_uncaught("St8bad_cast", library.__file__, partial(end_with_another, program))
    atexit.register(_end_at_once)


def _end_at_once() -> NoReturn:
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(2)
