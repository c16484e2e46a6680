"""Runs a few tasks at a time, on threads that eventlet can replace.

`concurrent.futures` cannot be used: its executor waits in a queue of C code, which stops every green thread.
"""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


def in_parallel(work: Callable[[T], R], items: Sequence[T], most: int) -> list[R]:
    """The result of `work` for each item, in order; at most `most` items at a time. `work` must not raise."""
    if len(items) == 1:
        return [work(items[0])]
    outcomes: dict[int, R] = {}
    waiting = iter(enumerate(items))
    lock = threading.Lock()

    def run() -> None:
        while True:
            with lock:
                pair = next(waiting, None)
            if pair is None:
                return
            outcomes[pair[0]] = work(pair[1])

    contexts = [contextvars.copy_context() for _ in range(min(most, len(items)))]  # log lines keep their request's id
    threads = [threading.Thread(target=context.run, args=(run,), daemon=True) for context in contexts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [outcomes[index] for index in range(len(items))]
