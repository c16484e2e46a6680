"""Bytes to grey levels, whatever depth they are stored in."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from ml.inference.preprocess import decode_image


@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_deep_png_is_as_light_as_its_8_bit_copy(bits: int, channels: int) -> None:
    levels = np.tile(np.arange(256, dtype=np.uint8), (32, 1))
    deep = (levels.astype(np.uint16) << (bits - 8)) if bits > 8 else levels.astype(np.uint16)
    picture = np.repeat(deep[..., None], channels, 2) if channels > 1 else deep
    decoded = decode_image(cv2.imencode(".png", picture)[1].tobytes())
    assert decoded.dtype == np.uint8
    assert np.abs(decoded.astype(int) - levels).max() <= 1


def test_a_deep_png_of_zeros_stays_black() -> None:
    assert not decode_image(cv2.imencode(".png", np.zeros((8, 8), np.uint16))[1].tobytes()).any()
