"""The table and the list of failures as files: CSV, JSON, JSON lines or Parquet, in UTF-8 on every machine.

A table is written beside the one that it replaces and takes its place by `publish`, so that the place never holds less
than before. After each `flush`, CSV, JSON lines and JSON are whole and can be read; Parquet is after `close`.
"""

from __future__ import annotations

import csv
import io
import json
import os
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import fields
from pathlib import Path
from typing import IO, Any, Protocol

from ml.batch.rows import TYPES, Row
from ml.batch.sources import Failure

FAILURE_COLUMNS = tuple(field.name for field in fields(Failure))
PARQUET_GROUP = 50_000
"""Rows of a Parquet row group."""


class Table(Protocol):
    """Something that rows and failures are written to."""

    def add(self, rows: Sequence[Row], failures: Sequence[Failure]) -> None: ...

    def flush(self) -> None: ...

    def publish(self) -> None:
        """Take the place of an older table."""

    def close(self) -> None:
        """Write everything and publish it."""

    def discard(self) -> None:
        """Leave an older table as it is, if this one was not published."""


def open_table(out: Path, columns: Sequence[str]) -> Table:
    """A table in the format of the file's suffix, and its failures beside it (in JSON: in the same document).

    Raises:
        OSError: it can't be written there.
    """
    out.parent.mkdir(parents=True, exist_ok=True)
    places = (out,) if out.suffix.lower() == ".json" else (out, errors_path(out))
    for place in places:
        if place.is_dir():
            raise IsADirectoryError(21, "it is a folder", str(place))
        if place.exists() and not os.access(place, os.W_OK):
            raise PermissionError(13, "it is write-protected", str(place))
    match out.suffix.lower():
        case ".json":
            return _Document(out, columns)
        case ".parquet":
            return _ParquetTable(out, columns)
        case suffix:
            return _LineTable(out, columns, _csv_lines if suffix == ".csv" else _json_lines)


def errors_path(out: Path) -> Path:
    """Where the failures of a table are listed."""
    return out if out.suffix.lower() == ".json" else out.with_suffix(f".errors{out.suffix}")


class _File:
    """A file that is written beside its place and moved there by `publish`; later writes are appended."""

    def __init__(self, place: Path) -> None:
        self._place = place
        self._path = place.with_name(f".{place.name}.new")
        self._file: IO[bytes] | None = self._path.open("w+b", buffering=0)
        self.published = False

    def write(self, data: bytes) -> None:
        assert self._file is not None
        left = memoryview(data)
        while left:
            left = left[self._file.write(left) or 0 :]

    def replace_from(self, position: int, data: bytes) -> None:
        """Write over what stands from a position on."""
        assert self._file is not None
        self._file.seek(position)
        self.write(data)
        self._file.truncate()

    def publish(self) -> None:
        if self.published:
            return
        self.close()  # Windows moves no open file
        self._path.replace(self._place)
        self._file = self._place.open("r+b", buffering=0)
        self._file.seek(0, os.SEEK_END)
        self.published = True

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def discard(self) -> None:
        self.close()
        if not self.published:
            self._path.unlink(missing_ok=True)


class _LineTable:
    """CSV or JSON lines: one file for the rows, and one for the failures if there are any."""

    def __init__(self, out: Path, columns: Sequence[str], format_lines: Callable[..., str]) -> None:
        self._columns, self._format = tuple(columns), format_lines
        self._errors_place = errors_path(out)
        self._rows: list[Row] = []
        self._failures: list[Failure] = []
        self._errors: _File | None = None
        self._file = _File(out)
        self._file.write(_encoded(format_lines(self._columns, (), header=True)))

    def add(self, rows: Sequence[Row], failures: Sequence[Failure]) -> None:
        self._rows += rows
        self._failures += failures

    def flush(self) -> None:
        if self._rows:
            self._file.write(_encoded(self._format(self._columns, self._rows)))
            self._rows.clear()
        if self._failures:
            first = self._errors is None
            if self._errors is None:
                self._errors = _File(self._errors_place)
            values = [_values(failure) for failure in self._failures]
            self._errors.write(_encoded(self._format(FAILURE_COLUMNS, values, header=first)))
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


def _csv_lines(columns: Sequence[str], rows: Iterable[Row], header: bool = False) -> str:
    text = io.StringIO(newline="")
    table = csv.writer(text)
    if header:
        table.writerow(columns)
    table.writerows(rows)
    return text.getvalue()


def _json_lines(columns: Sequence[str], rows: Iterable[Row], header: bool = False) -> str:
    return "".join(_json(columns, row) + "\n" for row in rows)


def _json(columns: Sequence[str], row: Row) -> str:
    return json.dumps(dict(zip(columns, row, strict=True)), ensure_ascii=False)


def _values(failure: Failure) -> Row:
    return failure.source, failure.code, failure.message


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "backslashreplace")


class _Document:
    """One JSON document, `{"faces": […], "errors": […]}`. Its end is written anew by each flush."""

    def __init__(self, out: Path, columns: Sequence[str]) -> None:
        self._columns = tuple(columns)
        self._file = _File(out)
        self._failures = tempfile.TemporaryFile()  # noqa: SIM115 (closed by close or discard)
        self._texts: list[str] = []
        self._counts = [0, 0]
        self._position = 0
        self._due_s = 0.0
        self._append('{\n "faces": [')
        self._write_end()

    def add(self, rows: Sequence[Row], failures: Sequence[Failure]) -> None:
        for row in rows:
            self._texts.append((",\n  " if self._counts[0] else "\n  ") + _json(self._columns, row))
            self._counts[0] += 1
        for failure in failures:
            text = (",\n  " if self._counts[1] else "\n  ") + _json(FAILURE_COLUMNS, _values(failure))
            self._failures.write(_encoded(text))
            self._counts[1] += 1

    def flush(self) -> None:
        started_s = time.monotonic()
        if started_s >= self._due_s:
            self._write_end()
            # A long list of failures takes long to write: no more than a tenth of the time goes into it.
            self._due_s = time.monotonic() + 10 * (time.monotonic() - started_s)

    def _append(self, text: str) -> None:
        data = _encoded(text)
        self._file.replace_from(self._position, data)
        self._position += len(data)

    def _write_end(self) -> None:
        self._failures.seek(0)
        failures = self._failures.read()
        start = _encoded("".join(self._texts))
        self._texts.clear()
        self._file.replace_from(self._position, start + b'\n ],\n "errors": [' + failures + b"\n ]\n}\n")
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


class _ParquetTable:
    """Two Parquet files. The format's index comes last, so they can be read after `close`, which moves them."""

    def __init__(self, out: Path, columns: Sequence[str]) -> None:
        self._rows = _ParquetFile(out, {name: TYPES.get(name, float) for name in columns})
        self._failures = _ParquetFile(errors_path(out), dict.fromkeys(FAILURE_COLUMNS, str))

    def add(self, rows: Sequence[Row], failures: Sequence[Failure]) -> None:
        self._rows.add(rows)
        self._failures.add([_values(failure) for failure in failures])

    def flush(self) -> None:
        pass

    def publish(self) -> None:
        pass

    def close(self) -> None:
        self._rows.close()
        if self._failures.count:
            self._failures.close()
        else:
            self._failures.discard()
            self._failures.place.unlink(missing_ok=True)

    def discard(self) -> None:
        self._rows.discard()
        self._failures.discard()


class _ParquetFile:
    def __init__(self, place: Path, types: dict[str, type]) -> None:
        import pyarrow
        from pyarrow import parquet

        kinds = {str: pyarrow.string(), bool: pyarrow.bool_(), int: pyarrow.int64(), float: pyarrow.float64()}
        self._pyarrow: Any = pyarrow
        self.place = place
        self.count = 0
        self._path = place.with_name(f".{place.name}.new")
        self._schema = pyarrow.schema([(name, kinds[kind]) for name, kind in types.items()])
        self._writer = parquet.ParquetWriter(self._path, self._schema)
        self._waiting: list[Row] = []

    def add(self, rows: Sequence[Row]) -> None:
        self._waiting += rows
        self.count += len(rows)
        if len(self._waiting) >= PARQUET_GROUP:
            self._write()

    def _write(self) -> None:
        values = list(zip(*self._waiting, strict=True)) or [()] * len(self._schema)
        self._writer.write_table(self._pyarrow.table([list(column) for column in values], schema=self._schema))
        self._waiting.clear()

    def close(self) -> None:
        self._write()
        self._writer.close()
        self._path.replace(self.place)

    def discard(self) -> None:
        self._writer.close()
        self._path.unlink(missing_ok=True)
