"""Faces to emotions: the exported LiteRT model together with its card."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from ml.inference.preprocess import to_batch

SHIPPED_MODEL = Path(__file__).parent.parent / "artifacts" / "emotion.tflite"


class ModelError(Exception):
    """The model file and its card do not belong together, or do not fit this program."""


def load_card(model_path: Path) -> dict[str, Any]:
    """Read and check the card beside a model file.

    Raises:
        ModelError: the card is missing, unreadable or incomplete, or its hash is not the file's.
    """
    card_path = model_path.with_suffix(".json")
    try:
        card = json.loads(card_path.read_text())
        content = model_path.read_bytes()
    except (OSError, ValueError) as error:
        raise ModelError(f"expected a model file with its card beside it, received: {error}") from error
    needed = {"name", "sha256", "labels", "outputs", "uncertain_below", "input"}
    if not needed <= card.keys():
        raise ModelError(f"expected {', '.join(sorted(needed))} in {card_path}, received {', '.join(card)}")
    digest = hashlib.sha256(content).hexdigest()
    if card["sha256"] != digest:
        raise ModelError(f"expected the model with sha256 {card['sha256']}, received {digest} in {model_path}")
    return card


class Classifier:
    """A loaded model. One per process or thread: a LiteRT interpreter is not safe to share."""

    def __init__(self, model_path: str | Path = SHIPPED_MODEL, num_threads: int = 1) -> None:
        path = Path(model_path)
        self.card = load_card(path)
        self.uncertain_below: float = self.card["uncertain_below"]
        self._interpreter = Interpreter(model_path=str(path), num_threads=num_threads)
        self._run = self._interpreter.get_signature_runner()

    @property
    def classes(self) -> tuple[str, ...]:
        """What the probabilities stand for, in their order."""
        return tuple(self.card["labels"])

    @property
    def info(self) -> dict[str, Any]:
        """What a result says of its model."""
        return {"name": self.card["name"], "version": self.card["sha256"][:8]}

    def predict(self, crops: np.ndarray | list[np.ndarray]) -> np.ndarray:
        """Calibrated probabilities of the served output.

        Args:
            crops: `(n, 48, 48)` uint8 grey faces as `analyzer.crop_window` makes them.

        Returns:
            `(n, 7)` float32 in label order, each row summing to 1.
        """
        return self.predict_outputs(crops)["served"]

    def predict_outputs(self, crops: np.ndarray | list[np.ndarray]) -> dict[str, np.ndarray]:
        """Every output of the model by name, each `(n, 7)` float32: `served` and those for either label set."""
        batch = to_batch(crops)
        if not len(batch):
            return {name: np.empty((0, len(self.classes)), np.float32) for name in self.card["outputs"]}
        return self._run(grey=batch)

    def is_uncertain(self, probabilities: np.ndarray) -> bool:
        """Whether the best of seven probabilities is too low to be called an answer (threshold from the card)."""
        return float(np.max(probabilities)) < self.uncertain_below
