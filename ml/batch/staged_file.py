"""Files of a table: written beside their place, and moved there when the table is published."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO


@contextlib.contextmanager
def naming(place: Path) -> Iterator[None]:
    """Let an error of the file system name the place that a user asked for."""
    try:
        yield
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(place)) from error


class StagedFile:
    """A file that is written beside its place and moved there by `publish`; later writes are appended.

    Args:
        start: what it begins with.

    Raises:
        OSError: it can't be written; nothing is left of it. Every error names the place.
    """

    def __init__(self, place: Path, start: bytes = b"") -> None:
        self._place = place
        self._path = place.with_name(f".{place.name}.new")
        self._file: IO[bytes] | None = None
        self.published = False
        try:
            with naming(place):
                self._file = self._path.open("w+b", buffering=0)
            self.write(start)
        except OSError:
            self.discard()
            raise

    def write(self, data: bytes) -> None:
        """Append; raises as `replace_from` does."""
        assert self._file is not None
        self.replace_from(self._file.seek(0, os.SEEK_END), data)

    def replace_from(self, position: int, data: bytes) -> None:
        """Write over what stands from a position on.

        Raises:
            OSError: the disk is full, for instance; the file then holds what it held before.
        """
        assert self._file is not None
        self._file.seek(position)
        before = self._file.read()
        try:
            with naming(self._place):
                self._write_at(position, data)
        except OSError:
            self._write_at(position, before)
            raise

    def _write_at(self, position: int, data: bytes) -> None:
        assert self._file is not None
        self._file.seek(position)
        left = memoryview(data)
        while left:
            left = left[self._file.write(left) or 0 :]
        self._file.truncate()

    def publish(self) -> None:
        if self.published:
            return
        self.close()  # Windows moves no open file
        with naming(self._place):
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
            with contextlib.suppress(OSError):
                self._path.unlink(missing_ok=True)
