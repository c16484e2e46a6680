"""Tables as CSV or JSON lines: one file for the rows, and one for the failures if there are any."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from ml.batch.rows import Row
from ml.batch.sources import Failure
from ml.batch.staged_file import StagedFile
from ml.batch.table import FAILURE_COLUMNS, encoded, errors_path, failure_values, json_object


class LineTable:
    """A table of lines.

    Args:
        format_lines: `csv_lines` or `json_lines`.
    """

    def __init__(self, out: Path, columns: Sequence[str], format_lines: Callable[..., str]) -> None:
        self._columns, self._format = tuple(columns), format_lines
        self._errors_place = errors_path(out)
        self._rows: list[Row] = []
        self._failures: list[Failure] = []
        self._errors: StagedFile | None = None
        self._file = StagedFile(out, encoded(format_lines(self._columns, (), header=True)))

    def add(self, rows: Sequence[Row], failures: Sequence[Failure]) -> None:
        self._rows += rows
        self._failures += failures

    def flush(self) -> None:
        if self._rows:
            self._file.write(encoded(self._format(self._columns, self._rows)))
            self._rows.clear()
        if self._failures:
            if self._errors is None:
                header = self._format(FAILURE_COLUMNS, (), header=True)
                self._errors = StagedFile(self._errors_place, encoded(header))
            values = [failure_values(failure) for failure in self._failures]
            self._errors.write(encoded(self._format(FAILURE_COLUMNS, values)))
            self._failures.clear()
            if self._file.published:
                self._errors.publish()

    def publish(self) -> None:
        self.flush()
        if not self._file.published and self._errors is None:
            self._errors_place.unlink(missing_ok=True)
        self._file.publish()
        if self._errors is not None:
            self._errors.publish()

    def close(self) -> None:
        self.publish()
        for file in filter(None, (self._file, self._errors)):
            file.close()

    def discard(self) -> None:
        for file in filter(None, (self._file, self._errors)):
            file.discard()


def csv_lines(columns: Sequence[str], rows: Iterable[Row], header: bool = False) -> str:
    text = io.StringIO(newline="")
    table = csv.writer(text)
    if header:
        table.writerow(columns)
    table.writerows(rows)
    return text.getvalue()


def json_lines(columns: Sequence[str], rows: Iterable[Row], header: bool = False) -> str:
    return "".join(json_object(columns, row) + "\n" for row in rows)
