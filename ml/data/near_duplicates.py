"""Near duplicates: one photograph in several versions, mirrored, watermarked, relit or recompressed."""

from __future__ import annotations

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

NEAR_CORRELATION = 0.93
"""Pictures whose pixels correlate above this are near duplicates; brightness and contrast do not matter. Chosen by hand;
`python -m ml.data audit DIR --near` lists what it finds."""


def near_pairs(images: np.ndarray, least: float = NEAR_CORRELATION, block: int = 2048) -> np.ndarray:
    """Pairs of almost identical pictures, mirrored ones included.

    A thumbnail of a quarter of the side finds candidates by one matrix product; the whole pictures then decide.

    Args:
        images: `(n, height, width)` uint8, both sides divisible by 4. least: smallest correlation of the pixels.

    Returns:
        `(pairs, 2)` int64 indices, the smaller first.
    """
    n, height, width = images.shape
    small = images.reshape(n, height // 4, 4, width // 4, 4).mean((2, 4), dtype=np.float32)
    upright = _standardised(small)
    mirrored = _standardised(small[:, :, ::-1])
    found: list[np.ndarray] = []
    for start in range(0, n, block):
        rows = upright[start : start + block]
        for other, mirror in ((upright, False), (mirrored, True)):
            first, second = np.nonzero(rows @ other[start:].T > least - 0.01)
            first, second = first + start, second + start
            keep = second > first
            first, second = first[keep], second[keep]
            left = _standardised(images[first])
            right = _standardised(images[second][:, :, ::-1] if mirror else images[second])
            alike = np.einsum("ij,ij->i", left, right) > least
            found.append(np.stack([first[alike], second[alike]], 1))
    return np.unique(np.concatenate(found), axis=0) if found else np.empty((0, 2), np.int64)


def _standardised(images: np.ndarray) -> np.ndarray:
    """Pictures as vectors of mean 0 and length 1, so that dot products are correlations; flat ones are zeros."""
    flat = images.reshape(len(images), images.shape[1] * images.shape[2]).astype(np.float32)
    flat -= flat.mean(1, keepdims=True)
    length = np.linalg.norm(flat, axis=1, keepdims=True)
    return np.divide(flat, length, out=flat, where=length > 1e-3)


def connected(n: int, pairs: np.ndarray) -> list[list[int]]:
    """The groups of two and more among `n` pictures that `(pairs, 2)` indices connect."""
    links = coo_array((np.ones(len(pairs), bool), (pairs[:, 0], pairs[:, 1])), shape=(n, n))
    _, group_of = connected_components(links, directed=False)
    groups = np.split(np.argsort(group_of, kind="stable"), np.cumsum(np.bincount(group_of, minlength=1))[:-1])
    return sorted(group.tolist() for group in groups if len(group) > 1)
