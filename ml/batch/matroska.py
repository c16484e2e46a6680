"""Counts the frames of Matroska and WebM files by their blocks (RFC 9559)."""

from __future__ import annotations

from typing import BinaryIO

from ml.batch.contents import CUT, Contents

CONTAINERS = frozenset({0x18538067, 0x1F43B675, 0xA0, 0x1654AE6B, 0xAE})
"""Segment, Cluster, BlockGroup, Tracks, TrackEntry."""
TRACK_NUMBER, TRACK_TYPE, CODEC, BLOCK, SIMPLE_BLOCK = 0xD7, 0x83, 0x86, 0xA1, 0xA3
VIDEO = 1
VP8_SHOWN = 0x10
"""Bit of a VP8 frame's first byte (RFC 6386, 9.1)."""
INVISIBLE = 0x08
"""Flag of a block that only serves to decode others."""


def count_matroska(file: BinaryIO, size: int) -> Contents:
    """Walk through all elements: containers are entered, everything else is skipped by its length."""
    frames, video, number, cut, at = 0, 0, 0, False, 0
    codecs: dict[int, bytes] = {}
    while at < size:
        file.seek(at)
        head = file.read(64).ljust(64, b"\0")
        name_length, size_length = _length(head[0]), _length(head[_length(head[0])])
        if name_length > 4 or size_length > 8:
            return Contents(damage=CUT if cut and size - at < 12 else f"it is damaged at byte {at:,}")
        name, length = int.from_bytes(head[:name_length], "big"), _number(head[name_length:])
        body = head[name_length + size_length :]
        at += name_length + size_length
        if name in CONTAINERS:
            unknown = length == (1 << 7 * size_length) - 1
            cut = cut or (not unknown and at + length > size)
            continue
        at += length
        if name == TRACK_NUMBER:
            number = int.from_bytes(body[:length], "big")
        elif name == CODEC:
            codecs[number] = body[:length]
        elif name == TRACK_TYPE and body[0] == VIDEO:
            video = video or number
        elif name in {BLOCK, SIMPLE_BLOCK} and _number(body) == video:
            flags, first = body[_length(body[0]) + 2 :][:2]
            hidden = flags & INVISIBLE or (codecs.get(video) == b"V_VP8" and not first & VP8_SHOWN)
            frames += not hidden
    return Contents(frames, CUT if cut or at > size else None)


def _length(first: int) -> int:
    """Bytes of a number of variable length, by its first one; 9 for a byte that begins none."""
    return 9 - first.bit_length()


def _number(data: bytes) -> int:
    length = _length(data[0])
    return int.from_bytes(data[:length], "big") & ((1 << 7 * length) - 1)
