"""The changes of `ml.training.augment` for whole batches on an accelerator, with JAX.

Blur and a lower resolution are linear along each side of a picture, so that each is a product with a 48×48 matrix from
a table. JPEG compression is the quantisation of the cosine transform of blocks of 8×8 pixels.
"""

from __future__ import annotations

from functools import cache

import cv2
import jax
import jax.numpy as jnp
import numpy as np

from ml.training.augment import Augmentation

SMALLEST_SIDE = 20
"""Side of the smallest picture that `_lower_resolution` of `ml.training.augment` enlarges."""
SIGMAS = np.linspace(0.4, 1.2, 17)
"""Widths of the blur in pixels."""
QUALITIES = np.arange(30, 90)
JPEG_STEPS = np.array(
    [
        [16, 11, 10, 16, 24, 40, 51, 61],
        [12, 12, 14, 19, 26, 58, 60, 55],
        [14, 13, 16, 24, 40, 57, 69, 56],
        [14, 17, 22, 29, 51, 87, 80, 62],
        [18, 22, 37, 56, 68, 109, 103, 77],
        [24, 35, 55, 64, 81, 104, 113, 92],
        [49, 64, 78, 87, 103, 121, 120, 101],
        [72, 92, 95, 98, 112, 100, 103, 99],
    ]
)
"""Quantisation of luminance at quality 50 (ITU-T T.81, table K.1)."""


def augment(images: jax.Array, settings: Augmentation, key: jax.Array) -> jax.Array:
    """Change every picture at random.

    Args:
        images: `(n, side, side)`, grey levels 0 to 255; `side` is a multiple of 8.

    Returns:
        The same shape in float32, whole numbers from 0 to 255.
    """
    images = images.astype(jnp.float32)
    keys = jax.random.split(key, 7)
    side = images.shape[1]
    if settings.degrade:
        images = _filtered(images, resolutions(side), settings.degrade, keys[0])
    images = _moved(images, settings, keys[1])
    if settings.light:
        images = _relit(images, settings.light, keys[2])
    if settings.degrade:
        images = _filtered(images, blurs(side), settings.degrade, keys[3])
        images = _compressed(images, settings.degrade, keys[4])
        images = _noisy(images, settings.degrade, keys[5])
    if settings.erase:
        images = _erased(images, settings.erase, keys[6])
    return jnp.clip(jnp.round(images), 0, 255)


@cache
def resolutions(side: int) -> np.ndarray:
    """`(n, side, side)`: the identity, then for each smaller side what reducing and enlarging does to a column."""
    columns = np.eye(side, dtype=np.float32)
    rows = [columns]
    for small in range(SMALLEST_SIDE, side):
        reduced = cv2.resize(columns, (side, small), interpolation=cv2.INTER_AREA)
        rows.append(cv2.resize(reduced, (side, side), interpolation=cv2.INTER_LINEAR))
    return np.stack(rows)


@cache
def blurs(side: int) -> np.ndarray:
    """`(n, side, side)`: the identity, then for each of `SIGMAS` what the blur does to a column."""
    columns = np.eye(side, dtype=np.float32)
    rows = [cv2.sepFilter2D(columns, -1, np.ones(1), _gaussian(sigma)) for sigma in SIGMAS]
    return np.stack([columns, *rows])


def _gaussian(sigma: float) -> np.ndarray:
    return cv2.getGaussianKernel(2 * round(3 * sigma) + 1, sigma)


def _filtered(images: jax.Array, table: np.ndarray, probability: float, key: jax.Array) -> jax.Array:
    """Multiply both sides of each picture by a random matrix of the table, or by its first, the identity."""
    whether, which = jax.random.split(key)
    chosen = jax.random.randint(which, (len(images),), 1, len(table))
    chosen = jnp.where(jax.random.bernoulli(whether, probability, (len(images),)), chosen, 0)
    matrices = jnp.asarray(table)[chosen]
    return jnp.einsum("nij,njk,nlk->nil", matrices, images, matrices, precision="highest")


def _moved(images: jax.Array, settings: Augmentation, key: jax.Array) -> jax.Array:
    """Rotate, scale, flip about the centre, then shift; between pixels linear, border pixels repeat."""
    count, side = images.shape[:2]
    keys = jax.random.split(key, 4)
    angle = jnp.deg2rad(settings.rotation_deg) * jax.random.uniform(keys[0], (count,), minval=-1, maxval=1)
    scale = jnp.exp(jnp.log1p(settings.scale) * jax.random.uniform(keys[1], (count,), minval=-1, maxval=1))
    mirrored = jnp.where(jax.random.bernoulli(keys[2], 0.5 if settings.flip else 0.0, (count,)), -1.0, 1.0)
    shift = settings.shift * side * jax.random.uniform(keys[3], (count, 2), minval=-1, maxval=1)
    center = (side - 1) / 2
    row, column = jnp.meshgrid(jnp.arange(side) - center, jnp.arange(side) - center, indexing="ij")
    row = row[None] - shift[:, 0, None, None]
    column = column[None] - shift[:, 1, None, None]
    cos, sin = (
        jnp.cos(angle)[:, None, None] / scale[:, None, None],
        jnp.sin(angle)[:, None, None] / scale[:, None, None],
    )
    source_row = jnp.clip(center + cos * row - sin * column, 0, side - 1)
    source_column = jnp.clip(center + mirrored[:, None, None] * (sin * row + cos * column), 0, side - 1)
    return jax.vmap(_sampled)(images, source_row, source_column)


def _sampled(image: jax.Array, row: jax.Array, column: jax.Array) -> jax.Array:
    top, left = jnp.floor(row).astype(jnp.int32), jnp.floor(column).astype(jnp.int32)
    bottom, right = jnp.minimum(top + 1, image.shape[0] - 1), jnp.minimum(left + 1, image.shape[1] - 1)
    down, across = row - top, column - left
    upper = image[top, left] * (1 - across) + image[top, right] * across
    lower = image[bottom, left] * (1 - across) + image[bottom, right] * across
    return upper * (1 - down) + lower * down


def _relit(images: jax.Array, amount: float, key: jax.Array) -> jax.Array:
    """Gamma, gain and offset."""
    gamma, gain, offset = amount * jax.random.uniform(key, (3, len(images), 1, 1), minval=-1, maxval=1)
    levels = 255 * jnp.exp(gain) * (images / 255) ** jnp.exp(gamma) + 255 * offset / 2
    return jnp.clip(levels, 0, 255)


def _compressed(images: jax.Array, probability: float, key: jax.Array) -> jax.Array:
    whether, which = jax.random.split(key)
    count = len(images)
    quality = jax.random.randint(which, (count,), QUALITIES[0], QUALITIES[-1] + 1)
    chosen = jax.random.bernoulli(whether, probability, (count, 1, 1))
    return jnp.where(chosen, jpeg(images, quality), images)


def jpeg(images: jax.Array, quality: jax.Array) -> jax.Array:
    """What JPEG compression loses.

    Args:
        images: `(n, side, side)`, grey levels. quality: `(n,)`, 1 to 100.
    """
    count, side = images.shape[:2]
    percent = jnp.where(quality < 50, 5000 // quality, 200 - 2 * quality)
    steps = jnp.clip((JPEG_STEPS * percent[:, None, None] + 50) // 100, 1, 255)[:, None, :, None, :]
    cosine = jnp.asarray(cv2.dct(np.eye(8, dtype=np.float32), flags=cv2.DCT_ROWS).T)
    blocks = images.reshape(count, side // 8, 8, side // 8, 8) - 128
    coefficients = jnp.einsum("ui,nbicj,vj->nbucv", cosine, blocks, cosine, precision="highest")
    kept = jnp.round(coefficients / steps) * steps
    restored = jnp.einsum("ui,nbucv,vj->nbicj", cosine, kept, cosine, precision="highest")
    return jnp.clip(restored.reshape(images.shape) + 128, 0, 255)


def _noisy(images: jax.Array, probability: float, key: jax.Array) -> jax.Array:
    whether, strength, values = jax.random.split(key, 3)
    shape = (len(images), 1, 1)
    sigma = jax.random.uniform(strength, shape, minval=2, maxval=10)
    noise = jnp.where(jax.random.bernoulli(whether, probability, shape), sigma, 0.0)
    return jnp.clip(images + noise * jax.random.normal(values, images.shape), 0, 255)


def _erased(images: jax.Array, probability: float, key: jax.Array) -> jax.Array:
    """Overwrite a square of 15 to 40 % of the side with noise (Zhong et al., Random Erasing, 2017)."""
    whether, size, place, values = jax.random.split(key, 4)
    count, side = images.shape[:2]
    length = jnp.floor(side * jax.random.uniform(size, (count, 1), minval=0.15, maxval=0.4))
    start = jnp.floor(jax.random.uniform(place, (2, count, 1)) * (side - length + 1))
    pixel = jnp.arange(side)[None]
    within_rows, within_columns = ((pixel >= first) & (pixel < first + length) for first in start)
    chosen = jax.random.bernoulli(whether, probability, (count, 1, 1))
    square = within_rows[:, :, None] & within_columns[:, None, :] & chosen
    return jnp.where(square, jax.random.randint(values, images.shape, 0, 256), images)
