"""Which files a run reads: folders to the pictures and videos in them."""

from __future__ import annotations

import mimetypes
from collections.abc import Sequence
from pathlib import Path

import cv2

PHOTO_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp"})
VIDEO_SUFFIXES = frozenset({".mp4", ".mkv", ".avi", ".mov", ".webm", ".m4v", ".mpg", ".mpeg", ".gif"})


def find_sources(paths: Sequence[Path]) -> list[Path]:
    """The files to read: a file stands for itself, a folder for all pictures and videos in it, sorted by name.

    Kinds that can't be read are among them, so that they are named as such.
    """
    sources: list[Path] = []
    for path in paths:
        if path.is_dir():
            sources += sorted(file for file in path.rglob("*") if is_visual(file) and file.is_file())
        else:
            sources.append(path)
    return sources


def is_visual(path: Path) -> bool:
    """Whether a file's name says that it holds a picture or a video, of a kind that is read here or of another."""
    kind, _ = mimetypes.guess_type(path.name, strict=False)
    known = path.suffix.lower() in PHOTO_SUFFIXES | VIDEO_SUFFIXES
    return known or (kind is not None and kind.startswith(("image/", "video/")))


def count_frames(path: Path) -> int | None:
    """How many frames a video says it has, for the progress bar; None where it does not say."""
    count = int(cv2.VideoCapture(str(path)).get(cv2.CAP_PROP_FRAME_COUNT)) if path.is_file() else 0
    return count if count > 0 else None
