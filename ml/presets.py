"""The recipes: as described, as well as we can, and on from a trained network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import keras

from ml.augment import Augmentation
from ml.model import best_network, document_network


@dataclass(frozen=True)
class Preset:
    network: Callable[[int], keras.Model] | None
    """Makes the network for so many classes; None where training starts from a trained one."""
    epochs: int
    batch_size: int
    learning_rate: float
    validation_share: float
    augmentation: Augmentation
    optimizer: Callable[[float, int], keras.optimizers.Optimizer]
    """Makes the optimizer from the learning rate and the total number of steps."""
    label_smoothing: float = 0.0
    needs_votes: bool = False
    teachers: int = 0
    """How many networks of the preset `teacher` are trained first; the network starts as the first of them."""
    teachers_say: float = 0.0
    """Part of every target that is the teachers' mean answer to the same changed picture, the rest being the label
    (Hinton et al., Distilling the Knowledge in a Neural Network, 2015)."""


def constant_adam(learning_rate: float, steps: int) -> keras.optimizers.Optimizer:
    return keras.optimizers.Adam(learning_rate)


def cosine_sgd(learning_rate: float, steps: int) -> keras.optimizers.Optimizer:
    """Momentum SGD, warmed up over the first twentieth of all steps, then cosine decay to zero.

    Keras takes the weight decay off the weights directly, past the momentum: 5e-3 there shrinks them as much as 5e-4 in
    the gradient does at momentum 0.9.
    """
    warmup = max(1, steps // 20)
    schedule = keras.optimizers.schedules.CosineDecay(
        learning_rate / 25, max(1, steps - warmup), alpha=0.0, warmup_target=learning_rate, warmup_steps=warmup
    )
    optimizer = keras.optimizers.SGD(schedule, momentum=0.9, nesterov=True, weight_decay=5e-3)
    optimizer.exclude_from_weight_decay(var_names=["bias", "beta", "gamma"])
    return optimizer


WIDE = Augmentation(shift=0.1, flip=True, rotation_deg=12, scale=0.15, light=0.2, erase=0.3, degrade=0.08)
"""Other framing and light, without hiding much of what there is to learn."""
BROAD = Augmentation(shift=0.12, flip=True, rotation_deg=15, scale=0.15, light=0.25, erase=0.3, degrade=0.15)
"""As wide as the framing that face detection gives, and the faults that cameras have."""

TEACHER = Preset(
    network=best_network,
    epochs=40,
    batch_size=128,
    learning_rate=0.2,
    validation_share=0.05,
    augmentation=WIDE,
    optimizer=cosine_sgd,
    label_smoothing=0.1,
    needs_votes=True,
)

PRESETS = {
    "document": Preset(
        network=document_network,
        epochs=50,
        batch_size=64,
        learning_rate=1e-4,
        validation_share=0.1,
        augmentation=Augmentation(shift=0.1, flip=True),
        optimizer=constant_adam,
    ),
    "teacher": TEACHER,
    "best": replace(TEACHER, epochs=60, learning_rate=0.1, label_smoothing=0.0, teachers=2, teachers_say=0.7),
    "adapt": Preset(
        network=None,
        epochs=20,
        batch_size=32,
        learning_rate=0.01,
        validation_share=0.2,
        augmentation=BROAD,
        optimizer=cosine_sgd,
        label_smoothing=0.1,
    ),
}
