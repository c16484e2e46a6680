"""What a network is trained on: shuffled, augmented batches of pictures, and what it should answer to them."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from ml.data import Pictures, load_votes
from ml.inference.preprocess import to_batch
from ml.training.augment import Augmentation, augment

Answers = Callable[[np.ndarray], dict[str, np.ndarray]]
"""A batch `(n, 48, 48, 1)` to each output's probabilities `(n, classes)`."""


class Batches(keras.utils.PyDataset):
    """One epoch of shuffled, augmented batches: `(images, targets, weights)`.

    Args:
        targets: output name to `(n, classes)` probabilities. A row of zeros has no say in that output's loss.
        teachers: what trained networks answer to the batch, and the part that it has in every target; a row of zeros
            has that answer alone.
    """

    def __init__(
        self,
        images: np.ndarray,
        targets: dict[str, np.ndarray],
        batch_size: int,
        augmentation: Augmentation,
        seed: int,
        epoch: int,
        teachers: tuple[Answers, float] | None = None,
    ) -> None:
        # Two threads prepare what comes next, in order; networks that answer do not like to be asked beside training.
        super().__init__(workers=1 if teachers else 2, max_queue_size=8)
        self._teachers = teachers
        self._images, self._targets, self._batch_size = images, targets, batch_size
        self._augmentation, self._seed, self._epoch = augmentation, seed, epoch
        self._order = np.random.default_rng((seed, epoch)).permutation(len(images))

    def __len__(self) -> int:
        return math.ceil(len(self._order) / self._batch_size)

    def __getitem__(self, index: int) -> tuple[np.ndarray, Any, Any]:
        chosen = self._order[index * self._batch_size : (index + 1) * self._batch_size]
        rng = np.random.default_rng((self._seed, self._epoch, index))
        images = to_batch(augment(self._images[chosen], self._augmentation, rng))
        targets = {name: rows[chosen] for name, rows in self._targets.items()}
        if self._teachers is not None:
            answers, say = self._teachers[0](images), self._teachers[1]
            for name, rows in targets.items():
                labelled = rows.any(axis=1, keepdims=True)
                targets[name] = np.where(labelled, (1 - say) * rows + say * answers[name], answers[name])
        weights = {name: rows.any(axis=1).astype(np.float32) for name, rows in targets.items()}
        return images, one_or_all(targets), one_or_all(weights)


def one_or_all(by_output: dict[str, Any]) -> Any:
    """A network with one output takes its value bare, one with several a dictionary."""
    return by_output if len(by_output) > 1 else next(iter(by_output.values()))


def make_targets(pictures: Pictures, votes: str | None) -> dict[str, np.ndarray]:
    """Each output's target, `(n, classes)` float32: the folder's label, and what people voted where that is known."""
    targets = {"original": np.eye(len(pictures.classes), dtype=np.float32)[pictures.labels]}
    if votes:
        targets["people"] = load_votes(votes, pictures.files).shares
    return targets
