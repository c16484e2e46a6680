"""Random changes to training pictures: geometry, light and camera faults. NumPy and OpenCV on uint8 arrays.

Every draw comes from the generator that is passed in, so that an epoch can be repeated exactly.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np


@dataclass(frozen=True)
class Augmentation:
    """How far pictures are changed. Fractions are of the picture's side; probabilities are per picture."""

    shift: float = 0.1
    flip: bool = True
    rotation_deg: float = 0.0
    scale: float = 0.0
    light: float = 0.0
    """Gain and gamma vary by this fraction, brightness by this fraction of the grey range."""
    erase: float = 0.0
    """Probability that one square is overwritten with noise."""
    degrade: float = 0.0
    """Probability of each camera fault: blur, a low resolution, JPEG compression, sensor noise."""


def augment(images: np.ndarray, settings: Augmentation, rng: np.random.Generator) -> np.ndarray:
    """Change every picture at random.

    Args:
        images: `(n, height, width)` uint8.

    Returns:
        The same shape and type, a new array.
    """
    return np.stack([_augment_one(image, settings, rng) for image in images])


def _augment_one(image: np.ndarray, settings: Augmentation, rng: np.random.Generator) -> np.ndarray:
    if rng.random() < settings.degrade:
        image = _lower_resolution(image, rng)
    image = _move(image, settings, rng)
    if settings.light:
        image = _relight(image, settings.light, rng)
    if rng.random() < settings.degrade:
        image = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.4, 1.2))
    if rng.random() < settings.degrade:
        image = _compress(image, rng)
    if rng.random() < settings.degrade:
        noise = rng.normal(0, rng.uniform(2, 10), image.shape)
        image = np.clip(image + noise, 0, 255).astype(np.uint8)
    if rng.random() < settings.erase:
        image = _erase_square(image, rng)
    return image


def _move(image: np.ndarray, settings: Augmentation, rng: np.random.Generator) -> np.ndarray:
    """Rotate, scale, flip about the centre, then shift; border pixels repeat."""
    height, width = image.shape
    angle = np.deg2rad(rng.uniform(-settings.rotation_deg, settings.rotation_deg))
    scale = np.exp(rng.uniform(-1, 1) * np.log1p(settings.scale))
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    if settings.flip and rng.random() < 0.5:
        turn = turn @ np.diag([-1.0, 1.0])
    center = np.array([(width - 1) / 2, (height - 1) / 2])
    shift = rng.uniform(-settings.shift, settings.shift, 2) * (width, height)
    matrix = np.column_stack([turn, center - turn @ center + shift])
    return cv2.warpAffine(image, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def _relight(image: np.ndarray, amount: float, rng: np.random.Generator) -> np.ndarray:
    """Gamma, gain and offset, by a table of the 256 grey levels."""
    gamma, gain = np.exp(rng.uniform(-amount, amount, 2))
    levels = 255 * gain * np.linspace(0, 1, 256) ** gamma + 255 * rng.uniform(-amount, amount) / 2
    return np.clip(levels, 0, 255).astype(np.uint8)[image]


def _lower_resolution(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """What a small or distant face looks like once it has been enlarged."""
    side = int(rng.integers(20, image.shape[0]))
    small = cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA)
    return cv2.resize(small, image.shape[::-1], interpolation=cv2.INTER_LINEAR)


def _compress(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    _, encoded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(30, 90))])
    return cv2.imdecode(encoded, cv2.IMREAD_GRAYSCALE)


def _erase_square(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Overwrite a square of 15 to 40 % of the side with noise (Zhong et al., Random Erasing, 2017)."""
    side = int(image.shape[0] * rng.uniform(0.15, 0.4))
    top, left = rng.integers(0, image.shape[0] - side + 1, 2)
    image = image.copy()
    image[top : top + side, left : left + side] = rng.integers(0, 256, (side, side), dtype=np.uint8)
    return image
