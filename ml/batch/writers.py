"""The table and the list of failures as files: CSV, JSON or JSON lines."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ml.batch.rows import COLUMNS, Failure, Outcome
from ml.inference.contract import EMOTIONS


def write(outcomes: Iterable[Outcome], out: Path, classes: Sequence[str] = EMOTIONS) -> tuple[int, list[Failure]]:
    """Write the table in the format of the file's suffix, row by row where the format allows it.

    Returns:
        The number of rows, and the failures (also written, see the module).
    """
    failures: list[Failure] = []
    rows = 0

    def only_rows() -> Iterator[dict[str, Any]]:
        nonlocal rows
        for outcome in outcomes:
            if isinstance(outcome, Failure):
                failures.append(outcome)
            else:
                rows += 1
                yield outcome

    out.parent.mkdir(parents=True, exist_ok=True)
    if out.suffix == ".json":
        document = {"faces": list(only_rows()), "errors": [asdict(failure) for failure in failures]}
        out.write_text(json.dumps(document, indent=1) + "\n")
        return rows, failures
    write_table = _write_csv if out.suffix == ".csv" else _write_jsonl
    write_table(out, (*COLUMNS, *classes), only_rows())
    beside = out.with_suffix(f".errors{out.suffix}")
    if failures:
        write_table(beside, tuple(asdict(failures[0])), map(asdict, failures))
    else:
        beside.unlink(missing_ok=True)
    return rows, failures


def _write_csv(path: Path, columns: Sequence[str], rows: Iterable[dict[str, Any]]) -> None:
    with path.open("w", newline="") as file:
        table = csv.DictWriter(file, columns)
        table.writeheader()
        table.writerows(rows)


def _write_jsonl(path: Path, _columns: Sequence[str], rows: Iterable[dict[str, Any]]) -> None:
    with path.open("w") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)
