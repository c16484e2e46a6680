"""Agreement of an exported file with the Keras network it came from."""

from __future__ import annotations

from typing import Any

import numpy as np

from ml.evaluation.outputs import keras_outputs
from ml.inference.classifier import Classifier
from ml.inference.contract import ModelError

TOLERANCE = 1e-3
"""Largest difference of a probability that is accepted."""


def check_parity(classifier: Classifier, network: Any, images: np.ndarray) -> dict[str, float]:
    """Compare the serving code on an exported file with Keras on the same pictures.

    Args:
        network: the Keras model that `serving_network` makes. images: `(n, 48, 48)` uint8.

    Returns:
        `pictures`, `max_difference` of a probability, and `same_answer`, the share of equal dominant emotions.

    Raises:
        ModelError: a dominant emotion differs, or a probability by more than `TOLERANCE`.
    """
    expected = keras_outputs(network, images)
    gaps, changed = [], 0
    for start in range(0, len(images), 100):
        received = classifier.predict_outputs(images[start : start + 100])
        for name, rows in received.items():
            reference = expected[name][start : start + 100]
            gaps.append(np.abs(rows - reference).max())
            changed += int((rows.argmax(axis=1) != reference.argmax(axis=1)).sum())
    worst = float(np.max(gaps))
    if changed or not worst <= TOLERANCE:  # NaN fails too
        raise ModelError(
            f"expected the same answers within {TOLERANCE} from Keras and LiteRT on {len(images)} pictures, "
            f"received {changed} different answers and a largest difference of {worst:.2g}"
        )
    return {"pictures": len(images), "max_difference": worst, "same_answer": 1.0}
