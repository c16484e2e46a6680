"""Tables as Parquet files, which can be read after `close`."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ml.batch.rows import TYPES, Row
from ml.batch.sources import Failure
from ml.batch.staged_file import naming
from ml.batch.table import FAILURE_COLUMNS, errors_path, failure_values

PARQUET_GROUP = 50_000
"""Rows of a Parquet row group."""


class ParquetTable:
    """Two Parquet files. The format's index comes last, so they can be read after `close`, which moves them."""

    def __init__(self, out: Path, columns: Sequence[str]) -> None:
        self._rows = _ParquetFile(out, {name: TYPES.get(name, float) for name in columns})
        try:
            self._failures = _ParquetFile(errors_path(out), dict.fromkeys(FAILURE_COLUMNS, str))
        except OSError:
            self._rows.discard()
            raise

    def add(self, rows: Sequence[Row], failures: Sequence[Failure]) -> None:
        self._rows.add(rows)
        self._failures.add([failure_values(failure) for failure in failures])

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
        self._waiting: list[Row] = []
        try:
            with naming(place):
                self._path.touch()
                self._writer = parquet.ParquetWriter(self._path, self._schema)
        except OSError:
            with contextlib.suppress(OSError):
                self._path.unlink(missing_ok=True)
            raise

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
        with naming(self.place):
            self._path.replace(self.place)

    def discard(self) -> None:
        with contextlib.suppress(OSError):  # closing writes the index; on a full disk nothing more is lost by this
            self._writer.close()
        self._path.unlink(missing_ok=True)
