"""Counts the frames of AVI files by their index; entries of zero length repeat a frame."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import BinaryIO

import numpy as np

from ml.batch.contents import CUT, MAX_INDEX_BYTES, Contents

SMALLEST_FRAME_BYTES = 9
"""A shorter entry shows the last frame once more; DivX writes entries of up to 7 bytes after a packed pair."""


def count_avi(file: BinaryIO, size: int) -> Contents:
    """The frames of an AVI file of `size` bytes.

    Raises:
        struct.error, IndexError, ValueError: its index is damaged.
    """
    file.seek(0)
    head = file.read(min(size, 1 << 16))
    (riff_bytes,) = struct.unpack_from("<I", head, 4)
    damage = CUT if 8 + riff_bytes > size + 1 else None
    streams = list(_positions(head, b"strh"))
    video = next((number for number, at in enumerate(streams) if head[at + 8 : at + 12] == b"vids"), None)
    if video is None:
        return Contents(damage=damage)
    (announced,) = struct.unpack_from("<I", head, streams[video] + 8 + 32)
    at, indexed, parts = 0, None, 0
    while at + 12 <= size:
        file.seek(at)
        name, length, _ = struct.unpack("<4sI4s", file.read(12))
        if name == b"RIFF":
            parts += 1
            at += 12
            continue
        if name == b"idx1" and length <= MAX_INDEX_BYTES:
            file.seek(at + 8)
            entries = np.frombuffer(file.read(length // 16 * 16), "<u4").reshape(-1, 4)
            wanted = [struct.unpack("<I", b"%02d" % video + suffix)[0] for suffix in (b"db", b"dc")]
            indexed = int((np.isin(entries[:, 0], wanted) & (entries[:, 3] >= SMALLEST_FRAME_BYTES)).sum())
        if not name.isalnum() and name != b"LIST":
            damage = damage or f"it is damaged at byte {at:,}"
            break
        at += 8 + length + length % 2
    if parts > 1:  # past the first gigabyte another index would have to be read
        return Contents(damage=damage)
    return Contents(announced if indexed is None else indexed, damage)


def _positions(data: bytes, name: bytes) -> Iterator[int]:
    at = data.find(name)
    while at >= 0:
        yield at
        at = data.find(name, at + 4)
