"""Faces to emotions: the exported LiteRT model together with its card."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from ml.inference.contract import EMOTIONS, INPUT_SIZE
from ml.inference.preprocess import to_batch

SHIPPED_MODEL = Path(__file__).parent.parent / "artifacts" / "emotion.tflite"


class ModelError(Exception):
    """The model file and its card do not belong together, or do not fit this program."""


def load_card(model_path: Path) -> dict[str, Any]:
    """Read and check the card beside a model file.

    Raises:
        ModelError: the card is missing or unreadable, its labels differ, or its hash is not the file's.
    """
    card_path = model_path.with_suffix(".json")
    try:
        card = json.loads(card_path.read_text())
        content = model_path.read_bytes()
    except (OSError, ValueError) as error:
        raise ModelError(f"expected a model file with its card beside it, received: {error}") from error
    if tuple(card.get("labels", ())) != EMOTIONS:
        raise ModelError(f"expected the labels {list(EMOTIONS)}, received {card.get('labels')} in {card_path}")
    digest = hashlib.sha256(content).hexdigest()
    if card.get("sha256") != digest:
        raise ModelError(f"expected the model with sha256 {card.get('sha256')}, received {digest} in {model_path}")
    return card


class Classifier:
    """A loaded model. One per process or thread: a LiteRT interpreter is not safe to share."""

    def __init__(self, model_path: str | Path = SHIPPED_MODEL, num_threads: int = 1) -> None:
        path = Path(model_path)
        self.card = load_card(path)
        self.uncertain_below: float = self.card["uncertain_below"]
        self._interpreter = Interpreter(model_path=str(path), num_threads=num_threads)
        self._interpreter.allocate_tensors()
        self._input = self._interpreter.get_input_details()[0]["index"]
        by_name = {detail["name"]: detail["index"] for detail in self._interpreter.get_output_details()}
        self._outputs = {name: by_name[tensor] for name, tensor in self.card["outputs"].items()}
        self._batch_size = 1

    @property
    def info(self) -> dict[str, Any]:
        """What a result says of its model."""
        return {"name": self.card["name"], "version": self.card["sha256"][:8]}

    def predict(self, crops: np.ndarray | list[np.ndarray]) -> np.ndarray:
        """Calibrated probabilities of the served output.

        Args:
            crops: `(n, 48, 48)` uint8 grey faces as `crop_face` makes them.

        Returns:
            `(n, 7)` float32 in label order, each row summing to 1.
        """
        return self.predict_outputs(crops)["served"]

    def predict_outputs(self, crops: np.ndarray | list[np.ndarray]) -> dict[str, np.ndarray]:
        """Every output of the model by name, each `(n, 7)` float32: `served` and those for either label set."""
        batch = to_batch(crops)
        if not len(batch):
            return {name: np.empty((0, len(EMOTIONS)), np.float32) for name in self._outputs}
        if len(batch) != self._batch_size:
            self._interpreter.resize_tensor_input(self._input, [len(batch), INPUT_SIZE, INPUT_SIZE, 1])
            self._interpreter.allocate_tensors()
            self._batch_size = len(batch)
        self._interpreter.set_tensor(self._input, batch)
        self._interpreter.invoke()
        return {name: self._interpreter.get_tensor(index) for name, index in self._outputs.items()}

    def is_uncertain(self, probabilities: np.ndarray) -> bool:
        """Whether the best of seven probabilities is too low to be called an answer (threshold from the card)."""
        return float(np.max(probabilities)) < self.uncertain_below
