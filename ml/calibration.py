"""Honest probabilities: temperatures, the answer that is served, and the confidence below which it is doubt.

Everything is fitted on validation pictures and becomes layers of the exported graph, so that whoever runs the model
file gets calibrated probabilities.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import keras
import numpy as np
from keras import layers, ops
from scipy.optimize import minimize_scalar
from sklearn.isotonic import IsotonicRegression

from ml.inference.card import ModelCard
from ml.model import INPUT_SHAPE

SMALLEST = 1e-9
EXPECTED_SPREAD = 0.3
"""Standard deviation of the logarithms of temperatures: a handful of pictures is not believed beyond it."""
SERVED_SHARES = {"people": 0.8, "original": 0.2}
"""What the served answer is made of: a weighted geometric mean of the outputs, where a network has both.

What people see is what people are shown; the original labels add what the voters rarely named, fear above all.
"""
PRIOR_WEIGHT = 1.0
"""How far the served answer forgets how frequent each class was among the training pictures: 0 not at all, 1 wholly.

Most of what people see in FER-2013's training pictures is neutral or happy, one in a hundred is disgust, and a network
learns to guess accordingly. Before a camera other frequencies hold, and nobody knows which: all seven count alike.
Both were chosen on the validation pictures, with an earlier network: of the seven emotions people see, 0.80 are
recognised on average, with 0.81 of all pictures right; the output `people` alone has 0.70 and 0.84, the mean of both
outputs as they are 0.75 and 0.82.
"""


@dataclass(frozen=True)
class Calibration:
    """What the exported graph adds to the network.

    temperatures: by output, `served` among them. shares: what `served` is made of, see `SERVED_SHARES`. prior: how
    frequent each class is among the training labels, mixed likewise, or None where the served answer keeps that.
    prior_weight: see `PRIOR_WEIGHT`. uncertain_below: the confidence under which an answer is doubt.
    """

    temperatures: dict[str, float]
    shares: dict[str, float] = field(default_factory=lambda: {"original": 1.0})
    prior: tuple[float, ...] | None = None
    prior_weight: float = PRIOR_WEIGHT
    uncertain_below: float = 0.5

    @staticmethod
    def from_card(card: ModelCard) -> Calibration:
        """What `dataclasses.asdict` put into the card of an exported model."""
        return Calibration(**card.calibration)

    @property
    def offset(self) -> np.ndarray | float:
        """What is taken off the logarithms of the mixed probabilities (Menon et al., Logit Adjustment, 2021)."""
        return self.prior_weight * np.log(np.asarray(self.prior, np.float32) + SMALLEST) if self.prior else 0.0


def sharpen(probabilities: np.ndarray, temperature: float, offset: np.ndarray | float = 0.0) -> np.ndarray:
    """Probabilities at another temperature, `(n, classes)`; the offset comes off their logarithms first."""
    logits = (np.log(probabilities + SMALLEST) - offset) / temperature
    scaled = np.exp(logits - logits.max(axis=1, keepdims=True))
    return scaled / scaled.sum(axis=1, keepdims=True)


def mix(outputs: Mapping[str, Any], shares: Mapping[str, float], log: Any = np.log, exp: Any = np.exp) -> Any:
    """The weighted geometric mean of several outputs' probabilities, not normalised; for arrays and, with their
    functions, for tensors."""
    return exp(sum(share * log(outputs[name] + SMALLEST) for name, share in shares.items()))


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
    outputs: dict[str, np.ndarray],
    labels: np.ndarray,
    majority: np.ndarray | None,
    frequencies: dict[str, np.ndarray] | None = None,
) -> Calibration:
    """Fit on validation pictures: `original` to the folders' labels, `people` and `served` to what most people see.

    Args:
        outputs: name to `(n, classes)` probabilities. labels, majority: `(n,)`. frequencies: for each output
            `(classes,)`, how frequent each class is among its training labels; None leaves the served answer as it is.
    """
    seen = labels if majority is None else majority
    temperatures = {
        name: fit_temperature(rows, labels if name == "original" else seen) for name, rows in outputs.items()
    }
    shares = SERVED_SHARES if "people" in outputs else {"original": 1.0}
    prior = None if frequencies is None else tuple(map(float, mix(frequencies, shares)))
    draft = Calibration(temperatures, shares, prior)
    calibrated = {name: sharpen(rows, temperatures[name]) for name, rows in outputs.items()}
    served = sharpen(mix(calibrated, shares), 1.0, draft.offset)
    is_one_output = len(shares) == 1 and prior is None
    temperatures["served"] = 1.0 if is_one_output else fit_temperature(served, seen)
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
    mixture = mix(calibrated, calibration.shares, ops.log, ops.exp)
    unbiased = Temperature(1.0, calibration.offset, name="unbiased", dtype="float32")(mixture)
    served = Temperature(temperatures["served"], name="served", dtype="float32")(unbiased)
    return keras.Model(inputs, {"served": served} | calibrated, name="emotion")
