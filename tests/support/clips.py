"""The frames of a recorded clip, and the two ways to analyse them: every frame searched fully, or faces followed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from ml.inference.analyzer import Analyzer
from ml.inference.contract import Analysis, Request
from ml.inference.tracks import Tracker

JPEG_QUALITY = 85


def read_clip(clip: Path) -> tuple[list[bytes], list[float]]:
    """The frames of a video as JPEG files, as a browser sends them, and their times in seconds."""
    video, frames, times_s = cv2.VideoCapture(str(clip)), [], []
    while video.grab():
        times_s.append(video.get(cv2.CAP_PROP_POS_MSEC) / 1000)
        frames.append(encode(video.retrieve()[1]))
    if not frames:
        raise SystemExit(f"expected a video with frames, received none from {clip}")
    return frames, times_s


def run_full(analyzer: Analyzer, frames: Sequence[bytes], times_s: Sequence[float]) -> list[Analysis]:
    return [analyzer.analyze(Request(frame)) for frame in frames]


def run_tracked(analyzer: Analyzer, frames: Sequence[bytes], times_s: Sequence[float]) -> list[Analysis]:
    """As the web process does it, with the clip's own clock."""
    tracker = Tracker()
    analyses = []
    for frame, now_s in zip(frames, times_s, strict=True):
        request = Request(frame, tracker.near(now_s), tracker.full_search_due(now_s))
        analyses.append(analyzer.analyze(request))
        tracker.update(analyses[-1], now_s)
    return analyses


def one_face(analyses: Sequence[Analysis]) -> float:
    """Share of frames with exactly one face."""
    return sum(len(analysis.faces) == 1 for analysis in analyses) / len(analyses)


def encode(gray: np.ndarray) -> bytes:
    return cv2.imencode(".jpg", gray, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])[1].tobytes()
