"""The table: its columns, and a face as a row of it. Standard library only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ml.inference.contract import Face

COLUMNS = (
    *("source", "frame", "timestamp_s", "face_id", "x", "y", "width", "height"),
    *("dominant_emotion", "confidence", "uncertain"),
)
"""The columns before those of the model's classes."""
TYPES: dict[str, type] = {
    "source": str,
    "dominant_emotion": str,
    "uncertain": bool,
    "timestamp_s": float,
    "confidence": float,
    **dict.fromkeys(("frame", "face_id", "x", "y", "width", "height"), int),
}
"""Types of the columns; all other columns hold probabilities."""

Row = tuple[Any, ...]
"""The values of one face in the order of `columns_for`."""


def columns_for(classes: Sequence[str]) -> tuple[str, ...]:
    """All columns for a model of these classes. A class whose name is a column name gets the prefix `emotion_`."""
    taken = {*COLUMNS, *(name for name in classes if name not in COLUMNS)}
    names = list(COLUMNS)
    for name in classes:
        if name in COLUMNS:
            while name in taken:
                name = f"emotion_{name}"
            taken.add(name)
        names.append(name)
    return tuple(names)


def row_of(face: Face, source: str, frame: int, timestamp_s: float | None) -> Row:
    """One face as a row of the table; `timestamp_s` and `face_id` are None for photos."""
    return (
        *(source, frame, timestamp_s, face.id, face.box.x, face.box.y, face.box.w, face.box.h),
        *(face.dominant_emotion, face.confidence, face.uncertain, *face.emotions),
    )
