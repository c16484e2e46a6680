"""The interface of a table of results, and what all its formats share."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Protocol

from ml.batch.rows import Row
from ml.batch.sources import Failure

FAILURE_COLUMNS = tuple(field.name for field in fields(Failure))


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


def json_object(columns: Sequence[str], row: Row) -> str:
    return json.dumps(dict(zip(columns, row, strict=True)), ensure_ascii=False)


def failure_values(failure: Failure) -> Row:
    return failure.source, failure.code, failure.message


def encoded(text: str) -> bytes:
    return text.encode("utf-8", "backslashreplace")
