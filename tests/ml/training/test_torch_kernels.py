"""PyTorch's own kernels give the results of Keras's operations. Needs PyTorch, which the project does without."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys

import pytest

PROGRAM = """
import keras, numpy as np
from ml.training import torch_kernels
from ml.model import best_network

keras.utils.set_random_seed(0)
network = best_network()
faces = np.random.default_rng(0).uniform(0, 255, (8, 48, 48, 1)).astype("float32")

def run():
    # Dropout before the heads is random, so what is compared while training is what goes into it.
    trunk = keras.Model(network.input, network.get_layer("global_average_pooling2d").output)
    answer = keras.ops.convert_to_numpy(network(faces)["people"])
    trunk_training = keras.ops.convert_to_numpy(trunk(faces, training=True))
    moving = [keras.ops.convert_to_numpy(v) for v in network.non_trainable_variables if "moving_mean" in v.path]
    return answer, trunk_training, moving

weights = network.get_weights()
before = run()
network.set_weights(weights)
torch_kernels.install()
torch_kernels.install()
after = run()
print(np.abs(before[0] - after[0]).max(), np.abs(before[1] - after[1]).max() / np.abs(before[1]).max(),
      max(np.abs(a - b).max() for a, b in zip(before[2], after[2])))
"""


@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="needs PyTorch: pip install torch")
def test_the_kernels_change_only_the_speed() -> None:
    environment = os.environ | {"KERAS_BACKEND": "torch"}
    done = subprocess.run([sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr
    answer, training, moving = map(float, done.stdout.split())
    assert answer < 1e-5
    assert training < 1e-4
    assert moving < 1e-4
