"""Pieces of work and their results: what travels between the run and its processes. Standard library only."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zlib import crc32

from ml.batch.rows import Row
from ml.batch.sources import Failure, Kind, Source

MEAN_CHUNK, MAX_CHUNK = 8, 32
"""Photos of one task, on average and at most. At 30 to 900 ms each, a task takes 0.2 to 7 s as a rule."""


@dataclass(frozen=True)
class Settings:
    """What the rows depend on besides the files."""

    model: str
    """Path of the `.tflite`."""
    version: str
    """First 8 digits of its SHA-256."""
    step: int = 1
    """Every step-th frame of a video is analysed."""
    thorough: bool = False
    """Search photographs as thoroughly as possible, at a higher cost."""


@dataclass(frozen=True)
class VideoState:
    """How far a video was analysed."""

    next_frame: int = 0
    tracker: Any = None
    """The `Tracker` that knows its faces; None at the beginning."""
    undecoded: int = 0
    """Frames that were there and did not decode."""
    fraction: float = 0.0
    """Share of the video that was analysed."""
    announced: float = 0.0
    """OpenCV's count of its frames, an estimate in most formats."""
    ended: bool = False


@dataclass(frozen=True)
class Task:
    """Some photos, or a video from a certain frame on."""

    kind: Kind
    paths: tuple[str, ...]
    settings: Settings
    state: VideoState | None = None


@dataclass(frozen=True)
class Result:
    """The result of a task; with a `state`, the rest of the video continues from there."""

    rows: tuple[Row, ...] = ()
    failures: tuple[Failure, ...] = ()
    state: VideoState | None = None
    busy_s: float = 0.0


@dataclass(frozen=True)
class Part:
    """Sources that are read and recorded together: a chunk of photos or one video. `key` names it by content."""

    key: str
    kind: Kind
    paths: tuple[str, ...]
    size: int


def parts_of(sources: Iterable[Source | Failure], settings: Settings, code: str = "") -> Iterator[Part | Failure]:
    """Group a stream of sources, in order. Failures pass through after the chunk that they fell into.

    Where a chunk ends depends on the names in it alone, so that a photo more or less changes one chunk and no other.
    """
    chunk: list[Source] = []
    failed: list[Failure] = []

    def finished() -> Iterator[Part | Failure]:
        if chunk:
            yield _part(chunk, settings, code)
        yield from failed
        chunk.clear()
        failed.clear()

    for source in sources:
        if isinstance(source, Failure):
            failed.append(source)
        elif source.kind == "video":
            yield from finished()
            yield _part([source], settings, code)
        else:
            chunk.append(source)
        if len(chunk) == MAX_CHUNK or len(failed) == MAX_CHUNK or (chunk and _ends_chunk(chunk[-1].path)):
            yield from finished()
    yield from finished()


def _ends_chunk(path: str) -> bool:
    return crc32(os.fsencode(path)) % MEAN_CHUNK == 0


def _part(sources: list[Source], settings: Settings, code: str) -> Part:
    digest = hashlib.blake2b(f"{settings.version} {settings.step} {settings.thorough} {code}".encode(), digest_size=16)
    for source in sources:
        digest.update(f"\0{source.size} {source.mtime_ns} ".encode() + os.fsencode(source.path))
    paths = tuple(source.path for source in sources)
    return Part(digest.hexdigest(), sources[0].kind, paths, sum(source.size for source in sources))


def code_fingerprint() -> str:
    """A hash of the code that makes the rows: after an update nothing of an older run is mixed with the new."""
    digest = hashlib.blake2b(digest_size=8)
    here = Path(__file__).resolve().parent
    for path in sorted([*here.glob("*.py"), *(here.parent / "inference").glob("*.py")]):
        digest.update(path.read_bytes())
    return digest.hexdigest()
