"""Faster layers for Keras on PyTorch: fused batch normalisation, and convolutions without a copy of their input.

Keras implements batch normalisation as separate operations in float32, whatever the precision. On a CPU that takes
longer than the convolutions. The fused kernel computes the same formula with the same weights; only the running
variance differs, by the factor n / (n - 1) of the unbiased estimate.

Before each convolution and pooling Keras copies its input to channels-first and, for a convolution, back again; PyTorch
takes the channels-last memory under a permuted view as it is.
"""

from __future__ import annotations

from typing import Any

import keras


def install() -> None:
    """Replace both for four-dimensional, channels-last inputs. Only for the PyTorch backend."""
    import torch
    from keras.src.backend.torch import nn
    from torch.nn import functional

    layer = keras.layers.BatchNormalization
    if getattr(layer, "fused", False):
        return
    spelled_out = layer.call

    def call(self: Any, inputs: Any, training: Any = None, mask: Any = None) -> Any:
        if mask is not None or inputs.ndim != 4 or inputs.device.type == "meta" or self.axis not in (-1, 3):
            return spelled_out(self, inputs, training=training, mask=mask)
        normalised = functional.batch_norm(
            inputs.permute(0, 3, 1, 2),
            self.moving_mean.value,
            self.moving_variance.value,
            self.gamma.value if self.scale else None,
            self.beta.value if self.center else None,
            training=bool(training) and self.trainable,
            momentum=1 - self.momentum,
            eps=self.epsilon,
        )
        return normalised.permute(0, 2, 3, 1)

    copied = nn._transpose_spatial_inputs

    def view_channels_first(inputs: Any) -> Any:
        return inputs.permute(0, 3, 1, 2) if inputs.ndim == 4 else copied(inputs)

    nn._transpose_spatial_inputs = view_channels_first
    layer.call = call
    layer.fused = True
    torch.set_flush_denormal(True)
