"""When an answer is no longer worth the work: searches ask between their steps and end."""

from __future__ import annotations

import math
import time

from ml.inference.contract import Busy


class Deadline:
    """A time on the monotonic clock after which nobody waits for the answer.

    Args:
        budget_ms: time from now; infinite means never.
    """

    def __init__(self, budget_ms: float = math.inf) -> None:
        self._budget_ms = budget_ms
        self._ends_s = time.monotonic() + budget_ms / 1000

    def check(self) -> None:
        """Do nothing in time.

        Raises:
            Busy: the time is over.
        """
        if time.monotonic() >= self._ends_s:
            raise Busy(f"expected an answer within {self._budget_ms:.0f} ms, received none by then: the search ended")


NO_DEADLINE = Deadline()
"""For callers who wait as long as it takes."""
