"""What the server keeps of one live connection, and only while it lasts: who is in view, and how fast it may send."""

from __future__ import annotations

import time
from dataclasses import replace

from ml.inference.contract import Analysis, Busy, Request
from ml.inference.tracks import Tracker
from webapp.metrics import Metrics
from webapp.pool.pool import AnalyzerPool
from webapp.settings import Settings

BURST_S = 0.5
"""A client may send the frames of this time at once."""
MIN_BURST_FRAMES = 2.0


def burst_frames(frames_per_second: float) -> float:
    """How many frames a client may send in one burst."""
    return max(MIN_BURST_FRAMES, BURST_S * frames_per_second)


class Connection:
    """One client's frames on their way to the pool. The tracker of its camera is created, asked and updated here.

    Args:
        client: the client's id in the pool.
    """

    def __init__(self, client: str, pool: AnalyzerPool, settings: Settings, metrics: Metrics) -> None:
        self._client = client
        self._pool = pool
        self._frames_per_second = settings.frames_per_second
        self._metrics = metrics
        self._tracker = Tracker(settings.smoothing_s)
        self._allowance = burst_frames(settings.frames_per_second)
        self._refilled_s = time.monotonic()

    def analyse(self, image: bytes) -> Analysis:
        """The analysis of a live frame, its faces with ids and smoothed.

        Raises:
            AnalysisError: as `AnalyzerPool.live`; `Busy` also when the client sends faster than it may.
        """
        now_s = time.monotonic()
        if not self._may_send(now_s):
            self._metrics.dropped("live", "rate")
            raise Busy(f"expected at most {self._frames_per_second} frames a second, received more")

        def prepare(request: Request, hurried: bool) -> Request:
            near, full_search = self._tracker.near(now_s), self._tracker.full_search_due(now_s, hurried)
            return replace(request, near=near, full_search=full_search)

        def complete(analysis: Analysis) -> Analysis:
            return replace(analysis, faces=self._tracker.update(analysis, now_s))

        return self._pool.live(self._client, image, prepare, complete)

    def close(self) -> None:
        """Drop what still waits: nobody is there to read the answer."""
        self._pool.forget(self._client)

    def _may_send(self, now_s: float) -> bool:
        """Whether one more frame is within the client's rate."""
        earned = (now_s - self._refilled_s) * self._frames_per_second
        self._allowance = min(burst_frames(self._frames_per_second), self._allowance + earned)
        self._refilled_s = now_s
        if self._allowance < 1:
            return False
        self._allowance -= 1
        return True
