"""The state of one live connection: its trackers and its rate limit. It ends with the connection."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from ml.inference.contract import Analysis, Busy, Request
from ml.inference.log_lines import request_id
from ml.inference.tracks import Tracker
from webapp.frame_options import FrameOptions
from webapp.metrics import Metrics
from webapp.pool.pool import AnalyzerPool
from webapp.pool.schedule import LIVE, RECORDING
from webapp.settings import Settings

BURST_S = 0.5
"""Size of a burst: a client may send the frames of this much time at once."""
MIN_BURST_FRAMES = 2.0
RECORDING_WINDOW_FRAMES = 8
"""Most unanswered frames of a recording per client."""


def burst_frames(frames_per_second: float) -> float:
    """How many frames a client may send in one burst."""
    return max(MIN_BURST_FRAMES, BURST_S * frames_per_second)


class Connection:
    """Sends one client's frames to the pool. Creates, reads and updates the client's trackers.

    Args:
        client: the client's id in the pool.
    """

    def __init__(self, client: str, pool: AnalyzerPool, settings: Settings, metrics: Metrics) -> None:
        self._client = client
        self._pool = pool
        self._frames_per_second = settings.frames_per_second
        self._smoothing_s = settings.smoothing_s
        self._metrics = metrics
        self._camera = Tracker(settings.smoothing_s)
        self._recording = self._recording_tracker()
        self._recording_under_way = 0
        self._allowance = burst_frames(settings.frames_per_second)
        self._refilled_s = time.monotonic()

    def analyse(self, image: bytes, options: FrameOptions) -> Analysis:
        """The analysis of a frame; its faces have ids and smoothed probabilities.

        Raises:
            AnalysisError: as `AnalyzerPool.live` or `.recording`; `Busy` also when the client exceeds its rate.
        """
        return self._read_recorded(image, options) if options.lane == RECORDING else self._read_live(image, options)

    def close(self) -> None:
        """Drop the client's waiting frames after it has disconnected."""
        self._pool.forget(self._client)

    def _read_live(self, image: bytes, options: FrameOptions) -> Analysis:
        now_s = time.monotonic()
        if not self._may_send(now_s):
            self._metrics.dropped(LIVE, "rate")
            raise Busy(f"expected at most {self._frames_per_second} frames a second, received more")
        if options.known is not None:
            self._camera = Tracker(self._smoothing_s)
            self._camera.resume(options.known)
        return self._pool.live(self._client, image, *_follow(self._camera, now_s))

    def _read_recorded(self, image: bytes, options: FrameOptions) -> Analysis:
        if self._recording_under_way >= RECORDING_WINDOW_FRAMES:
            self._metrics.dropped(RECORDING, "window")
            raise Busy(f"expected at most {RECORDING_WINDOW_FRAMES} unanswered frames of a recording, received more")
        if options.known is not None:
            self._recording = self._recording_tracker()
            self._recording.resume(options.known, options.next_id)
        prepare, complete = _follow(self._recording, options.time_s)
        self._recording_under_way += 1
        try:
            return self._pool.recording(self._client, image, options.time_s, prepare, complete)
        finally:
            self._recording_under_way -= 1

    def _recording_tracker(self) -> Tracker:
        """A tracker that answers the same recording in the same way each time."""
        return Tracker(self._smoothing_s, random_share=lambda: 0.0, has_cuts=True)

    def _may_send(self, now_s: float) -> bool:
        """Whether one more frame is within the client's rate."""
        earned = (now_s - self._refilled_s) * self._frames_per_second
        self._allowance = min(burst_frames(self._frames_per_second), self._allowance + earned)
        self._refilled_s = now_s
        if self._allowance < 1:
            return False
        self._allowance -= 1
        return True


def _follow(
    tracker: Tracker, time_s: float
) -> tuple[Callable[[Request, bool], Request], Callable[[Analysis], Analysis]]:
    """How the pool prepares the request for a frame of this time and completes its answer."""
    log_id = request_id.get()

    def prepare(request: Request, hurried: bool) -> Request:
        full_search = tracker.full_search_due(time_s, hurried)
        near, view = tracker.near(time_s), tracker.view
        return replace(request, near=near, full_search=full_search, view=view, log_id=log_id)

    def complete(analysis: Analysis) -> Analysis:
        return replace(analysis, faces=tracker.update(analysis, time_s))

    return prepare, complete
