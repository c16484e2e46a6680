"""What a container says of a video: the number of frames, and damage of its structure."""

from __future__ import annotations

from dataclasses import dataclass

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
