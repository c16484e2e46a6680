"""The files of a run: a stream of photos and videos from the paths of a command line, in a fixed order.

Only the names of one folder are in memory at a time, so a million files need little memory. A file that looks like a
picture or a video but is not supported is part of the stream, as a `Failure`.
"""

from __future__ import annotations

import mimetypes
import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from ml.inference.contract import NotAnImage
from ml.inference.formats import OTHER_SUFFIXES, PHOTO_SUFFIXES, VIDEO_SUFFIXES, format_of_file

Kind = Literal["photo", "video"]
SNIFFED_BYTES = 16


@dataclass(frozen=True, slots=True)
class Source:
    """A file to read. Size and time of its last change tell later whether it is still the same."""

    path: str
    kind: Kind
    size: int = 0
    mtime_ns: int = 0


@dataclass(frozen=True, slots=True)
class Failure:
    """A source, or the rest of it, that could not be read, and why."""

    source: str
    code: str
    message: str


def shown(path: str) -> str:
    """A path as text for tables and messages: the name's bytes as UTF-8, those that are none as `\\xNN`."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def find_sources(paths: Iterable[str]) -> Iterator[Source | Failure]:
    """The files to read: a file stands for itself, a folder for the pictures and videos in it, sorted by name.

    Linked folders are followed, and no folder is listed twice, however many links lead to it.
    """
    listed: set[tuple[int, int]] = set()
    for path in dict.fromkeys(paths):
        try:
            found = os.stat(path)  # noqa: PTH116
        except OSError as error:
            yield _unreadable(path, error)
            continue
        if stat.S_ISDIR(found.st_mode):
            yield from _walk(path, found, listed)
        else:
            yield _classify(path, found)


def _walk(top: str, found: os.stat_result, listed: set[tuple[int, int]]) -> Iterator[Source | Failure]:
    folders = [(top, found)]
    open_folders: list[tuple[str, list[str]]] = []
    while folders or open_folders:
        if folders:
            folder, found = folders.pop()
            if (identity := (found.st_dev, found.st_ino)) in listed:
                continue
            listed.add(identity)
            try:
                names = os.listdir(folder)  # noqa: PTH208
            except OSError as error:
                yield _unreadable(folder, error)
                continue
            names.sort(reverse=True)
            open_folders.append((folder, names))
        folder, names = open_folders[-1]
        if not names:
            open_folders.pop()
            continue
        path = os.path.join(folder, names.pop())  # noqa: PTH118 (a million Path objects are slow and large)
        try:
            found = os.stat(path)  # noqa: PTH116
        except OSError as error:
            # A dead link may have led to a folder of pictures, unless its suffix is that of another file.
            if is_visual(path) or (os.path.islink(path) and not _is_of_another_kind(path)):  # noqa: PTH114
                yield _unreadable(path, error)
            continue
        if stat.S_ISDIR(found.st_mode):
            folders.append((path, found))
        elif is_visual(path) or (not _suffix(path) and stat.S_ISREG(found.st_mode) and _sniffed(path)):
            yield _classify(path, found)


def _classify(path: str, found: os.stat_result) -> Source | Failure:
    """A file as something to read; or why it isn't."""
    if not stat.S_ISREG(found.st_mode):
        return Failure(shown(path), "unreadable", "expected a file, received a socket, pipe or device")
    suffix = _suffix(path)
    kind: Kind | None = "photo" if suffix in PHOTO_SUFFIXES else _sniffed(path)
    if kind is None and suffix in VIDEO_SUFFIXES:
        kind = "video"
    if kind is not None:
        return Source(path, kind, found.st_size, found.st_mtime_ns)
    received = f"a {shown(suffix)} file" if suffix else "a file that is neither"
    return Failure(
        shown(path), NotAnImage.code, f"expected a photo or video in a supported format, received {received}"
    )


def is_visual(path: str) -> bool:
    """Whether a file's name says that it holds a picture or a video, of a kind that is read here or of another."""
    suffix = _suffix(path)
    if suffix in PHOTO_SUFFIXES or suffix in VIDEO_SUFFIXES or suffix in OTHER_SUFFIXES:
        return True
    kind, _ = mimetypes.guess_type("x" + suffix, strict=False)
    return kind is not None and kind.startswith(("image/", "video/"))


def _is_of_another_kind(path: str) -> bool:
    return mimetypes.guess_type("x" + _suffix(path), strict=False)[0] is not None and not is_visual(path)


def _suffix(path: str) -> str:
    return os.path.splitext(path)[1].lower()  # noqa: PTH122


def _sniffed(path: str) -> Kind | None:
    """What the first bytes of a file announce, whatever its name says; a GIF may be animated."""
    try:
        with open(path, "rb") as file:  # noqa: PTH123
            found = format_of_file(_suffix(path), file.read(SNIFFED_BYTES))
    except OSError:
        return None
    if found is None:
        return None
    return "video" if found == "GIF" else "photo"


def _unreadable(path: str, error: OSError) -> Failure:
    if isinstance(error, FileNotFoundError):
        received = "a link to nothing" if os.path.islink(path) else "no such file"  # noqa: PTH114
    else:
        received = error.strerror or str(error)
    return Failure(shown(path), "unreadable", f"expected a readable file or folder, received: {received}")
