"""Faces to emotions: the exported LiteRT model together with its card."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from ml.inference.card import load_card
from ml.inference.preprocess import to_batch
from ml.inference.process import without_native_lines

SHIPPED_MODEL = Path(__file__).parent.parent / "artifacts" / "emotion.tflite"


class Classifier:
    """A loaded model. One per process or thread: a LiteRT interpreter is not safe to share.

    Raises:
        ModelError: the file or its card can't be used, or they do not fit each other.
    """

    def __init__(self, model_path: str | Path = SHIPPED_MODEL, num_threads: int = 1) -> None:
        path = Path(model_path)
        self.card = load_card(path)
        with without_native_lines():
            self._interpreter = Interpreter(model_path=str(path), num_threads=num_threads)
            self._interpreter.allocate_tensors()
        self._run = self._interpreter.get_signature_runner()
        inputs, outputs = self._run.get_input_details(), self._run.get_output_details()
        self.card.require_graph(
            inputs["grey"]["shape"][1:].tolist() if "grey" in inputs else (),
            {name: int(output["shape"][-1]) for name, output in outputs.items()},
        )

    @property
    def classes(self) -> tuple[str, ...]:
        """What the probabilities stand for, in their order."""
        return self.card.labels

    @property
    def info(self) -> dict[str, Any]:
        """What a result says of its model."""
        return {"name": self.card.name, "version": self.card.version}

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
            return {name: np.empty((0, len(self.classes)), np.float32) for name in self.card.outputs}
        return self._run(grey=batch)

    def is_uncertain(self, probabilities: Sequence[float]) -> bool:
        """Whether the best of seven probabilities is too low to be called an answer (threshold from the card)."""
        return max(probabilities) < self.card.uncertain_below
