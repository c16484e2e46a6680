"""The record of finished work, in a file beside the table: a killed run continues from it.

The record is an SQLite database. A part is recorded whole or not at all, two runs cannot write to the same table, and
results that arrive out of order wait on the disk.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from ml.batch.rows import Row
from ml.batch.sources import Failure

LAYOUT = 1
CRASHED = "crashed"
RETRIED = frozenset({"unreadable", "internal", CRASHED})
"""Failures that may be temporary: parts with such a failure are read again when a run is resumed."""


class RecordError(Exception):
    """The record can't be used. The message is one sentence: what was expected, what was received."""


@dataclass(frozen=True)
class Finished:
    """What a recorded part holds."""

    segments: int
    faces: int
    failures: int


class Record:
    """The record of a run, for one thread. Only committed results survive a kill.

    Raises:
        RecordError: the file can't be written, is damaged, or belongs to a run that is going on.
    """

    def __init__(self, path: Path, resume: bool) -> None:
        self.path = path
        try:
            self._open(resume)
        except sqlite3.OperationalError as error:
            if "locked" in str(error):
                raise RecordError(f"expected to be the only run that writes to {path}, received another one") from None
            raise RecordError(f"expected to write {path}, received: {error}") from None
        except sqlite3.DatabaseError as error:
            message = f"expected the record of an earlier run in {path}, received: {error}; remove it to start over"
            raise RecordError(message) from None

    def _open(self, resume: bool) -> None:
        self._database = sqlite3.connect(self.path, timeout=0.5, isolation_level=None)
        run = self._database.execute
        run("PRAGMA locking_mode = EXCLUSIVE")
        run("PRAGMA journal_mode = TRUNCATE")
        run("PRAGMA synchronous = NORMAL")
        run("PRAGMA cache_size = -16000")  # 16 MB hold the index of a million files
        run("BEGIN EXCLUSIVE")
        (layout,) = run("PRAGMA user_version").fetchone()
        if not resume or layout != LAYOUT:
            run("DROP TABLE IF EXISTS parts")
            run("DROP TABLE IF EXISTS results")
        run("CREATE TABLE IF NOT EXISTS parts (key TEXT PRIMARY KEY, segments INT, faces INT, failures INT)")
        columns = "key TEXT, segment INT, faces TEXT, failures TEXT"
        run(f"CREATE TABLE IF NOT EXISTS results ({columns}, PRIMARY KEY (key, segment))")
        run(f"PRAGMA user_version = {LAYOUT}")

    @property
    def is_empty(self) -> bool:
        """Whether no results are recorded, those of unfinished parts included."""
        return self._run("SELECT 1 FROM results LIMIT 1").fetchone() is None

    def count(self) -> int:
        """Rows and failures recorded so far, those of unfinished and of forgotten parts included."""
        query = "SELECT TOTAL(json_array_length(faces) + json_array_length(failures)) FROM results"
        return int(self._run(query).fetchone()[0])

    def finished(self, key: str) -> Finished | None:
        """The summary of a finished part, else None."""
        found = self._run("SELECT segments, faces, failures FROM parts WHERE key = ?", key).fetchone()
        return found and Finished(*found)

    def add(self, key: str, segment: int, rows: Sequence[Row], failures: Sequence[Failure]) -> None:
        """Store the results of a part or of a segment of it; replaces earlier ones."""
        texts = json.dumps(rows), json.dumps([astuple(failure) for failure in failures])
        self._run("INSERT OR REPLACE INTO results VALUES (?, ?, ?, ?)", key, segment, *texts)

    def finish(self, key: str, finished: Finished) -> None:
        values = (key, finished.segments, finished.faces, finished.failures)
        self._run("INSERT OR REPLACE INTO parts VALUES (?, ?, ?, ?)", *values)

    def results(self, key: str, segment: int) -> tuple[list[Row], list[Failure]]:
        """The results of a segment.

        Raises:
            RecordError: there are none.
        """
        query = "SELECT faces, failures FROM results WHERE key = ? AND segment = ?"
        found = self._run(query, key, segment).fetchone()
        if found is None:
            raise RecordError(f"expected segment {segment} of {key} in {self.path}, received none; remove it")
        return [tuple(row) for row in json.loads(found[0])], [Failure(*values) for values in json.loads(found[1])]

    def forget(self, codes: frozenset[str] = RETRIED) -> None:
        """Drop parts whose failures may have been temporary."""
        keys = {
            key
            for key, failures in self._run("SELECT key, failures FROM results WHERE failures != '[]'")
            if any(code in codes for _, code, _ in json.loads(failures))
        }
        for key in keys:
            self._run("DELETE FROM parts WHERE key = ?", key)

    def commit(self) -> None:
        """Commit: everything so far survives a kill."""
        self._run("COMMIT")
        self._run("BEGIN EXCLUSIVE")

    def _run(self, query: str, *values: object) -> sqlite3.Cursor:
        try:
            return self._database.execute(query, values)
        except sqlite3.DatabaseError as error:
            raise RecordError(f"expected to write {self.path}, received: {error}") from None

    def close(self) -> None:
        self._database.close()

    def remove(self) -> None:
        """Close and delete it."""
        self.close()
        for path in (self.path, self.path.with_name(self.path.name + "-journal")):
            path.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()
