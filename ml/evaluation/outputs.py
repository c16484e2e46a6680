"""The outputs of a model file for pictures: LiteRT files are run by the serving code, Keras networks by Keras."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from ml.console import printable, reason
from ml.inference.contract import EMOTIONS, ModelError
from ml.inference.preprocess import to_batch

Predict = Callable[[np.ndarray], dict[str, np.ndarray]]
"""Images `(n, 48, 48)` uint8 to each output's probabilities `(n, classes)`."""

CONFIG_FILE = "config.json"
"""The record of a training run, beside the network that it wrote."""


def load_predict(model_path: Path) -> tuple[Predict, tuple[str, ...]]:
    """A model file's predict function and its classes.

    Args:
        model_path: `.tflite` with its card beside it, or a whole Keras model (`.h5`, `.keras`).

    Raises:
        ModelError: the file is missing, not a whole model, or does not fit its card.
    """
    if model_path.suffix == ".tflite":
        from ml.inference.classifier import Classifier  # needs LiteRT, which training does without

        classifier = Classifier(model_path)

        def predict_litert(images: np.ndarray) -> dict[str, np.ndarray]:
            parts = [classifier.predict_outputs(images[i : i + 64]) for i in range(0, len(images), 64)]
            return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

        return predict_litert, classifier.classes

    if not model_path.is_file():
        raise ModelError(
            f"expected a whole model (.tflite, .h5 or .keras), received {model_path}: there is no such file"
        )

    import keras

    try:
        network = keras.models.load_model(model_path, compile=False)
    except (OSError, ValueError, TypeError, KeyError) as error:
        received = f"{printable(str(model_path))}: {reason(error)}"
        raise ModelError(f"expected a whole model (.tflite, .h5 or .keras), received {received}") from error

    def predict_keras(images: np.ndarray) -> dict[str, np.ndarray]:
        return keras_outputs(network, images)

    return predict_keras, _trained_classes(model_path, network.outputs[0].shape[-1])


def _trained_classes(model_path: Path, count: int) -> tuple[str, ...]:
    """The classes of a Keras network: those of the run beside it, else the emotions, else numbered ones."""
    try:
        classes = tuple(json.loads((model_path.parent / CONFIG_FILE).read_text("utf-8"))["data"]["classes"])
    except (OSError, ValueError, KeyError, TypeError):
        classes = ()
    if len(classes) == count:
        return classes
    return EMOTIONS if count == len(EMOTIONS) else tuple(f"class {i}" for i in range(count))


def keras_outputs(network: Any, images: np.ndarray) -> dict[str, np.ndarray]:
    """Every output of a Keras network by name, whether it has one output or several.

    Args:
        images: `(n, 48, 48)` uint8.
    """
    outputs = network.predict(to_batch(images), batch_size=256, verbose=0)
    return outputs if isinstance(outputs, dict) else {"original": outputs}
