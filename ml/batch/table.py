"""The interface of a table of results, and what all its formats share."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Protocol

from ml.batch.rows import COLUMNS, Row
from ml.batch.sources import Failure

FAILURE_COLUMNS = tuple(field.name for field in fields(Failure))
JSON_START = b'{\n "faces": ['
MAX_LINE_BYTES = 1 << 20
"""Of a table of JSON lines, the first one tells whether it is one; a longer line is none."""


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


def errors_path(out: Path) -> Path:
    """Where the failures of a table are listed."""
    return out if out.suffix.lower() == ".json" else out.with_suffix(f".errors{out.suffix}")


def is_table(place: Path, columns: Sequence[str] = COLUMNS) -> bool:
    """Whether a file is a table that begins with these columns, as far as its beginning shows; an empty file is one.

    Raises:
        OSError: it can't be read.
        ImportError: a Parquet file, and pyarrow is not installed.
    """
    if not place.stat().st_size:
        return True
    if place.suffix.lower() == ".parquet":
        from pyarrow import ArrowException, parquet

        try:
            return tuple(parquet.read_schema(place).names[: len(columns)]) == tuple(columns)
        except ArrowException:
            return False
    with place.open("rb") as file:
        start = file.readline(MAX_LINE_BYTES) + file.readline(len(JSON_START))
    match place.suffix.lower():
        case ".json":
            return start.startswith(JSON_START)
        case ".csv":
            return start.startswith(encoded(",".join(columns)))
    try:
        row = json.loads(start.partition(b"\n")[0])
    except ValueError:
        return False
    return isinstance(row, dict) and tuple(row)[: len(columns)] == tuple(columns)


def json_object(columns: Sequence[str], row: Row) -> str:
    return json.dumps(dict(zip(columns, row, strict=True)), ensure_ascii=False)


def failure_values(failure: Failure) -> Row:
    return failure.source, failure.code, failure.message


def encoded(text: str) -> bytes:
    return text.encode("utf-8", "backslashreplace")
