"""Camera faults of known strength, to measure how much accuracy each one costs."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np


def _blur(image: np.ndarray) -> np.ndarray:
    return cv2.GaussianBlur(image, (0, 0), 1.5)


def _jpeg(image: np.ndarray) -> np.ndarray:
    _, encoded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 40])
    return cv2.imdecode(encoded, cv2.IMREAD_GRAYSCALE)


def _dark(image: np.ndarray) -> np.ndarray:
    return (image * 0.3).astype(np.uint8)


def _small(image: np.ndarray) -> np.ndarray:
    height, width = image.shape
    return cv2.resize(cv2.resize(image, (24, 24), interpolation=cv2.INTER_AREA), (width, height))


def _tilted(image: np.ndarray) -> np.ndarray:
    height, width = image.shape
    matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), 15, 1)
    return cv2.warpAffine(image, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE)


def _off_center(image: np.ndarray) -> np.ndarray:
    height, width = image.shape
    matrix = np.array([[1.0, 0.0, width * 0.08], [0.0, 1.0, height * 0.08]])
    return cv2.warpAffine(image, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE)


CONDITIONS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "as they are": lambda image: image,
    "blur (sigma 1.5 px)": _blur,
    "JPEG quality 40": _jpeg,
    "dark (30 % of the light)": _dark,
    "small (24 px enlarged)": _small,
    "tilted by 15 degrees": _tilted,
    "8 % off centre": _off_center,
}
