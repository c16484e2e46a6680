"""The entries of a class folder: which are pictures, their grey levels, and a reason for each that is left out.

Training, evaluation and the audit read folders through this module, so that they agree on what a picture is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from ml.console import printable
from ml.inference.contract import INPUT_SIZE, AnalysisError, BadImage
from ml.inference.formats import PHOTO_SUFFIXES, format_of_file
from ml.inference.preprocess import decode_file

SUFFIXES = PHOTO_SUFFIXES | {".gif"}
"""Suffixes of pictures in data sets; of a GIF the first frame is used."""
LARGE_PX, FEW_SHARE = 200, 0.05
"""Pictures with a longer side count as whole photographs; a share up to this one is not reported."""


def sort_entries(folder: Path) -> tuple[list[Path], dict[Path, str], list[Path]]:
    """Divide a folder's entries by name and first bytes; hidden ones (`.name`) are ignored.

    Returns:
        Pictures; entries that should be pictures but can't be opened, each with the reason; everything else.

    Raises:
        OSError: the folder can't be listed.
    """
    pictures: list[Path] = []
    broken: dict[Path, str] = {}
    others: list[Path] = []
    for path in sorted(path for path in folder.iterdir() if not path.name.startswith(".")):
        is_named = path.suffix.lower() in SUFFIXES
        try:
            if not path.is_file():
                kind = "a folder" if path.is_dir() else "a link to nothing" if path.is_symlink() else "no file"
                if is_named or kind == "a link to nothing":
                    broken[path] = f"expected a picture file, received {kind}"
                else:
                    others.append(path)
            elif is_named or format_of_file(path.suffix.lower(), _first_bytes(path)):
                pictures.append(path)
            else:
                others.append(path)
        except OSError as error:
            broken[path] = f"expected a readable file, received: {error.strerror}"
    return pictures, broken, others


def read_picture(path: Path) -> np.ndarray:
    """Decode a picture file of any format that OpenCV knows to grey levels `(height, width)` uint8.

    Raises:
        AnalysisError: the file can't be read, or does not decode.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BadImage(f"expected a readable file, received: {error.strerror}") from error
    return decode_file(data)


def read_or_reason(path: Path) -> np.ndarray | str:
    """A picture's grey levels, or the reason why there are none."""
    try:
        return read_picture(path)
    except AnalysisError as error:
        return str(error)


def count_by_suffix(files: Iterable[str]) -> str:
    """The number of files of each suffix: `80 files left out: 20 .bmp, 60 .heic`, `2 files left out: .heic`; empty for
    none."""
    kinds = Counter(Path(file).suffix.lower() or "without a suffix" for file in files)
    total = sum(kinds.values())
    listed = ", ".join(f"{count} {kind}" if len(kinds) > 1 else kind for kind, count in kinds.most_common())
    return f"{total} file{'s' * (total != 1)} left out: {printable(listed)}" if total else ""


def advice_on_sizes(sizes: Iterable[tuple[int, int]]) -> str:
    """Advice about pictures that are whole photographs instead of faces; empty if there are few.

    Args:
        sizes: width and height of each picture, in pixels.
    """
    sizes = list(sizes)
    large = sum(max(size) > LARGE_PX for size in sizes)
    oblong = sum(max(size) > 1.25 * min(size) for size in sizes)
    if max(large, oblong) <= len(sizes) * FEW_SHARE:
        return ""
    return (
        f"of {len(sizes):,} pictures {large:,} are larger than {LARGE_PX} px and {oblong:,} are not square: training "
        f"squeezes each whole picture to {INPUT_SIZE}×{INPUT_SIZE} px, while serving cuts out the face. If they are "
        "photographs, cut them the same way first: python -m ml.data crop PHOTOS --out DATA"
    )


def _first_bytes(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(16)
