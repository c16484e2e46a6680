"""The recipes: as described, as well as we can, and on from a trained network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import keras

from ml.model import best_network, document_network, large_network
from ml.training.augment import Augmentation


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
    seed: int = 0
    """Added to the run's seed, so that networks of one recipe differ."""
    starts_as: str | None = None
    """The preset, trained before, whose network this one goes on from."""
    teachers: tuple[str, ...] = ()
    """Presets, trained before, whose networks teach this one."""
    teachers_say: float = 0.0
    """Part of every target that is the teachers' mean answer to the same changed picture, the rest being the label
    (Hinton et al., Distilling the Knowledge in a Neural Network, 2015)."""

    @property
    def parts(self) -> tuple[str, ...]:
        """The presets that have to be trained before."""
        return tuple(dict.fromkeys((*self.teachers, *([self.starts_as] if self.starts_as else ()))))


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

SMALL = Preset(
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
TAUGHT = replace(SMALL, label_smoothing=0.0)

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
    "best": replace(
        TAUGHT, epochs=45, learning_rate=0.1, starts_as="student", teachers=("large", "student"), teachers_say=0.7
    ),
    "large": replace(TAUGHT, network=large_network, epochs=56, teachers=("student",), teachers_say=0.5),
    "student": replace(
        TAUGHT, epochs=60, learning_rate=0.1, starts_as="small-1", teachers=("small-1", "small-2"), teachers_say=0.7
    ),
    "small-1": replace(SMALL, seed=1),
    "small-2": replace(SMALL, seed=2),
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
"""`best` is trained in parts: two small networks of one recipe teach a third, that one a large one, and both the one
that is served."""
