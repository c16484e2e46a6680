"""Shuffled, augmented batches of pictures with their targets and weights."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from ml.inference.preprocess import to_batch
from ml.training.augment import Augmentation, augment
from ml.training.processes import ALONE, Processes

TeacherOutputs = Callable[[np.ndarray], dict[str, np.ndarray]]
"""A batch `(n, 48, 48, 1)` to each output's probabilities `(n, classes)`."""


class Batches(keras.utils.PyDataset):
    """One epoch of shuffled, augmented batches: `(images, targets, weights)`.

    Args:
        images: `(n, 48, 48)` uint8.
        targets: output name to `(n, classes)` probabilities. A row of zeros means "unknown" and has weight 0 in that
            output's loss.
        teachers: the outputs of trained networks for a batch.
        distillation_weight: share of the teachers' outputs in every target, from 0 to 1; unknown targets are replaced
            by them.
        blending: see `ml.training.presets.Preset.blending`.
        processes: this process's place among several; it then gives its slice of every batch, and up to
            `devices - 1` pictures of each epoch are left out, others each time.
    """

    def __init__(
        self,
        images: np.ndarray,
        targets: dict[str, np.ndarray],
        batch_size: int,
        augmentation: Augmentation,
        seed: int,
        epoch: int,
        teachers: TeacherOutputs | None = None,
        distillation_weight: float = 0.0,
        blending: float = 0.0,
        processes: Processes = ALONE,
    ) -> None:
        # Two threads prepare the next batches, in order. With teachers no thread is used: their predictions must not
        # run at the same time as a training step.
        super().__init__(workers=1 if teachers else 2, max_queue_size=8)
        self._teachers, self._distillation_weight, self._blending = teachers, distillation_weight, blending
        self._images, self._targets, self._batch_size = images, targets, batch_size
        self._augmentation, self._seed, self._epoch = augmentation, seed, epoch
        used = processes.divisible(len(images), batch_size)
        self._order = np.random.default_rng((seed, epoch)).permutation(len(images))[:used]
        self._processes = processes

    def __len__(self) -> int:
        return math.ceil(len(self._order) / self._batch_size)

    def __getitem__(self, index: int) -> tuple[np.ndarray, Any, Any]:
        chosen = self._order[index * self._batch_size : (index + 1) * self._batch_size]
        rng = np.random.default_rng((self._seed, self._epoch, index))
        images = to_batch(augment(self._images[chosen], self._augmentation, rng))
        targets = {name: rows[chosen] for name, rows in self._targets.items()}
        if self._blending:
            images, targets = blended(images, targets, self._blending, rng)
        # Every process makes the whole batch, so that the random numbers are those of one process.
        images = self._processes.share(images)
        targets = {name: self._processes.share(rows) for name, rows in targets.items()}
        if self._teachers is not None:
            taught, share = self._teachers(images), self._distillation_weight
            for name, rows in targets.items():
                known = rows.any(axis=1, keepdims=True)
                targets[name] = np.where(known, (1 - share) * rows + share * taught[name], taught[name])
        weights = {name: rows.any(axis=1).astype(np.float32) for name, rows in targets.items()}
        return images, one_or_all(targets), one_or_all(weights)


def one_or_all(by_output: dict[str, Any]) -> Any:
    """The form in which Keras takes values for outputs: bare for one output, a dictionary for several."""
    return by_output if len(by_output) > 1 else next(iter(by_output.values()))


def blended(
    images: np.ndarray, targets: dict[str, np.ndarray], alpha: float, rng: np.random.Generator
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Every picture and its target, blended with those of the picture at the same place from the end of the batch.

    The target of a pair is unknown where that of either picture is.
    """
    part = rng.beta(alpha, alpha, (len(images), 1)).astype(np.float32)
    both = images * part[..., None, None] + images[::-1] * (1 - part[..., None, None])
    known = {
        name: rows.any(axis=1, keepdims=True) & rows[::-1].any(axis=1, keepdims=True) for name, rows in targets.items()
    }
    mixed = {name: np.where(known[name], rows * part + rows[::-1] * (1 - part), 0) for name, rows in targets.items()}
    return both, mixed
