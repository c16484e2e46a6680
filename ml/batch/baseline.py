"""Columns `baseline_*`: how far each face is from the same person's neutral, in log-odds (`ml.inference.baseline`)."""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np

from ml.batch.rows import COLUMNS, Row
from ml.batch.sources import Failure, shown
from ml.batch.table import Table
from ml.batch.tasks import Settings, Task
from ml.inference.baseline import change_from, mean_of, quiet_stretch

AUTO = "auto"
"""Value instead of a file name: each face of a video is compared with its own quietest stretch."""
SOURCE, TIME, FACE, WIDTH, HEIGHT = map(COLUMNS.index, ("source", "timestamp_s", "face_id", "width", "height"))


class BaselineError(Exception):
    """A file has no usable baseline. The message says what was expected and what was received."""


def baseline_columns(columns: Sequence[str]) -> tuple[str, ...]:
    """The columns of a table and one more for each class."""
    return (*columns, *(f"baseline_{name}" for name in columns[len(COLUMNS) :]))


def read_baseline(path: str, settings: Settings) -> tuple[float, ...]:
    """The mean probabilities of one neutral person on a photo or in a video: of the largest face of each frame.

    Raises:
        BaselineError: the file can't be read or holds no face.
    """
    from ml.batch.reading import run
    from ml.batch.sources import find_sources

    name = shown(path)
    if os.path.isdir(path):  # noqa: PTH112 (Path.is_dir raises for some paths)
        raise BaselineError(f"--baseline {name}: expected one photo or video, received a folder")
    (source,) = find_sources([path])
    if isinstance(source, Failure):
        raise BaselineError(f"--baseline {name}: {source.message}")
    rows: list[Row] = []
    task: Task | None = Task(source.kind, (source.path,), settings)
    while task is not None:
        result = run(task)
        if result.failures:
            raise BaselineError(f"--baseline {name}: {result.failures[0].message}")
        rows += result.rows
        task = Task(source.kind, (source.path,), settings, result.state) if result.state is not None else None
    if not rows:
        raise BaselineError(f"--baseline {name}: expected a neutral face, received none")
    largest = {row[TIME]: row for row in sorted(rows, key=lambda row: row[WIDTH] * row[HEIGHT])}
    return mean_of([row[len(COLUMNS) :] for row in largest.values()])


class BaselineTable:
    """A table whose rows get the change from a baseline.

    Args:
        table: receives the extended rows. baseline: one person's, for every row. With None, each face of a video is
            compared with its own quietest stretch; the rows of a video are then kept until the next source begins, and
            the cells of photos stay empty.
        neutral: index of neutral among the classes.
    """

    def __init__(self, table: Table, baseline: Sequence[float] | None, neutral: int) -> None:
        self._table, self._baseline, self._neutral = table, baseline, neutral
        self._kept: list[Row] = []

    def add(self, rows: Sequence[Row], failures: Sequence[Failure]) -> None:
        if self._baseline is not None:
            self._table.add([row + change_from(self._baseline, row[len(COLUMNS) :]) for row in rows], failures)
            return
        for row in rows:
            if self._kept and self._kept[0][SOURCE] != row[SOURCE]:
                self._release()
            self._kept.append(row)
        self._table.add([], failures)

    def _release(self) -> None:
        """Compare the faces of the source that has ended."""
        baselines: dict[object, tuple[float, ...] | None] = {}
        for face in {row[FACE] for row in self._kept if row[TIME] is not None}:
            rows = [row for row in self._kept if row[FACE] == face]
            readings = np.asarray([row[len(COLUMNS) :] for row in rows], float)
            stretch = quiet_stretch(np.asarray([row[TIME] for row in rows], float), readings, self._neutral)
            baselines[face] = None if stretch is None else mean_of(readings[stretch].tolist())
        longer = []
        for row in self._kept:
            values, baseline = row[len(COLUMNS) :], baselines.get(row[FACE])
            longer.append(row + (change_from(baseline, values) if baseline else (None,) * len(values)))
        self._kept = []
        self._table.add(longer, [])

    def flush(self) -> None:
        self._table.flush()

    def publish(self) -> None:
        self._table.publish()

    def close(self) -> None:
        self._release()
        self._table.close()

    def discard(self) -> None:
        self._table.discard()
