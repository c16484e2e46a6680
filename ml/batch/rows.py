"""One file to rows of the table, one for each face of each frame, or to the reason why it could not be read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2

from ml.inference.analyzer import Analyzer
from ml.inference.contract import AnalysisError, Face, Request
from ml.inference.tracks import Tracker

COLUMNS = (
    *("source", "frame", "timestamp_s", "face_id", "x", "y", "width", "height"),
    *("dominant_emotion", "confidence", "uncertain"),
)
"""The columns before those of the model's classes."""


@dataclass(frozen=True)
class Failure:
    """A source, or the rest of it, that could not be read, and why."""

    source: str
    code: str
    message: str


Outcome = dict[str, Any] | Failure
"""One row of the table, keyed by `COLUMNS` and the model's classes, or what went wrong."""


def row_of(face: Face, source: str, frame: int, timestamp_s: float | None) -> dict[str, Any]:
    """One face as a row of the table; `timestamp_s` and `face_id` are None for photos."""
    values = (
        *(source, frame, timestamp_s, face.id, face.box.x, face.box.y, face.box.w, face.box.h),
        *(face.dominant_emotion, face.confidence, face.uncertain),
    )
    return dict(zip(COLUMNS, values, strict=True)) | dict(zip(face.labels, face.emotions, strict=True))


def predict_photo(analyzer: Analyzer, path: Path) -> list[Outcome]:
    """The rows of a photo, largest face first; or its failure."""
    try:
        analysis = analyzer.analyze(Request(path.read_bytes(), thorough=True))
    except OSError as error:
        return [Failure(str(path), "unreadable", f"expected a readable file, received: {error.strerror}")]
    except AnalysisError as error:
        return [Failure(str(path), error.code, str(error))]
    return [row_of(face, str(path), 0, None) for face in analysis.faces]


def predict_video(analyzer: Analyzer, path: Path, step: int = 1) -> Iterator[list[Outcome]]:
    """The rows of a video, a list for each frame that was read, skipped frames included (with no row).

    Args:
        step: analyse every step-th frame.
    """
    video = cv2.VideoCapture(str(path)) if path.is_file() else None
    frames_read = 0
    if video is not None:
        tracker = Tracker(smoothing_s=0)
        while video.grab():
            frame, frames_read = frames_read, frames_read + 1
            if frame % step:
                yield []
                continue
            # The time of the frame just grabbed: right for variable frame rates too.
            now_s = round(video.get(cv2.CAP_PROP_POS_MSEC) / 1000, 6)
            decoded, picture = video.retrieve()
            if not decoded:
                yield [Failure(str(path), "bad_image", f"expected a picture in frame {frame}, received no pixels")]
                continue
            gray = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY) if picture.ndim == 3 else picture
            analysis = analyzer.analyze_gray(gray, tracker.near(now_s), tracker.full_search_due(now_s))
            yield [row_of(face, str(path), frame, now_s) for face in tracker.update(analysis, now_s)]
        video.release()
    if not frames_read:
        received = f"a file of {path.stat().st_size} bytes without any" if path.is_file() else "no such file"
        yield [Failure(str(path), "unreadable", f"expected a video with frames, received {received}")]
