"""Tables as one JSON document, which is whole and can be read after each flush."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from ml.batch.rows import Row
from ml.batch.sources import Failure
from ml.batch.staged_file import StagedFile
from ml.batch.table import FAILURE_COLUMNS, JSON_START, encoded, failure_values, json_object

_ERRORS, _END = b'\n ],\n "errors": [', b"\n ]\n}\n"


class JsonTable:
    """One JSON document, `{"faces": […], "errors": […]}`. Its end is written anew by each flush."""

    def __init__(self, out: Path, columns: Sequence[str]) -> None:
        self._columns = tuple(columns)
        self._position = len(JSON_START)
        self._file = StagedFile(out, JSON_START + _ERRORS + _END)
        self._failures = tempfile.TemporaryFile()  # noqa: SIM115 (closed by close or discard)
        self._texts: list[str] = []
        self._counts = [0, 0]
        self._due_s = 0.0

    def add(self, rows: Sequence[Row], failures: Sequence[Failure]) -> None:
        for row in rows:
            self._texts.append((",\n  " if self._counts[0] else "\n  ") + json_object(self._columns, row))
            self._counts[0] += 1
        for failure in failures:
            text = (",\n  " if self._counts[1] else "\n  ") + json_object(FAILURE_COLUMNS, failure_values(failure))
            self._failures.write(encoded(text))
            self._counts[1] += 1

    def flush(self) -> None:
        started_s = time.monotonic()
        if started_s >= self._due_s:
            self._write_end()
            # A long list of failures takes long to write: no more than a tenth of the time goes into it.
            self._due_s = time.monotonic() + 10 * (time.monotonic() - started_s)

    def _write_end(self) -> None:
        self._failures.seek(0)
        start = encoded("".join(self._texts))
        self._file.replace_from(self._position, start + _ERRORS + self._failures.read() + _END)
        self._texts.clear()
        self._position += len(start)

    def publish(self) -> None:
        self._write_end()
        self._file.publish()

    def close(self) -> None:
        self.publish()
        self._file.close()
        self._failures.close()

    def discard(self) -> None:
        self._file.discard()
        self._failures.close()
