"""How much one connection may send: two token buckets, one for messages and one for bytes."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

MESSAGE_OVERHEAD_BYTES = 1024
MESSAGES_PER_S = 400
"""Messages per second that every connection may send, in addition to those of its frames."""
MESSAGES_PER_FRAME = 4
MAX_FRAGMENTS = 64
"""Browsers split a large message into a few fragments; thousands of tiny ones are an attack."""


class Refused(Exception):
    """A connection that has to end, with the reason that is counted and one sentence for the log."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True)
class Allowance:
    """What one connection may send each second, control frames and fragments included; bursts are of one second."""

    messages: float
    size_bytes: float

    @classmethod
    def of(cls, frames_per_second: float, max_frame_bytes: int) -> Allowance:
        """Enough for a camera or a recording at full rate: two messages a picture."""
        return cls(
            messages=MESSAGES_PER_S + MESSAGES_PER_FRAME * frames_per_second,
            size_bytes=(frames_per_second + 2) * (max_frame_bytes + MESSAGE_OVERHEAD_BYTES),
        )


class Meter:
    """Counts what one connection sends (two token buckets)."""

    def __init__(self, allowance: Allowance, clock: Callable[[], float] = time.monotonic) -> None:
        self._allowance = allowance
        self._clock = clock
        self._messages, self._bytes = allowance.messages, allowance.size_bytes
        self._refilled_s = clock()

    def take(self, size_bytes: int) -> None:
        """Take one message of this size from the allowance.

        Raises:
            Refused: the connection sent more than it may.
        """
        now_s = self._clock()
        elapsed_s, self._refilled_s = now_s - self._refilled_s, now_s
        rate = self._allowance
        self._messages = min(rate.messages, self._messages + elapsed_s * rate.messages) - 1
        self._bytes = min(rate.size_bytes, self._bytes + elapsed_s * rate.size_bytes) - size_bytes
        if self._messages < 0:
            raise Refused("flood", f"expected at most {rate.messages:.0f} messages a second, received more")
        if self._bytes < 0:
            raise Refused("flood", f"expected at most {rate.size_bytes / 1e6:.0f} MB a second, received more")
