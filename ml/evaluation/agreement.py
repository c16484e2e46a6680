"""Agreement of an exported file with the Keras network it came from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ml.evaluation.outputs import keras_outputs
from ml.inference.classifier import Classifier
from ml.inference.contract import ModelError


@dataclass(frozen=True)
class Bounds:
    """What is accepted, over all outputs: `same_answer`, the least share of equal dominant emotions, and the largest
    mean and single difference of a probability."""

    same_answer: float
    mean_difference: float
    max_difference: float


EXACT = Bounds(same_answer=1.0, mean_difference=1e-3, max_difference=1e-3)
"""For a float file."""
QUANTIZED = Bounds(same_answer=0.97, mean_difference=0.005, max_difference=0.3)
"""For a file with an 8-bit trunk. Two probabilities that are nearly equal may change places."""
FOR_HARDLY_TRAINED = "answers of a hardly trained network are nearly equal: train it longer, or export it with --float"


def check_agreement(classifier: Classifier, network: Any, images: np.ndarray, bounds: Bounds) -> dict[str, float]:
    """Compare the serving code on an exported file with Keras on the same pictures.

    Args:
        network: the Keras model that `serving_network` makes. images: `(n, 48, 48)` uint8.

    Returns:
        `pictures`; `same_answer`, the least share over the outputs; `mean_difference` and `max_difference` of a
        probability.

    Raises:
        ModelError: a bound is exceeded.
    """
    expected = keras_outputs(network, images)
    parts = [classifier.predict_outputs(images[start : start + 100]) for start in range(0, len(images), 100)]
    received = {name: np.concatenate([part[name] for part in parts]) for name in expected}
    gaps = np.stack([np.abs(received[name] - expected[name]) for name in expected])
    same = min(float(np.mean(received[name].argmax(1) == expected[name].argmax(1))) for name in expected)
    mean, worst = float(gaps.mean()), float(gaps.max())
    # NaN fails too.
    if not (same >= bounds.same_answer and mean <= bounds.mean_difference and worst <= bounds.max_difference):
        advice = f"; {FOR_HARDLY_TRAINED}" if bounds == QUANTIZED else ""
        raise ModelError(
            f"expected the same answers from Keras and LiteRT on {len(images)} pictures, at least "
            f"{bounds.same_answer:.1%} of them, with a difference of at most {bounds.mean_difference} on average and "
            f"{bounds.max_difference} at most, received {same:.1%}, {mean:.2g} and {worst:.2g}{advice}"
        )
    return {"pictures": len(images), "same_answer": same, "mean_difference": mean, "max_difference": worst}
