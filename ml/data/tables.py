"""Reads CSV files from elsewhere as UTF-8 text; archives, other encodings and truncated rows give a clear error."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

from ml.console import printable
from ml.data.folders import DataError

ARCHIVES = {
    "a gzip archive": b"\x1f\x8b",
    "a zip archive": b"PK",
    "a bzip2 archive": b"BZh",
    "an xz archive": b"\xfd7zXZ",
    "a 7-Zip archive": b"7z\xbc\xaf",
    "a RAR archive": b"Rar!",
    "a zstd archive": b"\x28\xb5\x2f\xfd",
    "an SQLite database": b"SQLite format 3",
    "a Parquet file": b"PAR1",
    "a PDF document": b"%PDF",
}
"""First bytes of files that are often mistaken for CSV."""


def read_rows(path: Path, columns: tuple[str, ...]) -> Iterator[tuple[int, dict[str, str]]]:
    """The rows of a CSV file with the numbers of their lines; blanks around column names are removed.

    Raises:
        DataError: the file can't be read, is not UTF-8 text, lacks a column, or a row has too few or too many fields.
    """
    shown = printable(str(path))
    _check_text(path, shown)
    try:
        with path.open(newline="", encoding="utf-8-sig") as stream:
            reader = csv.DictReader(stream)
            names = [name.strip() for name in reader.fieldnames or ()]
            missing = [name for name in columns if name not in names]
            if missing:
                raise DataError(
                    f"expected the columns {', '.join(columns)} in {shown}, received none named {', '.join(missing)}"
                )
            reader.fieldnames = names
            for row in reader:
                if None in row or None in row.values():
                    extra = row.pop(None, None) or ()  # type: ignore[call-overload]
                    count = sum(value is not None for value in row.values()) + len(extra)
                    raise DataError(
                        f"{shown}, line {reader.line_num}: expected {len(names)} fields, received {count}"
                        f"{'' if extra else ' (is the file cut off?)'}"
                    )
                yield reader.line_num, row
    except (csv.Error, UnicodeDecodeError) as error:
        raise DataError(f"expected a CSV file of UTF-8 text, received {shown}: {error}") from error
    except OSError as error:
        raise DataError(f"expected a CSV file, received {shown}: {error.strerror}") from error


def _check_text(path: Path, shown: str) -> None:
    """Refuse a file whose first bytes show that it is not text.

    Raises:
        DataError: it is an archive, another kind of file, or text in UTF-16 or UTF-32.
    """
    try:
        with path.open("rb") as file:
            first = file.read(1024)
    except OSError as error:
        raise DataError(f"expected a CSV file, received {shown}: {error.strerror}") from error
    kind = next((kind for kind, magic in ARCHIVES.items() if first.startswith(magic)), None)
    if first[257:262] == b"ustar":
        kind = "a tar archive"
    if kind:
        raise DataError(f"expected a CSV file, received {shown}, which is {kind}: unpack or convert it first")
    if first[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\0" in first:
        raise DataError(f"expected a CSV file of UTF-8 text, received {shown} in UTF-16 or binary: save it as UTF-8")
