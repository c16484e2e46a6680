"""Progress of a run in one line on stderr: files, rows, failures, speed, and the remaining time of the whole job."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterable
from typing import TextIO

from ml.batch.sources import Failure, Kind, Source

TERMINAL_S, LOG_S = 0.5, 15.0
"""A line is renewed this often in a terminal, and added this often in a log."""
PHOTO_S, VIDEO_BYTE_S = 0.2, 4e-6
"""Guesses of the cost of a photo and of a video's byte, until there are measurements."""


class Progress:
    """Counts finished work. A thread lists the sources a second time to find `total`; the run lists them step by step.

    Args:
        sources: creates the stream of sources again; with None nothing is shown.
        clock: seconds.
    """

    def __init__(
        self,
        sources: Callable[[], Iterable[Source | Failure]] | None,
        jobs: int = 1,
        stream: TextIO | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._stream = stream or sys.stderr
        self._clock, self._jobs = clock, jobs
        self._quiet = sources is None
        self._terminal = self._stream.isatty()
        self._started_s = self._shown_s = clock()
        self.files = self.rows = self.failures = 0
        self._photos = self._skipped = 0
        self._video_bytes = 0.0
        self._photo_s = self._video_s = 0.0
        self._read_photos, self._read_bytes = 0, 0.0
        self.total: tuple[int, int, int] | None = None
        if sources is not None:
            threading.Thread(target=self._count, args=(sources,), name="count files", daemon=True).start()

    def _count(self, sources: Callable[[], Iterable[Source | Failure]]) -> None:
        files = photos = video_bytes = 0
        for source in sources():
            files += 1
            if isinstance(source, Source):
                photos += source.kind == "photo"
                video_bytes += source.size if source.kind == "video" else 0
        self.total = files, photos, video_bytes

    def add(self, rows: int = 0, failures: int = 0, files: int = 0) -> None:
        self.files += files
        self.rows += rows
        self.failures += failures

    def add_read(self, kind: Kind, files: int, video_bytes: float, busy_s: float | None) -> None:
        """Count finished files, or a part of a video.

        Args:
            busy_s: the time that a process needed; None if an earlier run had read it.
        """
        if busy_s is None:
            self._skipped += files
        if kind == "photo":
            self._photos += files
            if busy_s is not None:
                self._read_photos += files
                self._photo_s += busy_s
        else:
            self._video_bytes += video_bytes
            if busy_s is not None:
                self._read_bytes += video_bytes
                self._video_s += busy_s

    def seconds_left(self) -> float | None:
        """The remaining time, from the time that photos and video bytes took so far; None without measurements."""
        if self.total is None or not (self._photo_s or self._video_s):
            return None
        _, photos, video_bytes = self.total
        a_photo_s = self._photo_s / self._read_photos if self._read_photos else PHOTO_S
        a_byte_s = self._video_s / self._read_bytes if self._read_bytes else VIDEO_BYTE_S
        work_s = max(0, photos - self._photos) * a_photo_s + max(0.0, video_bytes - self._video_bytes) * a_byte_s
        return work_s / self._jobs

    def line(self) -> str:
        elapsed_s = max(self._clock() - self._started_s, 1e-3)
        of = f" of {self.total[0]:,}" if self.total else ""
        parts = [f"{self.files:,}{of} files", f"{self.rows:,} rows", f"{self.failures:,} failures"]
        parts.append(f"{(self.files - self._skipped) / elapsed_s:.1f} files/s")
        left_s = self.seconds_left()
        if left_s is not None:
            parts.append(f"{duration(left_s)} left")
        return " · ".join(parts) if "utf" in (getattr(self._stream, "encoding", "") or "").lower() else ", ".join(parts)

    def show(self) -> None:
        """Show the line if it is time."""
        every_s = TERMINAL_S if self._terminal else LOG_S
        if self._quiet or self._clock() - self._shown_s < every_s:
            return
        self._shown_s = self._clock()
        self._stream.write(f"\r\x1b[K{self.line()}" if self._terminal else f"{self.line()}\n")
        self._stream.flush()

    def clear(self) -> None:
        """Leave a terminal's line empty."""
        if self._terminal and not self._quiet:
            self._stream.write("\r\x1b[K")
            self._stream.flush()


def duration(seconds: float) -> str:
    """A duration as people write it: `40 s`, `3 min 20 s`, `2 h 10 min`, `3 d 4 h`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    if whole < 86400:
        return f"{whole // 3600} h {whole % 3600 // 60} min"
    return f"{whole // 86400} d {whole % 86400 // 3600} h"
