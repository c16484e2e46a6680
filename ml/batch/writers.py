"""Opens the table of a run: CSV, JSON, JSON lines or Parquet, in UTF-8 on every machine.

A table is written beside the one that it replaces and takes its place by `publish`, so that the place never holds less
than before. After each `flush`, CSV, JSON lines and JSON are whole and can be read; Parquet is after `close`.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from ml.batch.json_table import JsonTable
from ml.batch.line_table import LineTable, csv_lines, json_lines
from ml.batch.parquet_table import ParquetTable
from ml.batch.rows import COLUMNS
from ml.batch.table import FAILURE_COLUMNS, Table, errors_path, is_table


def open_table(out: Path, columns: Sequence[str]) -> Table:
    """A table in the format of the file's suffix, and its failures beside it (in JSON: in the same document).

    Raises:
        OSError: it can't be written there, or it would replace a file that is no such table.
        ImportError: the format needs a package that is not installed.
    """
    out.parent.mkdir(parents=True, exist_ok=True)
    places = {out: COLUMNS} if out.suffix.lower() == ".json" else {out: COLUMNS, errors_path(out): FAILURE_COLUMNS}
    for place, begins_with in places.items():
        if place.is_dir():
            raise IsADirectoryError(21, "it is a folder", str(place))
        if place.exists() and not os.access(place, os.W_OK):
            raise PermissionError(13, "it is write-protected", str(place))
        if place.exists() and not is_table(place, begins_with):
            raise FileExistsError(17, "another program's file, which is kept; name another --out", str(place))
    match out.suffix.lower():
        case ".json":
            return JsonTable(out, columns)
        case ".parquet":
            return ParquetTable(out, columns)
        case suffix:
            return LineTable(out, columns, csv_lines if suffix == ".csv" else json_lines)
