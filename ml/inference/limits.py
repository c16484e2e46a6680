"""Limits that the system enforces on a worker: a fault in native code ends the worker and spares the machine."""

from __future__ import annotations

import contextlib
import math
import signal
import sys
from collections.abc import Iterator
from typing import Protocol

from ml.inference.contract import Analysis, Request

WORKER_MEMORY_BYTES = 4 * 1024**3
"""Address space of a worker. It suffices for a lossless WebP of 40 megapixels (`tests/ml/inference/test_limits.py`)."""
CPU_SPARE_S = 2
"""Processor time that a picture may use beyond its time budget; then the system ends the worker."""


class Analyzes(Protocol):
    """What a worker needs of an analyzer."""

    def analyze(self, request: Request) -> Analysis: ...


def limit_memory(size_bytes: int = WORKER_MEMORY_BYTES) -> None:
    """Refuse this process more address space: on Linux, and where nothing stricter is set already."""
    if sys.platform == "linux":
        import resource

        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        most = size_bytes if hard == resource.RLIM_INFINITY else min(size_bytes, hard)
        resource.setrlimit(resource.RLIMIT_AS, (most, hard))


class TimeLimited:
    """An analyzer whose process ends (SIGPROF) when a picture uses far more processor time than its budget."""

    def __init__(self, analyzer: Analyzes) -> None:
        self._analyzer = analyzer

    def analyze(self, request: Request) -> Analysis:
        with _processor_time(request.budget_ms / 1000 + CPU_SPARE_S):
            return self._analyzer.analyze(request)


@contextlib.contextmanager
def _processor_time(most_s: float) -> Iterator[None]:
    """The system ends the process if what is inside uses more processor time; on Linux.

    A timer counts from now on. RLIMIT_CPU counts from the start of the process, in clock ticks: after some minutes of
    many short pictures that is seconds more than the process's own clock says, and an innocent worker was ended.
    """
    if sys.platform != "linux" or math.isinf(most_s):
        yield
        return
    signal.setitimer(signal.ITIMER_PROF, most_s)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
