"""The size is read from the header alone, or not at all."""

from __future__ import annotations

import io

import cv2
import numpy as np
import pytest
from PIL import Image

from ml.inference.picture_size import picture_size

GRAY = np.zeros((70, 300), np.uint8)


def saved(picture_format: str, **options: object) -> bytes:
    file = io.BytesIO()
    Image.fromarray(GRAY).convert("RGB").save(file, picture_format, **options)
    return file.getvalue()


@pytest.mark.parametrize(
    "data", [b"", b"GIF89a", b"\xff\xd8", b"\xff\xd8\xff\xe0\x00\x10", b"RIFF0000WEBP", b"\x89PNG\r\n\x1a\n"]
)
def test_no_size_without_a_header(data: bytes) -> None:
    assert picture_size(data) is None


@pytest.mark.parametrize(
    "data",
    [
        saved("JPEG"),
        saved("JPEG", progressive=True),
        saved("JPEG", exif=b"Exif\x00\x00" + bytes(3000)),
        saved("PNG"),
        saved("WEBP"),
        saved("WEBP", lossless=True),
        saved("WEBP", exif=b"Exif\x00\x00MM\x00*\x00\x00\x00\x08\x00\x00"),
        cv2.imencode(".jpg", GRAY)[1].tobytes(),
    ],
    ids=["jpeg", "progressive", "jpeg with exif", "png", "webp", "lossless webp", "extended webp", "grey jpeg"],
)
def test_size_of(data: bytes) -> None:
    assert picture_size(data) == (300, 70)
    assert picture_size(data[: max(32, len(data) - 20)]) == (300, 70)


def test_a_jpeg_is_read_as_the_decoder_reads_it() -> None:
    """libjpeg skips bytes that do not belong there, and padding."""
    data = saved("JPEG")
    first = 4 + int.from_bytes(data[4:6], "big")
    for more in (b"\0", b"abc", b"\xff\0", b"\xff\xff\xff"):
        changed = data[:first] + more + data[first:]
        assert cv2.imdecode(np.frombuffer(changed, np.uint8), cv2.IMREAD_GRAYSCALE).shape == (70, 300)
        assert picture_size(changed) == (300, 70)
