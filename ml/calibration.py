"""Calibrated probabilities: temperatures, the served answer, and the confidence below which it is marked uncertain.

Everything is fitted on validation pictures. `ml.serving_network` puts it into the exported graph, so that whoever runs
the model file gets calibrated probabilities.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from scipy.optimize import minimize, minimize_scalar
from sklearn.isotonic import IsotonicRegression

from ml.inference.card import ModelCard
from ml.inference.contract import EMOTIONS, ModelError

SMALLEST = 1e-9
EXPECTED_SPREAD = 0.3
"""Standard deviation expected of the logarithms of temperatures; few pictures can't move one far beyond it. A prior:
chosen, not fitted."""
OFFSET_SPREAD = 0.18
"""Standard deviation expected of the fitted part of the offset, in log-odds. A prior: chosen, not fitted."""
SERVED_SHARES = {"people": 0.8, "original": 0.2}
"""Weights of the geometric mean of the outputs that is served, where a network has both.

People are shown what people see; the original labels add the classes that voters rarely named, fear most of all. On the
validation pictures `python -m ml.calibrate` finds no difference beyond chance between 0.8, 0.9 and 1.0.
"""
NEUTRAL_SHARE = 0.3
"""Share of neutral faces that the served answer expects; the other six emotions are expected equally often.

A compromise between two uses: all seven equally often (0.14), and a camera, before which about 60 % of faces are
neutral. `python -m ml.calibrate` compares the alternatives by cross-validation on the validation pictures: of those
that lose at most 0.005 of the mean recall, 0.3 is the best for both uses at this share of `people`.
"""


@dataclass(frozen=True)
class Calibration:
    """What the exported graph adds to the network.

    temperatures: by output name, `served` included. shares: see `SERVED_SHARES`. offset: `(classes,)`, subtracted from
    the logarithms of the mixed probabilities before the served answer is normalised; None for zeros. neutral_share: of
    the faces for which the offset was fitted, for the model card. uncertain_below: confidence below which an answer is
    marked uncertain.
    """

    temperatures: dict[str, float]
    shares: dict[str, float] = field(default_factory=lambda: {"original": 1.0})
    offset: tuple[float, ...] | None = None
    neutral_share: float | None = None
    uncertain_below: float = 0.5

    @staticmethod
    def from_card(card: ModelCard) -> Calibration:
        """The calibration in the card of an exported model.

        Raises:
            ModelError: the card has no calibration of this form.
        """
        try:
            return Calibration(**card.calibration)
        except TypeError as error:
            raise ModelError(
                f"expected a calibration as this version of ml.export writes it, received a card without one: {error}"
            ) from error


def apply_temperature(probabilities: np.ndarray, temperature: float, offset: np.ndarray | float = 0.0) -> np.ndarray:
    """Probabilities at another temperature, `(n, classes)`; the offset is subtracted from their logarithms first."""
    logits = (np.log(probabilities + SMALLEST) - offset) / temperature
    scaled = np.exp(logits - logits.max(axis=1, keepdims=True))
    return scaled / scaled.sum(axis=1, keepdims=True)


def mix(outputs: Mapping[str, Any], shares: Mapping[str, float], log: Any = np.log, exp: Any = np.exp) -> Any:
    """The weighted geometric mean of several outputs' probabilities, not normalised; for arrays and, with their
    functions, for tensors."""
    return exp(sum(share * log(outputs[name] + SMALLEST) for name, share in shares.items()))


def fit_temperature(probabilities: np.ndarray, labels: np.ndarray, views: int = 1) -> float:
    """The temperature with the smallest Brier score (Brier, 1950; temperatures: Guo et al., 2017).

    The likelihood is decided by the few answers that are confidently wrong, the Brier score by all. Temperatures near 1
    are more likely a priori (see `EXPECTED_SPREAD`), so that few pictures change little.

    Args:
        probabilities: `(n, classes)`. labels: `(n,)`; rows with -1 are left out. views: rows for each picture.
    """
    known = np.flatnonzero(labels >= 0)
    right = np.eye(probabilities.shape[1])[labels[known]]

    def loss(log_temperature: float) -> float:
        scaled = apply_temperature(probabilities[known], float(np.exp(log_temperature)))
        return float(np.sum((scaled - right) ** 2)) / views + 0.5 * (log_temperature / EXPECTED_SPREAD) ** 2

    return float(np.exp(minimize_scalar(loss, bounds=(-3, 3), method="bounded").x))


def expected_shares(classes: int, neutral_share: float) -> np.ndarray:
    """How frequent each emotion is in use, `(classes,)`: neutral as given, the others equally frequent."""
    shares = np.full(classes, (1 - neutral_share) / (classes - 1))
    shares[EMOTIONS.index("neutral")] = neutral_share
    return shares


def fit_offset(
    mixture: np.ndarray, seen: np.ndarray, prior: np.ndarray, expected: np.ndarray, views: int = 1
) -> np.ndarray:
    """What to subtract from the logarithms of mixed probabilities, so that they hold for the expected frequencies.

    The starting point is the difference of the two logarithms (Menon et al., Logit Adjustment, 2021). A correction for
    each class is fitted on top, together with a temperature (Alexandari et al., Bias-Corrected Temperature Scaling,
    2020), on pictures weighted to the expected frequencies. `OFFSET_SPREAD` keeps it small where pictures are few.

    Args:
        mixture: `(n, classes)`. seen: `(n,)` labels; rows with -1 are left out. prior: `(classes,)` how frequent each
            class was in training. expected: `(classes,)` how frequent it is in use. views: rows for each picture.

    Returns:
        `(classes,)`, with mean 0.
    """
    known = np.flatnonzero(seen >= 0)
    labels, rows, classes = seen[known], np.arange(len(known)), len(prior)
    counts = np.bincount(labels, minlength=classes)
    weights = (expected / np.maximum(counts, 1))[labels] * len(known) / views
    start = np.log(prior + SMALLEST) - np.log(expected)
    logits = np.log(mixture[known] + SMALLEST) - start

    def loss(parameters: np.ndarray) -> tuple[float, np.ndarray]:
        correction, temperature = parameters[:classes], np.exp(parameters[classes])
        scaled = (logits - correction) / temperature
        probabilities = np.exp(scaled - scaled.max(axis=1, keepdims=True))
        probabilities /= probabilities.sum(axis=1, keepdims=True)
        likelihood = np.log(probabilities[rows, labels] + SMALLEST)
        excess = weights[:, np.newaxis] * probabilities
        excess[rows, labels] -= weights
        gradient = -excess.sum(axis=0) / temperature + correction / OFFSET_SPREAD**2
        value = -(weights * likelihood).sum() + 0.5 * np.sum((correction / OFFSET_SPREAD) ** 2)
        return float(value), np.append(gradient, -(excess * scaled).sum())

    correction = minimize(loss, np.zeros(classes + 1), jac=True).x[:classes]
    return start + correction - np.mean(start + correction)


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
    served_shares: Mapping[str, float] = SERVED_SHARES,
    neutral_share: float = NEUTRAL_SHARE,
    views: int = 1,
) -> Calibration:
    """Fit on validation pictures: `original` to the folders' labels, `people` and `served` to what most people see.

    Args:
        outputs: name to `(n, classes)` probabilities. labels, majority: `(n,)`. frequencies: for each output
            `(classes,)`, how frequent each class is among its training labels; None leaves the served answer without
            an offset. served_shares, neutral_share: for comparing alternatives. views: rows for each picture.
    """
    seen = labels if majority is None else majority
    temperatures = {
        name: fit_temperature(rows, labels if name == "original" else seen, views) for name, rows in outputs.items()
    }
    shares = dict(served_shares) if "people" in outputs else {"original": 1.0}
    mixture = mix({name: apply_temperature(rows, temperatures[name]) for name, rows in outputs.items()}, shares)
    offset = None
    if frequencies is not None:
        prior = mix(frequencies, shares)
        offset = tuple(map(float, fit_offset(mixture, seen, prior, expected_shares(len(prior), neutral_share), views)))
    served = apply_temperature(mixture, 1.0, offset_of(offset))
    is_one_output = len(shares) == 1 and offset is None
    temperatures["served"] = 1.0 if is_one_output else fit_temperature(served, seen, views)
    draft = Calibration(temperatures, shares, offset, None if offset is None else neutral_share)
    return replace(draft, uncertain_below=confidence_of_even_odds(served_answer(outputs, draft), seen))


def offset_of(offset: tuple[float, ...] | None) -> np.ndarray | float:
    return 0.0 if offset is None else np.asarray(offset, np.float32)


def served_answer(outputs: Mapping[str, np.ndarray], calibration: Calibration) -> np.ndarray:
    """The served probabilities, `(n, classes)`, of a network's outputs; the exported graph calculates the same."""
    temperatures = calibration.temperatures
    calibrated = {name: apply_temperature(rows, temperatures[name]) for name, rows in outputs.items()}
    served = apply_temperature(mix(calibrated, calibration.shares), 1.0, offset_of(calibration.offset))
    return apply_temperature(served, temperatures["served"])
