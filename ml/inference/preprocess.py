"""Bytes to grey picture, and grey picture to model input: the one place that decodes, crops and scales.

Training, evaluation and serving all call `fit_to_input`, so the network is never shown pixels prepared in two ways.
"""

from __future__ import annotations

import os

from ml.inference.contract import INPUT_SIZE, MAX_PIXELS, BadImage, NotAnImage, TooLarge
from ml.inference.formats import PICTURES, file_format, sniff

# OpenCV reads this limit once, when it is loaded: a small file can claim an enormous picture.
os.environ.setdefault("OPENCV_IO_MAX_IMAGE_PIXELS", str(MAX_PIXELS))

import cv2
import numpy as np


def decode_image(data: bytes, flags: int = cv2.IMREAD_GRAYSCALE) -> np.ndarray:
    """Decode a JPEG, PNG or WebP to grey levels, turned upright by its EXIF orientation.

    A PNG of 16 bits is scaled by the range of its values (10, 12, 14 or 16 bits): cameras store 12 bits in 16.

    Args:
        data: the file's bytes.
        flags: how OpenCV reads it; a reduced grey reading is allowed, a colour one is not.

    Returns:
        `(height, width)` uint8.

    Raises:
        NotAnImage: the bytes are no JPEG, PNG or WebP. TooLarge: more than `MAX_PIXELS`. BadImage: it does not decode.
    """
    kind = sniff(data)
    if kind is None:
        error = NotAnImage if data else BadImage
        raise error(f"expected a JPEG, PNG or WebP picture, received {_beginning(data)}")
    deep = kind == "png" and data[24:25] == b"\x10"  # the header's bit depth
    gray = _decoded(data, cv2.IMREAD_ANYDEPTH if deep else flags, kind)
    return scale_to_8_bits(gray) if gray.dtype == np.uint16 else gray


def decode_file(data: bytes) -> np.ndarray:
    """Decode a picture file of any format that the commands read, as `decode_image`; of a GIF the first frame.

    Raises:
        NotAnImage, TooLarge, BadImage: as `decode_image`.
    """
    kind = file_format(data[:16])
    if kind is None:
        error = NotAnImage if data else BadImage
        raise error(f"expected a picture ({PICTURES}), received {_beginning(data)}")
    if sniff(data):
        return decode_image(data)
    gray = _decoded(data, cv2.IMREAD_ANYDEPTH, kind)
    if gray.dtype not in (np.uint8, np.uint16):
        gray = _decoded(data, cv2.IMREAD_GRAYSCALE, kind)
    return scale_to_8_bits(gray) if gray.dtype == np.uint16 else gray


def as_served(data: bytes) -> bytes:
    """A picture file as the analyzer reads it: a format that the server refuses becomes an uncompressed grey PNG.

    Raises:
        NotAnImage, TooLarge, BadImage: as `decode_file`.
    """
    return data if sniff(data) else encode_png(decode_file(data))


def encode_png(gray: np.ndarray) -> bytes:
    """Grey levels `(height, width)` uint8 as an uncompressed PNG."""
    return cv2.imencode(".png", np.ascontiguousarray(gray), [cv2.IMWRITE_PNG_COMPRESSION, 0])[1].tobytes()


def _decoded(data: bytes, flags: int, kind: str) -> np.ndarray:
    try:
        gray = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error as error:
        if "CV_IO_MAX_IMAGE" in str(error):
            raise TooLarge(f"expected a picture of at most {MAX_PIXELS:,} pixels, received a larger one") from None
        raise BadImage(f"expected a whole {kind} picture, received {len(data)} bytes that do not decode") from None
    if gray is None or not gray.size:
        raise BadImage(f"expected a whole {kind} picture, received {len(data)} bytes that do not decode")
    return gray


def _beginning(data: bytes) -> str:
    return f"bytes beginning {data[:8].hex(' ')}" if data else "0 bytes"


def scale_to_8_bits(gray: np.ndarray) -> np.ndarray:
    """Grey levels `(height, width)` uint16 as uint8, by the smallest range of 8, 10, 12, 14 or 16 bits that fits.

    One pixel in a thousand may exceed it (sensors have stuck pixels). Levels that fit a quarter of 16 bits only when
    their darkest is taken off, as some instruments write them, are stretched from there.
    """
    sample = gray[:: 1 + gray.shape[0] // 500, :: 1 + gray.shape[1] // 500]
    low, high = (round(level) for level in np.percentile(sample, (0.1, 99.9)).tolist())
    if high >= 1 << 14 > high - low > 0:
        return ((np.clip(gray, low, high).astype(np.uint32) - low) * 255 // max(high - low, 255)).astype(np.uint8)
    bits = next(bits for bits in (8, 10, 12, 14, 16) if high < 1 << bits)
    return (np.minimum(gray, (1 << bits) - 1) >> (bits - 8)).astype(np.uint8)


def fit_to_input(patch: np.ndarray) -> np.ndarray:
    """Resize a grey patch to the model's input size; a patch of that size comes back untouched.

    Args:
        patch: `(height, width)` uint8.

    Returns:
        `(48, 48)` uint8. Shrinking averages areas, enlarging interpolates linearly.
    """
    height, width = patch.shape
    if (height, width) == (INPUT_SIZE, INPUT_SIZE):
        return patch
    shrinks = min(height, width) >= INPUT_SIZE
    return cv2.resize(patch, (INPUT_SIZE, INPUT_SIZE), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)


def to_batch(crops: list[np.ndarray] | np.ndarray) -> np.ndarray:
    """Stack crops `(48, 48)` uint8 into the model's input: `(n, 48, 48, 1)` float32, grey levels 0 to 255."""
    if len(crops) == 0:
        return np.empty((0, INPUT_SIZE, INPUT_SIZE, 1), np.float32)
    return np.asarray(crops, np.float32)[..., np.newaxis]
