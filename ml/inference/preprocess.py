"""Bytes to grey picture, and grey picture to model input: the one place that decodes, crops and scales.

Training, evaluation and serving all call `fit_to_input`, so the network is never shown pixels prepared in two ways.
"""

from __future__ import annotations

import os

from ml.inference.contract import INPUT_SIZE, MAX_PIXELS, BadImage, NotAnImage, TooLarge

# OpenCV reads this limit once, when it is loaded: a small file can claim an enormous picture.
os.environ.setdefault("OPENCV_IO_MAX_IMAGE_PIXELS", str(MAX_PIXELS))

import cv2
import numpy as np


def sniff(data: bytes) -> str | None:
    """The picture format that the first bytes announce: `jpeg`, `png`, `webp`, or None for anything else."""
    if data[:3] == b"\xff\xd8\xff":
        return "jpeg"
    if data[:8] == b"\x89PNG\r\n\x1a\n":
        return "png"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "webp"
    return None


def decode_image(data: bytes, flags: int = cv2.IMREAD_GRAYSCALE) -> np.ndarray:
    """Decode a JPEG, PNG or WebP to grey levels, turned upright by its EXIF orientation.

    Args:
        data: the file's bytes.
        flags: how OpenCV reads it; a reduced grey reading is allowed, a colour one is not.

    Returns:
        `(height, width)` uint8.

    Raises:
        NotAnImage: the bytes are no JPEG, PNG or WebP. TooLarge: more than `MAX_PIXELS`. BadImage: it does not decode.
    """
    if not data:
        raise BadImage("expected a JPEG, PNG or WebP picture, received 0 bytes")
    kind = sniff(data)
    if kind is None:
        raise NotAnImage(f"expected a JPEG, PNG or WebP picture, received bytes beginning {data[:8].hex(' ')}")
    try:
        gray = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error as error:
        if "CV_IO_MAX_IMAGE" in str(error):
            raise TooLarge(f"expected a picture of at most {MAX_PIXELS:,} pixels, received a larger one") from None
        raise BadImage(f"expected a whole {kind} picture, received {len(data)} bytes that do not decode") from None
    if gray is None or not gray.size:
        raise BadImage(f"expected a whole {kind} picture, received {len(data)} bytes that do not decode")
    return gray


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
