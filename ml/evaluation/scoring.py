"""The figures of a model on labelled pictures: one `score()` for training, export and evaluation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ml.data import VALIDATION_NAMES, Pictures, Votes
from ml.evaluation.metrics import measure
from ml.evaluation.outputs import Predict
from ml.evaluation.robustness import CONDITIONS


def score(outputs: dict[str, np.ndarray], pictures: Pictures, votes: Votes | None = None) -> dict[str, Any]:
    """All figures of an evaluation. The top level is output `original` on the folders' labels.

    Args:
        outputs: output name to `(n, classes)` probabilities. votes: one row per picture, to score every output against
            what most people see as well.

    Returns:
        The figures of `measure`, with `split`, `output` and `served` (output names), `label_agreement` (the share of
        pictures on which both label sets agree, None without votes) and `outputs`: by output and by label set
        (`folder`, `people`) the figures of `measure`.
    """
    targets = np.eye(len(pictures.classes), dtype=np.float32)[pictures.labels]
    label_sets = {"folder": (pictures.labels, targets)}
    agreement = None
    if votes and (votes.majority >= 0).any():
        label_sets["people"] = (votes.majority, votes.shares)
        known = votes.majority >= 0
        agreement = float(np.mean(votes.majority[known] == pictures.labels[known]))
    by_output = {
        name: {kind: measure(rows, labels, pictures.classes, shares) for kind, (labels, shares) in label_sets.items()}
        for name, rows in outputs.items()
    }
    main = "original" if "original" in outputs else next(iter(outputs))
    served = "served" if "served" in outputs else main
    return {
        "split": split_of(pictures),
        **by_output[main]["folder"],
        "output": main,
        "served": served,
        "label_agreement": agreement,
        "outputs": by_output,
    }


def split_of(pictures: Pictures) -> str:
    """The split that pictures were read from; training pictures that are scored were held out for validation."""
    split = pictures.files[0].partition("/")[0].lower()
    return "validation" if split in ("train", *VALIDATION_NAMES) else split


def robustness(predict: Predict, pictures: Pictures, votes: Votes | None, output: str) -> dict[str, float]:
    """Accuracy of one output under each camera fault, against the people's majority where known, else the folders."""
    labels = votes.majority if votes else pictures.labels

    def accuracy(degrade: Callable[[np.ndarray], np.ndarray]) -> float:
        degraded = np.stack([degrade(image) for image in pictures.images])
        return measure(predict(degraded)[output], labels, pictures.classes)["accuracy"]

    return {name: accuracy(degrade) for name, degrade in CONDITIONS.items()}
