"""The card beside a model file: description, metrics and calibration of the model.

Standard library only: the web process reads it to check a setting, the worker to serve the model.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import Any

from ml.inference.contract import INPUT_SIZE, ModelError

SERVED = "served"
"""Name of the output that is shown to people."""
INPUT_SHAPE = (INPUT_SIZE, INPUT_SIZE, 1)


@dataclass(frozen=True)
class ModelCard:
    """A validated card. Fields with a default may be missing; fields that are not listed here are left out.

    Attributes:
        sha256: of the model file. labels: the classes, in the order of the probabilities.
        outputs: names of the graph's outputs, `served` among them.
        input: `shape`, `type`, `range` and `color` of the input.
        uncertain_below: confidence under which an answer is marked as uncertain.
        calibration: the fields of `ml.calibration.Calibration`. calibration_pictures: how many it was fitted on.
        quantization: how the trunk was converted to integers; empty for a float model.
        training, parity, metrics: how the model was made, and what was measured on the exported file.
    """

    name: str
    sha256: str
    labels: tuple[str, ...]
    outputs: tuple[str, ...]
    input: Mapping[str, Any]
    uncertain_below: float
    calibration: Mapping[str, Any] = field(default_factory=dict)
    calibration_pictures: int = 0
    parameters: int = 0
    multiply_adds: int = 0
    quantization: Mapping[str, Any] = field(default_factory=dict)
    training: Mapping[str, Any] = field(default_factory=dict)
    parity: Mapping[str, Any] = field(default_factory=dict)
    metrics: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check the fields against each other.

        Raises:
            ModelError: a field does not hold what this program needs.
        """
        if (
            not self.labels
            or len(set(self.labels)) < len(self.labels)
            or not all(isinstance(x, str) for x in self.labels)
        ):
            raise ModelError(f"expected labels that are different words, received {list(self.labels)}")
        if SERVED not in self.outputs:
            raise ModelError(
                f"expected an output named {SERVED}, received {', '.join(map(str, self.outputs)) or 'none'}"
            )
        shape, kind = self.input.get("shape"), self.input.get("type")
        if tuple(shape or ()) != INPUT_SHAPE or kind != "float32":
            raise ModelError(f"expected an input of shape {list(INPUT_SHAPE)}, float32, received {shape}, {kind}")
        if not isinstance(self.uncertain_below, int | float) or not 0 <= self.uncertain_below <= 1:
            raise ModelError(f"expected uncertain_below from 0 to 1, received {self.uncertain_below!r}")

    @property
    def version(self) -> str:
        """The first eight digits of the model's hash."""
        return self.sha256[:8]

    def require_graph(self, input_shape: Sequence[int], output_widths: Mapping[str, int]) -> None:
        """Check the card against the graph that was loaded.

        Args:
            input_shape: of one picture, without the batch.
            output_widths: number of values of each output of the graph.

        Raises:
            ModelError: the graph takes other pictures, or gives other outputs than the card says.
        """
        if tuple(input_shape) != INPUT_SHAPE:
            raise ModelError(f"expected a model that takes {list(INPUT_SHAPE)}, received {list(input_shape)}")
        expected = dict.fromkeys(self.outputs, len(self.labels))
        if dict(output_widths) != expected:
            raise ModelError(
                f"expected outputs with a value for each of the {len(self.labels)} labels of the card ({expected}), "
                f"received {dict(output_widths)}"
            )


def load_card(model_path: Path) -> ModelCard:
    """Read and check the card beside a model file.

    Raises:
        ModelError: the model or its card is missing, unreadable or incomplete, the card's hash is not the file's, or
            a field does not hold what this program needs.
    """
    content = read_checked_card(model_path)
    known = {item.name: item for item in fields(ModelCard)}
    needed = sorted(name for name, item in known.items() if item.default is item.default_factory is MISSING)
    if not set(needed) <= content.keys():
        raise ModelError(f"expected a model's card with {', '.join(needed)}, received {_card_path(model_path)} without")
    values = {name: value for name, value in content.items() if name in known and value is not None}
    try:
        values |= {name: tuple(values[name]) for name in ("labels", "outputs")}
        return ModelCard(**values)
    except (ModelError, TypeError, AttributeError) as error:
        raise ModelError(f"{_card_path(model_path)}: {error}") from error


def read_checked_card(model_path: Path) -> dict[str, Any]:
    """The JSON beside a model file, after its `sha256` was compared with the file.

    Raises:
        ModelError: either file is missing or unreadable, or the hash is not the file's.
    """
    card_path = _card_path(model_path)
    missing = [path for path in (model_path, card_path) if not os.path.isfile(path)]  # noqa: PTH113 (Path.is_file raises for some paths)
    if missing:
        is_folder = os.path.isdir(missing[0])  # noqa: PTH112
        fault = "that is a folder; name the file in it" if is_folder else f"there is no {missing[0]}"
        raise ModelError(
            f"expected a model (.tflite) with its card (.json) beside it, as ml.export writes them, received "
            f"{model_path}: {fault}"
        )
    try:
        card = json.loads(card_path.read_text(encoding="utf-8"))
        digest = hashlib.sha256(model_path.read_bytes()).hexdigest()
    except (OSError, ValueError) as error:
        raise ModelError(f"expected a readable model and card, received in {card_path}: {error}") from error
    if not isinstance(card, dict) or "sha256" not in card:
        raise ModelError(f"expected a card with the model's sha256, received {card_path} without")
    if card["sha256"] != digest:
        raise ModelError(f"expected the model with sha256 {card['sha256']}, received {digest} in {model_path}")
    return card


def _card_path(model_path: Path) -> Path:
    return model_path.with_suffix(".json") if model_path.name else model_path  # a folder such as `.` has no name
