"""Epochs that run whole on an accelerator, with JAX: the pictures, their changes, the teachers and all steps of an
epoch are one compiled program, which waits for nothing on the host."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import keras
import numpy as np

from ml.training.batches import one_or_all
from ml.training.jax_augment import augment
from ml.training.presets import Preset

State = Any
"""Trainable, other, optimizer's and metrics' variables, as `keras.Model.train_step` has them."""


def has_accelerator() -> bool:
    """Whether Keras runs on JAX and JAX on something faster than this machine's processor."""
    return keras.backend.backend() == "jax" and jax.default_backend() != "cpu"


class JaxEpochs:
    """The epochs of one training run.

    An epoch depends on the seed, its number and the network's state alone, as those of `ml.training.batches` do; its
    random numbers are others. Pictures that don't fill a last batch wait for another epoch.

    Args:
        network: compiled, with all variables made.
        images: `(n, 48, 48)` uint8.
        targets: output name to `(n, classes)` probabilities; a row of zeros means "unknown", as in `Batches`.
        teachers: trained networks with the same outputs, see `Preset.teachers`.
    """

    def __init__(
        self,
        network: keras.Model,
        images: np.ndarray,
        targets: dict[str, np.ndarray],
        batch_size: int,
        preset: Preset,
        seed: int,
        teachers: list[keras.Model],
    ) -> None:
        self._network, self._teachers, self._preset, self._seed = network, teachers, preset, seed
        self._batch_size = min(batch_size, len(images))
        self._data = jnp.asarray(images), {name: jnp.asarray(rows) for name, rows in targets.items()}
        self._taught = [_variables(teacher) for teacher in teachers]
        self._epoch = jax.jit(self._steps, donate_argnums=0)

    def run(self, epoch: int) -> dict[str, list[float]]:
        """Train for one epoch. Returns the network's metrics by name, each in a list, as Keras's history has them."""
        network = self._network
        network.reset_metrics()
        kinds = self._variables_by_kind()
        state = tuple([jnp.copy(variable.value) for variable in kind] for kind in kinds)
        key = jax.random.fold_in(jax.random.key(self._seed), epoch)
        state = self._epoch(state, self._data, self._taught, key)
        for kind, values in zip(kinds, state, strict=True):
            for variable, value in zip(kind, values, strict=True):
                variable.assign(value)
        return {name: [float(value)] for name, value in network.get_metrics_result().items()}

    def _variables_by_kind(self) -> tuple[list[keras.Variable], ...]:
        network = self._network
        return (
            network.trainable_variables,
            network.non_trainable_variables,
            network.optimizer.variables,
            network.metrics_variables,
        )

    def _steps(self, state: State, data: Any, taught: Any, key: jax.Array) -> State:
        count = len(data[0])
        order_key, steps_key = jax.random.split(key)
        steps = count // self._batch_size
        order = jax.random.permutation(order_key, count)[: steps * self._batch_size]

        def step(state: State, what: tuple[jax.Array, jax.Array]) -> tuple[State, None]:
            chosen, key = what
            batch = self._batch(data[0][chosen], {name: rows[chosen] for name, rows in data[1].items()}, taught, key)
            _, state = self._network.train_step(state, batch)
            return state, None

        batches = order.reshape(steps, self._batch_size), jax.random.split(steps_key, steps)
        return jax.lax.scan(step, state, batches)[0]

    def _batch(
        self, images: jax.Array, targets: dict[str, jax.Array], taught: Any, key: jax.Array
    ) -> tuple[jax.Array, Any, Any]:
        """Changed pictures, targets and weights, as `ml.training.batches.Batches` has them."""
        preset = self._preset
        augment_key, blend_key = jax.random.split(key)
        images = augment(images, preset.augmentation, augment_key)[..., None]
        if preset.blending:
            part = jax.random.beta(blend_key, preset.blending, preset.blending, (len(images), 1))
            images = images * part[..., None, None] + images[::-1] * (1 - part[..., None, None])
            targets = {
                name: jnp.where(_known(rows) & _known(rows[::-1]), rows * part + rows[::-1] * (1 - part), 0.0)
                for name, rows in targets.items()
            }
        if self._teachers:
            answers = [
                teacher.stateless_call(*variables, images, training=False)[0]
                for teacher, variables in zip(self._teachers, taught, strict=True)
            ]
            share = preset.distillation_weight
            for name, rows in targets.items():
                mean = sum(answer[name] for answer in answers) / len(answers)
                targets[name] = jnp.where(_known(rows), (1 - share) * rows + share * mean, mean)
        weights = {name: jnp.any(rows, axis=1).astype(jnp.float32) for name, rows in targets.items()}
        return images, one_or_all(targets), one_or_all(weights)


def _variables(network: keras.Model) -> tuple[list[Any], list[Any]]:
    return (
        [variable.value for variable in network.trainable_variables],
        [variable.value for variable in network.non_trainable_variables],
    )


def _known(rows: jax.Array) -> jax.Array:
    return jnp.any(rows, axis=1, keepdims=True)
