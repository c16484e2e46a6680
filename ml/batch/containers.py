"""Counts the frames of a video file in its container, to detect truncated and damaged videos.

OpenCV's own count is often `duration × frame rate`, which is wrong for variable frame rates, for sound that is longer
than the picture, and for trimmed files. Here the entries are counted: the sample tables and edit lists of MP4 and MOV
(ISO/IEC 14496-12), the index of AVI (zero-length entries repeat a frame), the blocks of Matroska and WebM (RFC 9559).
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np

MAX_INDEX_BYTES = 256 << 20
"""A larger index is not read."""
CUT = "the file ends early"


@dataclass(frozen=True)
class Contents:
    """What a container says of its first video track.

    `frames` is the number of frames that a decoder should return, None if the format does not state it.
    `damage` describes a fault of the structure, None if there is none.
    """

    frames: int | None = None
    damage: str | None = None


def inspect(path: str) -> Contents:
    """Count the frames of a file; `Contents()` for formats without a count and for unknown formats."""
    with open(path, "rb") as file:  # noqa: PTH123
        size = os.fstat(file.fileno()).st_size
        head = file.read(12)
        try:
            if head[4:8] in {b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"styp"}:
                return _mp4(file, size)
            if head[:4] == b"RIFF" and head[8:] == b"AVI ":
                return _avi(file, size)
            if head[:4] == b"\x1a\x45\xdf\xa3":
                return _matroska(file, size)
            if head[:4] == b"GIF8":
                file.seek(max(0, size - 64))
                return Contents(damage=None if file.read().rstrip(b"\0").endswith(b";") else CUT)
        except (struct.error, IndexError, ValueError):
            return Contents(damage="its index is damaged")
    return Contents()


# MP4 and MOV


def _boxes(data: memoryview) -> Iterator[tuple[bytes, memoryview]]:
    at = 0
    while at + 8 <= len(data):
        size, kind, header = struct.unpack_from(">I", data, at)[0], bytes(data[at + 4 : at + 8]), 8
        if size == 1:
            size, header = struct.unpack_from(">Q", data, at + 8)[0], 16
        size = size or len(data) - at
        if size < header:
            return
        yield kind, data[at + header : at + size]
        at += size


def _inside(data: memoryview, *kinds: bytes) -> memoryview | None:
    """The content of a box by the path to it; the first of several."""
    for kind in kinds:
        found = next((content for name, content in _boxes(data) if name == kind), None)
        if found is None:
            return None
        data = found
    return data


def _mp4(file: BinaryIO, size: int) -> Contents:
    frames, track, at, damage = None, None, 0, None
    while at + 8 <= size:
        file.seek(at)
        head = file.read(16)
        length, kind, header = struct.unpack_from(">I", head)[0], head[4:8], 8
        if length == 1:
            length, header = struct.unpack_from(">Q", head, 8)[0], 16
        length = length or size - at
        if length < header or not all(32 <= byte < 127 or byte == 0xA9 for byte in kind):
            damage = f"it is damaged at byte {at:,}"
            break
        if kind in {b"moov", b"moof"} and length <= MAX_INDEX_BYTES:
            file.seek(at + header)
            content = memoryview(file.read(length - header))
            if kind == b"moov" and frames is None:
                track, frames = _first_video_track(content)
            elif kind == b"moof" and frames is not None:
                frames += _fragment_frames(content, track)
        at += length
    return Contents(frames, damage or (CUT if at > size else None))


def _first_video_track(moov: memoryview) -> tuple[int | None, int | None]:
    """Id and number of frames of the first video track."""
    movie = _inside(moov, b"mvhd")
    for kind, track in _boxes(moov):
        handler = _inside(track, b"mdia", b"hdlr") if kind == b"trak" else None
        if movie is None or handler is None or bytes(handler[8:12]) != b"vide":
            continue
        header, media = _inside(track, b"tkhd"), _inside(track, b"mdia", b"mdhd")
        table = _inside(track, b"mdia", b"minf", b"stbl")
        if header is None or media is None or table is None:
            continue
        times = _times(table)
        edits = _inside(track, b"edts", b"elst")
        count = len(times) if edits is None else _shown(times, edits, _timescale(media) / _timescale(movie))
        return struct.unpack_from(">I", header, 20 if header[0] else 12)[0], count
    return None, None


def _timescale(header: memoryview) -> int:
    return struct.unpack_from(">I", header, 20 if header[0] else 12)[0] or 1


def _times(table: memoryview) -> np.ndarray:
    """When each sample is shown, in units of the media."""
    durations, shifts = _inside(table, b"stts"), _inside(table, b"ctts")
    if durations is None:
        return np.empty(0, np.int64)
    counts, steps = _pairs(durations, ">u4").T
    if counts.sum() > MAX_INDEX_BYTES // 8:
        raise ValueError("expected a sample table of a usual size")
    every = np.repeat(steps, counts)
    times = np.concatenate(([0], np.cumsum(every)[:-1])) if len(every) else every
    if shifts is not None:
        counts, offsets = _pairs(shifts, ">i4").T
        if counts.sum() == len(times):
            times = times + np.repeat(offsets, counts)
    return times


def _pairs(table: memoryview, kind: str) -> np.ndarray:
    (count,) = struct.unpack_from(">I", table, 4)
    return np.frombuffer(table, kind, 2 * count, 8).reshape(-1, 2).astype(np.int64)


def _shown(times: np.ndarray, edits: memoryview, media_per_movie: float) -> int:
    """The samples that an edit list shows. A sample on the edge of an edit may be left out by a decoder."""
    (count,) = struct.unpack_from(">I", edits, 4)
    entry = struct.Struct(">QqI" if edits[0] else ">IiI")
    shown = np.zeros(len(times), bool)
    for index in range(count):
        duration, start, _ = entry.unpack_from(edits, 8 + index * entry.size)
        if start >= 0:
            end = start + (duration - 1) * media_per_movie if duration else np.inf
            shown |= (times >= start) & (times < end)
    return int(shown.sum())


def _fragment_frames(moof: memoryview, track: int | None) -> int:
    frames = 0
    for kind, fragment in _boxes(moof):
        header = _inside(fragment, b"tfhd") if kind == b"traf" else None
        if header is not None and struct.unpack_from(">I", header, 4)[0] == track:
            frames += sum(struct.unpack_from(">I", run, 4)[0] for name, run in _boxes(fragment) if name == b"trun")
    return frames


# AVI

SMALLEST_FRAME_BYTES = 9
"""A shorter entry shows the last frame once more; DivX writes entries of up to 7 bytes after a packed pair."""


def _avi(file: BinaryIO, size: int) -> Contents:
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


# Matroska and WebM

CONTAINERS = frozenset({0x18538067, 0x1F43B675, 0xA0, 0x1654AE6B, 0xAE})
"""Segment, Cluster, BlockGroup, Tracks, TrackEntry."""
TRACK_NUMBER, TRACK_TYPE, CODEC, BLOCK, SIMPLE_BLOCK = 0xD7, 0x83, 0x86, 0xA1, 0xA3
VIDEO = 1
VP8_SHOWN = 0x10
"""Bit of a VP8 frame's first byte (RFC 6386, 9.1)."""
INVISIBLE = 0x08
"""Flag of a block that only serves to decode others."""


def _matroska(file: BinaryIO, size: int) -> Contents:
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
