"""The networks. Input `(n, 48, 48, 1)` grey levels 0 to 255; scaling is the first layer; outputs are probabilities."""

from __future__ import annotations

import math
from pathlib import Path

import keras
from keras import layers

from ml.inference.contract import EMOTIONS, INPUT_SIZE

SHIPPED_NETWORK = Path(__file__).parent / "artifacts" / "EmoDetector.h5"
"""The whole network of the shipped model, to continue training from."""

INPUT_SHAPE = (INPUT_SIZE, INPUT_SIZE, 1)
HEADS = ("original", "people")
"""Names of the last layers: for the original labels, and for what most people see."""


def document_network(classes: int = len(EMOTIONS), width: int = 64) -> keras.Model:
    """Four blocks of convolution, max pooling, batch normalisation and dropout, then dense layers.

    Args:
        width: filters of the first convolution; each further one has twice as many.

    Output: one tensor `(n, classes)`.
    """
    inputs = keras.Input(INPUT_SHAPE, name="grey")
    x = layers.Rescaling(1 / 127.5, offset=-1)(inputs)
    for factor, dropout in ((1, 0.1), (2, 0.1), (4, 0.2), (8, 0.3)):
        x = layers.Conv2D(factor * width, 3, padding="same", activation="relu")(x)
        x = layers.MaxPooling2D()(x)
        x = layers.BatchNormalization()(x)
        x = layers.Dropout(dropout)(x)
    x = layers.Flatten()(x)
    x = layers.Dense(8 * width, activation="relu")(x)
    x = layers.BatchNormalization()(x)
    x = layers.Dropout(0.5)(x)
    outputs = layers.Dense(classes, activation="softmax", dtype=keras.config.floatx(), name="original")(x)
    return keras.Model(inputs, outputs, name="document")


def best_network(classes: int = len(EMOTIONS)) -> keras.Model:
    """The network that is served: small and residual. Outputs as `residual_network` has them."""
    return residual_network("best", classes, 40, ((40, 1), (96, 2), (192, 2), (256, 2)))


def large_network(classes: int = len(EMOTIONS)) -> keras.Model:
    """A teacher with three times the arithmetic of the served network. Outputs as `residual_network` has them."""
    return residual_network("large", classes, 48, ((48, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2)))


def fine_network(classes: int = len(EMOTIONS)) -> keras.Model:
    """A teacher that sees the picture enlarged to 64×64. Outputs as `residual_network` has them."""
    blocks = ((64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (384, 2))
    return residual_network("fine", classes, 48, blocks, layers.Resizing(64, 64))


def close_network(classes: int = len(EMOTIONS)) -> keras.Model:
    """A teacher that sees the middle 40×40 pixels. Outputs as `residual_network` has them."""
    blocks = ((96, 1), (96, 1), (192, 2), (192, 1), (384, 2), (384, 1))
    return residual_network("close", classes, 64, blocks, layers.CenterCrop(40, 40))


def plain_network(classes: int = len(EMOTIONS)) -> keras.Model:
    """A teacher without residual connections (Simonyan & Zisserman, 2014). Outputs as `residual_network` has them."""
    inputs = keras.Input(INPUT_SHAPE, name="grey")
    x = layers.Rescaling(1 / 64, offset=-2)(inputs)
    for filters, convolutions in ((48, 2), (96, 2), (192, 3), (384, 3)):
        for _ in range(convolutions):
            x = _convolution(x, filters)
        x = layers.MaxPooling2D()(x)
    return _with_heads("plain", inputs, x, classes)


def residual_network(
    name: str,
    classes: int,
    filters: int,
    blocks: tuple[tuple[int, int], ...],
    framing: keras.layers.Layer | None = None,
) -> keras.Model:
    """Residual blocks (He et al., 2015) behind two convolutions, one trunk with a head for each of two label sets.

    Args:
        blocks: each block's filters and stride.
        framing: changes the size of the picture, or takes a part of it.

    Outputs: `original`, the label of the data set's folder, and `people`, how a group of people would vote,
    each `(n, classes)`.
    """
    inputs = keras.Input(INPUT_SHAPE, name="grey")
    x = framing(inputs) if framing else inputs
    x = layers.Rescaling(1 / 64, offset=-2)(x)
    x = _convolution(x, 32)
    x = _convolution(x, filters, stride=2)
    for block_filters, stride in blocks:
        x = _residual(x, block_filters, stride)
    return _with_heads(name, inputs, x, classes)


def _with_heads(name: str, inputs: keras.KerasTensor, x: keras.KerasTensor, classes: int) -> keras.Model:
    x = layers.GlobalAveragePooling2D()(x)
    x = layers.Dropout(0.4)(x)
    original = layers.Dense(classes, activation="softmax", dtype=keras.config.floatx(), name="original")(x)
    people = layers.Dense(classes, activation="softmax", dtype=keras.config.floatx(), name="people")(x)
    return keras.Model(inputs, {"original": original, "people": people}, name=name)


def adapted_network(base: keras.Model, classes: int) -> keras.Model:
    """A trained network with a new last layer, for a data set of one's own.

    With as many classes as before, the new layer starts as the mean of the old heads, otherwise with random weights.
    Output: one tensor `(n, classes)`.
    """
    heads = [layer for layer in base.layers if layer.name in HEADS]
    head = layers.Dense(classes, activation="softmax", dtype=keras.config.floatx(), name="original")
    outputs = head(heads[0].input)
    if heads[0].units == classes:
        weights = [layer.get_weights() for layer in heads]
        head.set_weights([sum(parts) / len(parts) for parts in zip(*weights, strict=True)])
    return keras.Model(base.input, outputs, name="adapted")


def _convolution(
    x: keras.KerasTensor, filters: int, size: int = 3, stride: int = 1, relu: bool = True
) -> keras.KerasTensor:
    x = layers.Conv2D(filters, size, strides=stride, padding="same", use_bias=False)(x)
    x = layers.BatchNormalization(momentum=0.9)(x)
    return layers.ReLU()(x) if relu else x


def _residual(x: keras.KerasTensor, filters: int, stride: int) -> keras.KerasTensor:
    y = _convolution(x, filters, stride=stride)
    y = _convolution(y, filters, relu=False)
    if stride != 1:
        x = layers.AveragePooling2D(stride)(x)
    if x.shape[-1] != filters:
        x = _convolution(x, filters, size=1, relu=False)
    return layers.ReLU()(layers.Add()([x, y]))


def multiply_adds(model: keras.Model) -> int:
    """Multiply-adds of one forward pass of one face, counted over convolutions and dense layers."""
    total = 0
    for layer in model.layers:
        if isinstance(layer, layers.Conv2D):
            total += math.prod(layer.output.shape[1:3]) * math.prod(layer.kernel.shape)
        elif isinstance(layer, layers.Dense):
            total += math.prod(layer.kernel.shape)
    return total
