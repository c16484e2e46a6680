"""The data of one training run: loading, splitting and fingerprint. Training, resuming and export share it."""

from __future__ import annotations

import hashlib
import warnings
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold

from ml.data.folders import VALIDATION_NAMES, DataError, Pictures, discover_classes, find_split, load_pictures, refuse_photographs
from ml.data.votes import Votes, load_votes
from ml.inference.contract import EMOTIONS


@dataclass(frozen=True)
class TrainingSet:
    """Pictures and votes of a data set, divided into training and validation, and the pictures to score at the end.

    pictures: everything that is trained on or held out for validation. votes: one row per picture of `pictures`, or
    None. training, validation: `(n,)` indices into both. scored: the test split; the validation pictures where there is
    no test folder. scored_votes: one row per picture of `scored`, or None.
    """

    pictures: Pictures
    votes: Votes | None
    training: np.ndarray
    validation: np.ndarray
    scored: Pictures
    scored_votes: Votes | None

    @classmethod
    def load(
        cls, data: str | Path, share: float, votes_csv: str | Path | None = None, limit: int | None = None
    ) -> TrainingSet:
        """Read a folder data set and divide it.

        Args:
            data: directory with `train/` and, if there are any, `test/` and `validation/` (or `val/`, `valid/`).
            share: part of `train/` that is held out for validation where there is no folder for it, above 0 and at
                most 0.5.
            limit: at most this many pictures of each class, except in `test/`.

        Raises:
            DataError: the folders, the pictures or the votes can't be used.
        """
        train = find_split(data, "train") or Path(data) / "train"
        if Path(data).is_dir():
            refuse_photographs(Path(data))
        classes = discover_classes(train)
        if votes_csv and classes != EMOTIONS:
            raise DataError(f"expected the seven emotions as classes with --votes, received {', '.join(classes)}")
        pictures = load_pictures(data, train.name, classes, limit)
        if held_out_folder := find_split(data, *VALIDATION_NAMES):
            count = len(pictures)
            pictures += load_pictures(data, held_out_folder.name, classes, limit)
            training, validation = np.arange(count), np.arange(count, len(pictures))
        else:
            training, validation = split_validation(pictures, share)
        votes = load_votes(votes_csv, pictures.files) if votes_csv else None
        test = find_split(data, "test")
        if test is None:
            held_out = pictures.subset(validation)
            return cls(pictures, votes, training, validation, held_out, votes and votes.subset(validation))
        scored = load_pictures(data, test.name, classes)
        scored_votes = load_votes(votes_csv, scored.files) if votes_csv else None
        return cls(pictures, votes, training, validation, scored, scored_votes)

    @property
    def classes(self) -> tuple[str, ...]:
        return self.pictures.classes

    @cached_property
    def fingerprint(self) -> str:
        """A hash of classes, labels, pixels, votes and the division; the scored pictures are not part of it."""
        digest = hashlib.blake2b("\0".join(self.classes).encode(), digest_size=16)
        parts = [self.pictures.labels, self.pictures.images, self.validation]
        for array in parts + ([self.votes.shares, self.votes.majority] if self.votes else []):
            digest.update(np.ascontiguousarray(array).data)
        return digest.hexdigest()

    def targets(self, with_votes: bool) -> dict[str, np.ndarray]:
        """Each output's target for all pictures, `(n, classes)` float32: the folder's label as 0 and 1 and, with votes,
        the shares of the votes (zeros where they are unknown)."""
        targets = {"original": np.eye(len(self.classes), dtype=np.float32)[self.pictures.labels]}
        if with_votes:
            if self.votes is None:
                raise DataError("expected --votes CSV for this preset, received none")
            targets["people"] = self.votes.shares
        return targets

    def held_out(self) -> tuple[Pictures, Votes | None]:
        """The validation pictures and their votes."""
        return self.pictures.subset(self.validation), self.votes and self.votes.subset(self.validation)

    def frequencies(self) -> dict[str, np.ndarray]:
        """How frequent each class is among the training labels of each output, `(classes,)`, summing to 1."""
        labels = self.pictures.labels[self.training]
        frequencies = {"original": np.bincount(labels, minlength=len(self.classes)) / len(labels)}
        if self.votes:
            frequencies["people"] = self.votes.subset(self.training).frequencies()
        return frequencies


def fingerprints(images: np.ndarray) -> np.ndarray:
    """A hash of each picture's pixels, `(n,)` str: equal for exact duplicates."""
    return np.asarray([hashlib.blake2b(image.tobytes(), digest_size=12).hexdigest() for image in images])


def require_variety(labels: np.ndarray, prints: np.ndarray) -> int:
    """The largest number of different pictures of a class.

    Args:
        labels, prints: `(n,)`, class and fingerprint of each picture.

    Raises:
        DataError: it is one, so that nothing can be held out for validation.
    """
    different = max((len(set(prints[labels == label])) for label in set(labels.tolist())), default=0)
    if different < 2:
        raise DataError(
            "expected at least two different pictures of a class, or a validation folder, received one of each"
        )
    return different


def split_validation(pictures: Pictures, share: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Indices for training and validation: stratified by class, seeded, duplicates on one side.

    Args:
        share: the validation part, above 0 and at most 0.5; more is held out where the classes are too small for it.
        seed: the same for every training seed, so that all runs are validated on the same pictures and one run's
            network may teach another's without having seen its validation pictures.

    Raises:
        DataError: the share is out of range, or no class has two different pictures.
    """
    if not 0 < share <= 0.5:
        raise DataError(f"expected a validation share above 0 and at most 0.5, received {share}")
    groups = fingerprints(pictures.images)
    different = require_variety(pictures.labels, groups)
    folds = StratifiedGroupKFold(n_splits=min(round(1 / share), different), shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The least populated class", category=UserWarning)
        train, validation = next(folds.split(pictures.labels, pictures.labels, groups))
    return np.sort(train), np.sort(validation)
