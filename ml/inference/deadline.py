"""The deadline of an answer. Searches check it between their steps and end when it has passed."""

from __future__ import annotations

import math
import time

from ml.inference.contract import Busy


class Deadline:
    """A time on the monotonic clock after which the answer is no longer needed.

    Args:
        budget_ms: time from now; infinite means never.
    """

    def __init__(self, budget_ms: float = math.inf) -> None:
        self._budget_ms = budget_ms
        self._ends_s = time.monotonic() + budget_ms / 1000

    def check(self) -> None:
        """Return if the deadline has not passed.

        Raises:
            Busy: the time is over.
        """
        if time.monotonic() >= self._ends_s:
            raise Busy(f"expected an answer within {self._budget_ms:.0f} ms, received none: the search was stopped")


NO_DEADLINE = Deadline()
"""A deadline that never passes."""
