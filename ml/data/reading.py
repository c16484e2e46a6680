"""The entries of a class folder: which are pictures, their grey levels, and a reason for each that is left out.

Training, evaluation and the audit read folders through this module, so that they agree on what a picture is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np

from ml.console import printable
from ml.inference.contract import INPUT_SIZE, AnalysisError, BadImage
from ml.inference.formats import PHOTO_SUFFIXES, sniff
from ml.inference.preprocess import decode_image, scale_to_8_bits

OTHER_FORMATS = {
    "BMP": (b"BM",),
    "TIFF": (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"),
    "GIF": (b"GIF87a", b"GIF89a"),
    "PNM": tuple(b"P%d%c" % (kind, blank) for kind in range(1, 7) for blank in b" \n\r\t"),
    "JPEG 2000": (b"\0\0\0\x0cjP  ", b"\xff\x4f\xff\x51"),
}
"""First bytes of formats that are accepted in data sets only; the server refuses them."""
LARGE_PX, FEW_SHARE = 200, 0.05
"""Pictures with a longer side count as whole photographs; a share up to this one is not reported."""
OTHER_SUFFIXES = frozenset({".bmp", ".dib", ".tif", ".tiff", ".gif", ".pbm", ".pgm", ".ppm", ".pnm", ".jp2", ".j2k"})


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
        is_named = path.suffix.lower() in PHOTO_SUFFIXES | OTHER_SUFFIXES
        try:
            if not path.is_file():
                kind = "a folder" if path.is_dir() else "a link to nothing" if path.is_symlink() else "no file"
                if is_named or kind == "a link to nothing":
                    broken[path] = f"expected a picture file, received {kind}"
                else:
                    others.append(path)
            elif is_named or _format_of(_first_bytes(path)):
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
    kind = _format_of(data[:16])
    if sniff(data) or kind is None:
        return decode_image(data)
    try:
        gray = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_ANYDEPTH)
        if gray is not None and gray.dtype not in (np.uint8, np.uint16):
            gray = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE)
    except cv2.error:
        gray = None
    if gray is None or not gray.size:
        raise BadImage(f"expected a whole {kind} picture, received {len(data)} bytes that do not decode")
    return scale_to_8_bits(gray) if gray.dtype == np.uint16 else gray


def read_or_reason(path: Path) -> np.ndarray | str:
    """A picture's grey levels, or the reason why there are none."""
    try:
        return read_picture(path)
    except AnalysisError as error:
        return str(error)


def count_by_suffix(files: Iterable[str]) -> str:
    """The number of files of each suffix: `80 files left out: 20 .bmp, 60 .heic`; empty for none."""
    kinds = Counter(Path(file).suffix.lower() or "without a suffix" for file in files)
    total = sum(kinds.values())
    listed = ", ".join(f"{count} {kind}" for kind, count in kinds.most_common())
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


def _format_of(first: bytes) -> str | None:
    others = (name for name, magic in OTHER_FORMATS.items() if first.startswith(magic))
    return sniff(first) or next(others, None)
