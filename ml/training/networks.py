"""Networks as a preset and a configuration describe them: made, compiled and seeded."""

from __future__ import annotations

import keras
import numpy as np

from ml.console import printable, reason
from ml.data import DataError
from ml.model import HEADS, INPUT_SHAPE, adapted_network
from ml.training.batches import one_or_all
from ml.training.presets import Preset
from ml.training.runs import Config


def make_network(preset: Preset, base: str | None, classes: int) -> keras.Model:
    """The network of the preset, or the trained network in the file `base` with a new last layer.

    Raises:
        DataError: `base` is no whole Keras model of 48×48 grey levels with a dense last layer named `original`.
    """
    if preset.network is not None:
        return preset.network(classes)
    return adapted_network(load_base(base), classes)


def load_base(base: str | None) -> keras.Model:
    """A trained network that can be adapted.

    Raises:
        DataError: `base` is no whole Keras model of 48×48 grey levels with a dense last layer named `original`.
    """
    try:
        network = keras.models.load_model(base, compile=False)
        heads = [layer for layer in network.layers if layer.name in HEADS]
        if not heads:
            raise ValueError("its last layer is not named original")
        for head in heads:
            if not isinstance(head, keras.layers.Dense) or len(head.input.shape) != 2:
                raise ValueError(f"its layer {head.name} is not a dense layer of flat features")
        if network.input_shape != (None, *INPUT_SHAPE):
            raise ValueError(f"it reads {network.input_shape} and not {(None, *INPUT_SHAPE)}")
        return network
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        received = f"{printable(str(base))}: {reason(error)}"
        raise DataError(f"expected --from with a model that this program trained, received {received}") from error


def set_precision(config: Config) -> None:
    """Set the arithmetic of networks made from now on; their weights are float32 in either case."""
    keras.mixed_precision.set_global_policy(
        "mixed_bfloat16" if config.precision == "bfloat16" else keras.config.floatx()
    )


def build(preset: Preset, config: Config, classes: int, steps: int) -> keras.Model:
    """The preset's network, compiled.

    Args:
        classes: number of labels. steps: training batches per epoch.
    """
    if keras.backend.backend() == "torch":
        from ml.training import torch_kernels

        torch_kernels.install()
    keras.utils.set_random_seed(config.seed + preset.seed)
    set_precision(config)
    network = make_network(preset, config.base, classes)
    loss = {"original": keras.losses.CategoricalCrossentropy(label_smoothing=preset.label_smoothing)}
    if preset.needs_votes:
        loss["people"] = keras.losses.CategoricalCrossentropy()
    network.compile(
        preset.optimizer(config.learning_rate, config.epochs * steps),
        loss=one_or_all(loss),
        weighted_metrics=one_or_all({name: ["accuracy"] for name in loss}),
        jit_compile=keras.backend.backend() == "jax",
    )
    create_variables(network, list(loss), classes)
    return network


def create_variables(network: keras.Model, outputs: list[str], classes: int) -> None:
    """Create the variables of optimizer, loss and metrics: a training step that creates them is traced twice."""
    network.optimizer.build(network.trainable_variables)
    rows = one_or_all({name: np.full((1, classes), 1 / classes, np.float32) for name in outputs})
    weights = one_or_all({name: np.ones(1, np.float32) for name in outputs})
    network.compute_loss(None, rows, rows, weights)
    network.compute_metrics(None, rows, rows, weights)
    network.reset_metrics()


def reseed(network: keras.Model, seed: int, epoch: int) -> None:
    """Seed every dropout layer from the run's seed and the epoch, so that an epoch does not depend on earlier ones."""
    for index, layer in enumerate(network.layers):
        generator = getattr(layer, "seed_generator", None)
        if generator is not None:
            generator.state.assign([seed * 1000 + index, epoch])
