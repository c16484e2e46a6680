"""The work of one process of a run: reads photos and tracks faces in videos, one task at a time.

A task contains everything that is needed, so any process can do it, on this machine or in a cluster. A task may be
repeated, for instance after its process was killed; the results are the same.
"""

from __future__ import annotations

import os
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

# FFmpeg reads local files only, even if a playlist names other addresses, and prints no messages.
os.environ.setdefault("OPENCV_FFMPEG_CAPTURE_OPTIONS", "protocol_whitelist;file")
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
os.environ.setdefault("OPENCV_LOG_LEVEL", "OFF")

import cv2

from ml.batch.containers import inspect
from ml.batch.rows import Row, row_of
from ml.batch.sources import Failure, shown
from ml.batch.tasks import Result, Settings, Task, VideoState
from ml.inference.analyzer import Analyzer
from ml.inference.classifier import Classifier
from ml.inference.contract import AnalysisError, BadImage, InternalError, ModelError, Request, TooLarge
from ml.inference.preprocess import as_served
from ml.inference.tracks import Tracker

MAX_PHOTO_BYTES = 512 << 20
"""A larger file is refused unread."""
PHOTO_BUDGET_MS = 120_000.0
"""The search of one photo ends after this long; usual ones take less than a hundredth of it."""
SEGMENT_S = 1.0
"""A task analyses a video for at most this long; the rest of the video is another task."""


class Reader:
    """Reads files with one analyzer, in one thread; keeps the last video open."""

    def __init__(self, analyzer: Analyzer, settings: Settings, clock: Callable[[], float] = time.monotonic) -> None:
        self._analyzer, self._settings, self._clock = analyzer, settings, clock
        self._open: tuple[str, int, cv2.VideoCapture] | None = None

    def photo(self, path: str) -> list[Row]:
        """The rows of a photo, largest face first.

        Raises:
            OSError, AnalysisError: it can't be read.
        """
        if (size := Path(path).stat().st_size) > MAX_PHOTO_BYTES:
            raise TooLarge(f"expected a photo of at most {MAX_PHOTO_BYTES:,} bytes, received {size:,}")
        exhaustive, content = self._settings.thorough, as_served(Path(path).read_bytes())
        request = Request(content, thorough=True, exhaustive=exhaustive, budget_ms=PHOTO_BUDGET_MS)
        analysis = self._analyzer.analyze(request)
        return [row_of(face, shown(path), 0, None) for face in analysis.faces]

    def video(self, path: str, state: VideoState) -> tuple[list[Row], VideoState]:
        """The rows of a video's next frames, read for `SEGMENT_S`, and where to go on.

        Raises:
            OSError, AnalysisError: it can't be read.
        """
        name, rows = shown(path), []
        tracker: Tracker = state.tracker or Tracker(smoothing_s=0, random_share=_no_head_start, has_cuts=True)
        frame, undecoded = state.next_frame, state.undecoded
        capture = self._capture(path, frame)
        until_s = self._clock() + SEGMENT_S
        more = True
        while self._clock() < until_s and (more := capture.grab()):
            frame += 1
            if (frame - 1) % self._settings.step:
                continue
            # The time of the frame just grabbed: right for variable frame rates too.
            now_s = round(capture.get(cv2.CAP_PROP_POS_MSEC) / 1000, 6)
            decoded, picture = capture.retrieve()
            if not decoded:
                undecoded += 1
                continue
            gray = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY) if picture.ndim == 3 else picture
            near, full_search = tracker.near(now_s), tracker.full_search_due(now_s)
            analysis = self._analyzer.analyze_gray(gray, near, full_search, view=tracker.view)
            rows += [row_of(face, name, frame - 1, now_s) for face in tracker.update(analysis, now_s)]
        estimate = capture.get(cv2.CAP_PROP_FRAME_COUNT)
        if more:
            self._open = (path, frame, capture)
            fraction = min(1.0, frame / estimate) if estimate > 0 else state.fraction
            return rows, VideoState(frame, tracker, undecoded, fraction)
        capture.release()
        return rows, VideoState(frame, tracker, undecoded, 1.0, estimate, ended=True)

    def _capture(self, path: str, next_frame: int) -> cv2.VideoCapture:
        """The video, positioned before the frame with this number."""
        known, self._open = self._open, None
        if known is not None and known[:2] == (path, next_frame):
            return known[2]
        capture = open_video(path)
        for _ in range(next_frame):
            capture.grab()
        return capture

    def run(self, task: Task) -> Result:
        """Do a task; what can't be read is in the result."""
        started_s = self._clock()
        rows: list[Row] = []
        failures: list[Failure] = []
        state: VideoState | None = None
        for path in task.paths:
            try:
                if task.kind == "photo":
                    rows += self.photo(path)
                    continue
                with open(path, "rb"):  # noqa: PTH123 (OpenCV does not say why it can't open a file)
                    pass
                found, state = self.video(path, task.state or VideoState())
                rows += found
                if state.ended:
                    if problem := incomplete(path, state):
                        failures.append(problem)
                    state = None
            except OSError as error:
                received = error.strerror or str(error)
                if isinstance(error, FileNotFoundError):
                    received = "no such file"
                failures.append(Failure(shown(path), "unreadable", f"expected a readable file, received: {received}"))
            except AnalysisError as error:
                failures.append(Failure(shown(path), error.code, str(error)))
            except Exception as error:  # a bug must not end a run of a million files
                message = f"expected an answer, received an internal error: {error!r}"
                failures.append(Failure(shown(path), InternalError.code, message))
        return Result(tuple(rows), tuple(failures), state, self._clock() - started_s)


def incomplete(path: str, state: VideoState) -> Failure | None:
    """What is wrong with a video that was read to its end; None if it was whole."""
    contents = inspect(path)
    read = state.next_frame
    if not read:
        received = f"a file of {Path(path).stat().st_size} bytes without any"
        return Failure(shown(path), "unreadable", f"expected a video with frames, received {received}")
    announced = contents.frames or 0
    if contents.damage is not None and 0 < state.announced < 1e9:
        announced = max(announced, round(state.announced))
    missing = state.undecoded + max(0, announced - read)
    if contents.damage is None and not missing:
        return None
    received = f"{read - state.undecoded} frames that decode"
    expected = f"the {announced} frames that the video announces" if announced > read else "a whole video"
    reason = contents.damage or "the others are damaged"
    return Failure(shown(path), BadImage.code, f"expected {expected}, received {received}: {reason}")


def open_video(path: str) -> cv2.VideoCapture:
    """Open a file by its absolute path: a name is never taken for an address or a protocol."""
    absolute = os.path.abspath(path)  # noqa: PTH100
    try:
        absolute.encode()
    except UnicodeEncodeError:
        # OpenCV needs a name that is valid text; a file with another name is opened through a temporary link.
        with tempfile.TemporaryDirectory() as folder:
            link = Path(folder) / f"video{Path(path).suffix}"
            link.symlink_to(absolute)
            return cv2.VideoCapture(str(link))
    return cv2.VideoCapture(absolute)


def _no_head_start() -> float:
    """Fixed numbers instead of random ones, so that the same video always gives the same rows."""
    return 0.0


_reader = threading.local()  # neither cascades nor interpreters can be shared between threads


def run(task: Task) -> Result:
    """Do a task in this process and thread; what was loaded for the last one is kept.

    Raises:
        ModelError: the model is not the one that the run was started with.
    """
    if getattr(_reader, "settings", None) != task.settings:
        classifier = Classifier(task.settings.model)
        if classifier.info["version"] != task.settings.version:
            expected, received = task.settings.version, classifier.info["version"]
            raise ModelError(f"expected model {expected} in {task.settings.model}, received {received}")
        analyzer = Analyzer(classifier)
        analyzer.warm_up()
        _reader.value, _reader.settings = Reader(analyzer, task.settings), task.settings
    return _reader.value.run(task)
