"""Honest probabilities: temperatures, the answer that is served, and the confidence below which it is doubt.

Everything is fitted on validation pictures and becomes layers of the exported graph, so that whoever runs the model
file gets calibrated probabilities.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import keras
import numpy as np
from keras import layers, ops
from scipy.optimize import minimize_scalar
from sklearn.isotonic import IsotonicRegression

from ml.model import INPUT_SHAPE

SMALLEST = 1e-9
EXPECTED_SPREAD = 0.3
"""Standard deviation of the logarithms of temperatures: a handful of pictures is not believed beyond it."""
PRIOR_WEIGHT = 0.75
"""How far the served answer forgets how frequent each emotion was among the training pictures: 0 not at all, 1 wholly.

Half of what people see in FER-2013's training pictures is neutral or happy, one in a hundred is disgust, and a network
learns to guess accordingly. Before a camera other frequencies hold, and nobody knows which. Chosen on validation
pictures: up to here the mean recall of the seven rises (0.66 to 0.77) at little cost in accuracy (0.82 to 0.80).
"""


@dataclass(frozen=True)
class Calibration:
    """What the exported graph adds to the network.

    temperatures: by output, `served` among them. source: the output that `served` is made from. prior: how frequent
    each class is in its training labels, or None where the served answer keeps that. prior_weight: see `PRIOR_WEIGHT`.
    uncertain_below: the confidence under which an answer is doubt.
    """

    temperatures: dict[str, float]
    source: str = "original"
    prior: tuple[float, ...] | None = None
    prior_weight: float = PRIOR_WEIGHT
    uncertain_below: float = 0.5

    @staticmethod
    def from_card(card: dict[str, Any]) -> Calibration:
        """What `dataclasses.asdict` put into the card of an exported model."""
        return Calibration(**card["calibration"])

    @property
    def offset(self) -> np.ndarray | float:
        """What is taken off the logarithms of the source's probabilities (Menon et al., Logit Adjustment, 2021)."""
        return self.prior_weight * np.log(np.asarray(self.prior, np.float32) + SMALLEST) if self.prior else 0.0


def sharpen(probabilities: np.ndarray, temperature: float, offset: np.ndarray | float = 0.0) -> np.ndarray:
    """Probabilities at another temperature, `(n, classes)`; the offset comes off their logarithms first."""
    logits = (np.log(probabilities + SMALLEST) - offset) / temperature
    scaled = np.exp(logits - logits.max(axis=1, keepdims=True))
    return scaled / scaled.sum(axis=1, keepdims=True)


def fit_temperature(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """The temperature that makes the labels most likely (Guo et al., On Calibration of Modern Neural Networks, 2017).

    Few pictures change it little: temperatures near 1 are held likelier beforehand (see `EXPECTED_SPREAD`).

    Args:
        probabilities: `(n, classes)`. labels: `(n,)`; rows with -1 are left out.
    """
    known = np.flatnonzero(labels >= 0)

    def loss(log_temperature: float) -> float:
        likelihood = sharpen(probabilities[known], float(np.exp(log_temperature)))[np.arange(len(known)), labels[known]]
        return -float(np.sum(np.log(likelihood + SMALLEST))) + 0.5 * (log_temperature / EXPECTED_SPREAD) ** 2

    return float(np.exp(minimize_scalar(loss, bounds=(-3, 3), method="bounded").x))


def confidence_of_even_odds(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """The confidence below which fewer than half of the answers are right, by isotonic regression; from 0 to 1."""
    known = labels >= 0
    confidence = probabilities[known].max(axis=1)
    right = probabilities[known].argmax(axis=1) == labels[known]
    steps = np.linspace(0, 1, 201)
    accuracy = IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip").fit(confidence, right).predict(steps)
    return float(steps[np.argmax(accuracy >= 0.5)]) if (accuracy >= 0.5).any() else 1.0


def calibrate(
    outputs: dict[str, np.ndarray], labels: np.ndarray, majority: np.ndarray | None, prior: np.ndarray | None = None
) -> Calibration:
    """Fit on validation pictures: `original` to the folders' labels, `people` and `served` to what most people see.

    Args:
        outputs: name to `(n, classes)` probabilities. labels, majority: `(n,)`. prior: `(classes,)`, how frequent each
            class is in the training labels of the output that is served; None leaves the served answer as it is.
    """
    seen = labels if majority is None else majority
    temperatures = {
        name: fit_temperature(rows, labels if name == "original" else seen) for name, rows in outputs.items()
    }
    source = "people" if "people" in outputs else "original"
    draft = Calibration(temperatures, source, None if prior is None else tuple(map(float, prior)))
    served = sharpen(sharpen(outputs[source], temperatures[source]), 1.0, draft.offset)
    temperatures["served"] = fit_temperature(served, seen)
    even_odds = confidence_of_even_odds(sharpen(served, temperatures["served"]), seen)
    return replace(draft, uncertain_below=even_odds)


@keras.saving.register_keras_serializable("emotion")
class Temperature(layers.Layer):
    """Probabilities in, probabilities at another temperature out, as `sharpen` has it."""

    def __init__(self, temperature: float, offset: Any = 0.0, **settings: Any) -> None:
        super().__init__(**settings)
        self.temperature = temperature
        self.offset = np.asarray(offset, np.float32)

    def call(self, probabilities: Any) -> Any:
        return ops.softmax((ops.log(probabilities + SMALLEST) - self.offset) / self.temperature)

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"temperature": self.temperature, "offset": self.offset.tolist()}


def serving_network(network: keras.Model, calibration: Calibration) -> keras.Model:
    """The trained network with its calibration: outputs `served` and, calibrated, each of the network's own."""
    inputs = keras.Input(INPUT_SHAPE, name="grey")
    outputs = network(inputs)
    outputs = outputs if isinstance(outputs, dict) else {"original": outputs}
    temperatures = calibration.temperatures
    calibrated = {
        name: Temperature(temperatures[name], name=f"{name}_calibrated", dtype="float32")(value)
        for name, value in outputs.items()
    }
    unbiased = Temperature(1.0, calibration.offset, name="unbiased", dtype="float32")(calibrated[calibration.source])
    served = Temperature(temperatures["served"], name="served", dtype="float32")(unbiased)
    return keras.Model(inputs, {"served": served} | calibrated, name="emotion")
