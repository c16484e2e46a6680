"""The presets: the plain network (`document`), the served one (`ensemble`, `best`) with their parts, and `adapt`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import keras

from ml.model import best_network, close_network, document_network, fine_network, large_network, plain_network
from ml.training.augment import Augmentation


@dataclass(frozen=True)
class Preset:
    network: Callable[[int], keras.Model] | None
    """Makes the network for a number of classes; None where training starts from a trained network."""
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
    """Added to the run's seed, so that networks with the same settings differ."""
    init_from: str | None = None
    """The preset whose best weights are this one's initial weights; it is trained first."""
    teachers: tuple[str, ...] = ()
    """The presets whose networks are distilled into this one; they are trained first."""
    distillation_weight: float = 0.0
    """Share of the teachers' mean output for the same augmented picture in every target; the rest is the label
    (Hinton et al., Distilling the Knowledge in a Neural Network, 2015)."""
    blending: float = 0.0
    """Each picture is blended with another by a share from the distribution Beta(blending, blending); 0 leaves them
    (Zhang et al., mixup: Beyond Empirical Risk Minimization, 2018)."""

    @property
    def parts(self) -> tuple[str, ...]:
        """The presets that are trained first."""
        return tuple(dict.fromkeys((*self.teachers, *([self.init_from] if self.init_from else ()))))


def constant_adam(learning_rate: float, steps: int) -> keras.optimizers.Optimizer:
    return keras.optimizers.Adam(learning_rate)


def cosine_sgd(learning_rate: float, steps: int) -> keras.optimizers.Optimizer:
    """Momentum SGD: linear warm-up over the first 5 % of all steps, then cosine decay to zero.

    Keras subtracts weight decay from the weights directly, without momentum: 5e-3 here corresponds to 5e-4 in the
    gradient at momentum 0.9.
    """
    warmup = max(1, steps // 20)
    schedule = keras.optimizers.schedules.CosineDecay(
        learning_rate / 25, max(1, steps - warmup), alpha=0.0, warmup_target=learning_rate, warmup_steps=warmup
    )
    optimizer = keras.optimizers.SGD(schedule, momentum=0.9, nesterov=True, weight_decay=5e-3)
    optimizer.exclude_from_weight_decay(var_names=["bias", "beta", "gamma"])
    return optimizer


WIDE = Augmentation(shift=0.1, flip=True, rotation_deg=12, scale=0.15, light=0.2, erase=0.3, degrade=0.08)
"""Moderate changes of framing and light, few erased squares and camera faults."""
BROAD = Augmentation(shift=0.12, flip=True, rotation_deg=15, scale=0.15, light=0.25, erase=0.3, degrade=0.15)
"""Changes as large as the errors of face detection, with more camera faults."""

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
DISTILLED = replace(SMALL, label_smoothing=0.0)
TEACHER = replace(SMALL, network=large_network, epochs=120, batch_size=256, learning_rate=0.25, blending=0.2)

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
        DISTILLED,
        epochs=45,
        learning_rate=0.1,
        init_from="student",
        teachers=("large", "student"),
        distillation_weight=0.7,
    ),
    "large": replace(DISTILLED, network=large_network, epochs=56, teachers=("student",), distillation_weight=0.5),
    "student": replace(
        DISTILLED,
        epochs=60,
        learning_rate=0.1,
        init_from="small-1",
        teachers=("small-1", "small-2"),
        distillation_weight=0.7,
    ),
    "small-1": replace(SMALL, seed=1),
    "small-2": replace(SMALL, seed=2),
    "ensemble": replace(
        DISTILLED,
        epochs=120,
        batch_size=256,
        learning_rate=0.2,
        teachers=("teacher-large", "teacher-plain", "teacher-fine", "teacher-close"),
        distillation_weight=0.8,
    ),
    "teacher-large": replace(TEACHER, seed=3),
    "teacher-plain": replace(TEACHER, network=plain_network, seed=4),
    "teacher-fine": replace(TEACHER, network=fine_network, seed=5),
    "teacher-close": replace(TEACHER, network=close_network, seed=6),
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
"""`best` is distilled in steps: `small-1` and `small-2` teach `student`, `student` teaches `large`, and `large` and
`student` teach `best`. `ensemble`, the network that is served, is the same network taught by four larger ones of
different kinds; it needs a GPU to be trained in minutes."""
