"""Wrong tokens, counted by address: after a few, an address is refused for a minute, whatever it sends."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

WRONG_TOKENS = 20
"""Wrong tokens of one address in a minute, before the next are refused without a look."""
WINDOW_S = 60.0
GUESSING_ADDRESSES = 10_000
"""Addresses that are counted at a time; beyond that the one that began first is forgotten."""


class Guesses:
    """Counts wrong tokens.

    Args:
        clock: seconds, from any moment.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._counts: dict[str, tuple[float, int]] = {}
        self._lock = threading.Lock()

    def are_spent(self, address: str) -> bool:
        """Whether the address has sent too many wrong tokens in this minute."""
        with self._lock:
            return self._count(address)[1] >= WRONG_TOKENS

    def add(self, address: str) -> None:
        """The address has sent a wrong token. Its minute begins with the first."""
        with self._lock:
            began_s, count = self._count(address)
            self._counts[address] = (began_s, count + 1)
            if len(self._counts) > GUESSING_ADDRESSES:
                del self._counts[next(iter(self._counts))]

    def _count(self, address: str) -> tuple[float, int]:
        now_s = self._clock()
        began_s, count = self._counts.get(address, (now_s, 0))
        if now_s - began_s < WINDOW_S:
            return began_s, count
        del self._counts[address]  # so that a new minute takes the last place
        return now_s, 0
