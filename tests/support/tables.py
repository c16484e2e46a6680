"""What a run wrote, read back."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

from pyarrow import parquet

from ml.batch.table import errors_path


def read(path: Path) -> list[dict[str, Any]]:
    """The rows of a table; of a JSON document, its faces."""
    if path.suffix == ".parquet":
        return parquet.read_table(path).to_pylist()
    if path.suffix == ".csv":
        with path.open(newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))
    text = path.read_text("utf-8")
    if path.suffix == ".json":
        return json.loads(text)["faces"]
    return [json.loads(line) for line in text.splitlines()]


def read_failures(out: Path) -> list[dict[str, Any]]:
    if out.suffix == ".json":
        return json.loads(out.read_text("utf-8"))["errors"]
    path = errors_path(out)
    return read(path) if path.exists() else []
