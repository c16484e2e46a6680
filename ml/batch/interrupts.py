"""Ctrl-C and SIGTERM for a loop that checks a flag; a loop that does not check it is ended after a second."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any, Self

GRACE_S = 0.8
"""A loop that has not stopped after this time is ended."""


class Interrupts:
    """While entered, the first signal sets `received`; before `defer` it raises KeyboardInterrupt as usual.

    Args:
        last_words: returns the message that is printed if the program has to be ended.
    """

    def __init__(self, last_words: Callable[[], str]) -> None:
        self.received: int | None = None
        self.deferred = False
        self._last_words = last_words
        self._handlers: dict[int, Any] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for name in ("SIGINT", "SIGTERM", "SIGHUP"):
                if (number := getattr(signal, name, None)) is not None:
                    self._handlers[number] = signal.signal(number, self._handle)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for number, handler in self._handlers.items():
            signal.signal(number, handler)

    def __call__(self) -> bool:
        return self.received is not None

    @property
    def exit_code(self) -> int:
        """The exit code that shells expect after a signal."""
        return 128 + (self.received or signal.SIGINT)

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        first, self.received = self.received is None, number
        if not self.deferred:
            raise KeyboardInterrupt
        if first:
            leave = threading.Timer(GRACE_S, self._leave)
            leave.daemon = True
            leave.start()

    def done(self) -> None:
        """Record that the program has stopped in order."""
        self._last_words = str

    def _leave(self) -> None:
        if words := self._last_words():
            print(words, file=sys.stderr, flush=True)
            os._exit(self.exit_code)


def end_at_interrupt(sentence: str) -> None:
    """Let Ctrl-C end the process with a sentence while nothing is begun, such as during the imports."""

    def end(_number: int, _frame: FrameType | None) -> None:
        with contextlib.suppress(OSError):
            os.write(2, f"\n{sentence}\n".encode())
        os._exit(128 + signal.SIGINT)

    signal.signal(signal.SIGINT, end)
