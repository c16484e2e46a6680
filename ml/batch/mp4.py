"""Counts the frames of MP4 and MOV files by their sample tables and edit lists (ISO/IEC 14496-12)."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import BinaryIO

import numpy as np

from ml.batch.contents import CUT, MAX_INDEX_BYTES, Contents


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


def count_mp4(file: BinaryIO, size: int) -> Contents:
    """The frames of an MP4 or MOV file of `size` bytes.

    Raises:
        struct.error, IndexError, ValueError: its index is damaged.
    """
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
