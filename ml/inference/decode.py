"""Decodes a file to a grey picture. Files that would take too long are refused before decoding."""

from __future__ import annotations

import cv2
import numpy as np

from ml.inference.contract import MAX_PIXELS, BadImage, TooLarge
from ml.inference.picture_size import jpeg_scans, picture_size
from ml.inference.preprocess import decode_image

MAX_ASPECT = 400
"""Largest ratio of the longer to the shorter side: a line of pixels holds no face but needs thousands of windows."""
MAX_JPEG_SCANS = 100
"""Progressive JPEGs have about ten scans. Each scan decodes the whole picture again, even if it has few bytes."""
MAX_SCANNED_PIXELS = 1_200_000_000
"""Largest product of pixels and scans: ten scans of 40 megapixels are accepted."""
REDUCED = {1: cv2.IMREAD_GRAYSCALE} | {
    2: cv2.IMREAD_REDUCED_GRAYSCALE_2,
    4: cv2.IMREAD_REDUCED_GRAYSCALE_4,
    8: cv2.IMREAD_REDUCED_GRAYSCALE_8,
}


def decode(data: bytes, min_side_px: int) -> tuple[np.ndarray, tuple[int, int]]:
    """Decode a picture and reduce a large one; a JPEG is decoded at a fraction of its size, which is quicker.

    Args:
        data: the file's bytes.
        min_side_px: the longer side keeps at least this length, unless it is shorter in the file; less than twice of
            it is left, whatever the format.

    Returns:
        `(height, width)` uint8, and width and height of the whole picture, both upright.

    Raises:
        AnalysisError: as `decode_image`; `TooLarge` also for too many scans, `BadImage` for a picture that is too thin.
    """
    stored = picture_size(data)
    if stored is None:
        check_scans(data, MAX_PIXELS)
        gray = decode_image(data)
        check_shape(gray.shape[1], gray.shape[0])
        return _reduce(gray, min_side_px), (gray.shape[1], gray.shape[0])
    check_shape(*stored)
    factor = 1
    check_scans(data, stored[0] * stored[1])
    if data[:2] == b"\xff\xd8":
        factor = max(factor for factor in REDUCED if factor == 1 or max(stored) >= factor * min_side_px)
    gray = decode_image(data, REDUCED[factor])
    height, width = gray.shape
    if factor == 1:
        return _reduce(gray, min_side_px), (width, height)
    turned = abs(width * factor - stored[0]) > factor  # by a quarter, as EXIF told the decoder
    return _reduce(gray, min_side_px), (stored[1], stored[0]) if turned else stored


def check_shape(width: int, height: int) -> None:
    """Refuse pictures with too many pixels, and those that are hardly more than a line.

    Raises:
        TooLarge, BadImage: with what was expected.
    """
    if width * height > MAX_PIXELS:
        raise TooLarge(f"expected a picture of at most {MAX_PIXELS:,} pixels, received {width}×{height}")
    if max(width, height) > MAX_ASPECT * max(1, min(width, height)):
        raise BadImage(f"expected a picture at most {MAX_ASPECT} times as long as wide, received {width}×{height}")


def check_scans(data: bytes, pixels: int) -> None:
    """Refuse JPEGs whose scans would take seconds to decode.

    Raises:
        TooLarge: with what was expected.
    """
    if data[:2] != b"\xff\xd8":
        return
    most = min(MAX_JPEG_SCANS, MAX_SCANNED_PIXELS // max(1, pixels))
    scans = jpeg_scans(data)
    if scans > most:
        raise TooLarge(f"expected a JPEG of this size with at most {most} scans, received {scans}")


def _reduce(gray: np.ndarray, min_side_px: int) -> np.ndarray:
    """A picture with a longer side of twice `min_side_px` or more, reduced to that side."""
    height, width = gray.shape
    if max(height, width) < 2 * min_side_px:
        return gray
    scale = min_side_px / max(height, width)
    size_wh = max(1, round(width * scale)), max(1, round(height * scale))
    return cv2.resize(gray, size_wh, interpolation=cv2.INTER_AREA)
