"""Epochs on an accelerator take the steps that Keras takes. JAX runs them on the processor here."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import json
from dataclasses import replace

import keras, numpy as np
from ml.training.augment import Augmentation
from ml.training.jax_epochs import JaxEpochs, has_accelerator
from ml.training.presets import PRESETS

still = replace(PRESETS["best"], augmentation=Augmentation(shift=0, flip=False))
moving = replace(PRESETS["best"], blending=0.2, augmentation=Augmentation(flip=True, light=0.2, erase=0.5))

def network(seed):
    keras.utils.set_random_seed(seed)
    inputs = keras.Input((48, 48, 1))
    x = keras.layers.Rescaling(1 / 64, offset=-2)(inputs)
    x = keras.layers.BatchNormalization()(keras.layers.Conv2D(4, 5, strides=4, activation="relu")(x))
    x = keras.layers.GlobalAveragePooling2D()(x)
    heads = {name: keras.layers.Dense(7, activation="softmax", name=name)(x) for name in ("original", "people")}
    made = keras.Model(inputs, heads)
    loss = keras.losses.CategoricalCrossentropy()
    made.compile(keras.optimizers.SGD(0.1, momentum=0.9), {name: loss for name in heads},
                 weighted_metrics={name: ["accuracy"] for name in heads})
    made.optimizer.build(made.trainable_variables)
    return made

rng = np.random.default_rng(0)
images = rng.integers(0, 256, (48, 48, 48), dtype=np.uint8)
targets = {name: rng.dirichlet(np.ones(7), 48).astype(np.float32) for name in ("original", "people")}
targets["people"][:8] = 0  # unknown

def start(made):
    made.fit(images[:, :, :, None].astype("float32"), targets, epochs=0, verbose=0)
    rows = {name: np.full((1, 7), 1 / 7, np.float32) for name in targets}
    made.compute_loss(None, rows, rows, {name: np.ones(1, np.float32) for name in rows})
    made.compute_metrics(None, rows, rows, {name: np.ones(1, np.float32) for name in rows})
    return made

def epochs(made, preset, batch, teachers=()):
    return JaxEpochs(start(made), images, targets, batch, preset, 3, list(teachers))

def distance(one, other):
    return max(float(np.abs(a - b).max()) for a, b in zip(one.get_weights(), other.get_weights()))

ours, keras_own = network(1), network(1)
log = epochs(ours, still, 48).run(0)
weights = {name: rows.any(axis=1).astype(np.float32) for name, rows in targets.items()}
history = keras_own.fit(images[..., None].astype("float32"), targets, 48, sample_weight=weights, verbose=0).history
found = {"accelerator": has_accelerator(), "moved": distance(ours, network(1)), "step": distance(ours, keras_own),
         "log": {key: abs(log[key][0] - history[key][0]) for key in history}}

whole, cut, teacher = network(2), network(2), network(9)
run = epochs(whole, moving, 16, [teacher])
logs = [run.run(epoch) for epoch in range(3)]
first = epochs(cut, moving, 16, [teacher])
first.run(0)
rest = epochs(cut, moving, 16, [teacher])
for epoch in (1, 2):
    rest.run(epoch)
found |= {"resumed": distance(whole, cut), "steps": int(whole.optimizer.iterations.value),
          "finite": bool(np.isfinite([log["loss"][0] for log in logs]).all()),
          "taught": distance(teacher, network(9))}
print(json.dumps(found))
"""


@pytest.mark.skipif(importlib.util.find_spec("jax") is None, reason="needs JAX: pip install jax")
def test_an_epoch_is_the_steps_of_keras_and_a_function_of_seed_number_and_state(tmp_path: Path) -> None:
    environment = os.environ | {
        "KERAS_BACKEND": "jax",
        "JAX_PLATFORMS": "cpu",
        "JAX_DISABLE_MOST_OPTIMIZATIONS": "1",  # most of the time goes into compiling, here once for each program
        "JAX_COMPILATION_CACHE_DIR": str(tmp_path),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0.1",
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, env=environment, timeout=300)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.strip().splitlines()[-1])
    assert not found["accelerator"]
    assert found["moved"] > 1e-3
    assert found["step"] < 1e-5
    assert max(found["log"].values()) < 1e-4
    assert found["steps"] == 9
    assert found["finite"]
    assert found["resumed"] == 0
    assert found["taught"] == 0
