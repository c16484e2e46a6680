"""The graph that is exported: a trained network with its calibration as layers behind it."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import layers, ops

from ml.calibration import SMALLEST, Calibration, mix, offset_of
from ml.model import INPUT_SHAPE


@keras.saving.register_keras_serializable("emotion")
class Temperature(layers.Layer):
    """Changes the temperature of probabilities, as `apply_temperature` does."""

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
    adjusted = Temperature(1.0, offset_of(calibration.offset), name="adjusted", dtype="float32")(mixture)
    served = Temperature(temperatures["served"], name="served", dtype="float32")(adjusted)
    return keras.Model(inputs, {"served": served} | calibrated, name="emotion")
