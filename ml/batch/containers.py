"""Counts the frames of a video file in its container, to detect truncated and damaged videos.

OpenCV's own count is often `duration × frame rate`, which is wrong for variable frame rates, for sound that is longer
than the picture, and for trimmed files. Here the entries of the file are counted.
"""

from __future__ import annotations

import os
import struct

from ml.batch.avi import count_avi
from ml.batch.contents import CUT, Contents
from ml.batch.matroska import count_matroska
from ml.batch.mp4 import count_mp4


def inspect(path: str) -> Contents:
    """Count the frames of a file; `Contents()` for formats without a count and for unknown formats."""
    with open(path, "rb") as file:  # noqa: PTH123
        size = os.fstat(file.fileno()).st_size
        head = file.read(12)
        try:
            if head[4:8] in {b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"styp"}:
                return count_mp4(file, size)
            if head[:4] == b"RIFF" and head[8:] == b"AVI ":
                return count_avi(file, size)
            if head[:4] == b"\x1a\x45\xdf\xa3":
                return count_matroska(file, size)
            if head[:4] == b"GIF8":
                file.seek(max(0, size - 64))
                return Contents(damage=None if file.read().rstrip(b"\0").endswith(b";") else CUT)
        except (struct.error, IndexError, ValueError):
            return Contents(damage="its index is damaged")
    return Contents()
