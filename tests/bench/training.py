"""Speed of the input pipeline: pictures a second of real training epochs, against the network alone.

    python -m tests.bench.training [--preset document] [--pictures 4096] [--json]

The network alone trains on arrays that lie ready in memory; training draws, changes and stacks every batch anew.
The last line is JSON: `network_images_s`, `training_images_s` and their `share`.
"""

from __future__ import annotations

import argparse
import json
import time
from typing import Any

import keras
import numpy as np

from ml.inference.contract import EMOTIONS
from ml.inference.preprocess import to_batch
from ml.training.batches import Batches, one_or_all
from ml.training.networks import build
from ml.training.presets import PRESETS
from ml.training.runs import Config


def images_per_second(network: keras.Model, pictures: int, *fitted: Any, **options: Any) -> float:
    """Of one epoch."""
    started = time.perf_counter()
    network.fit(*fitted, verbose=0, **options)
    return pictures / (time.perf_counter() - started)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.training", description=__doc__)
    parser.add_argument("--preset", choices=("document", "small-1", "large"), default="document")
    parser.add_argument("--pictures", type=int, default=4096)
    parser.add_argument("--precision", choices=("float32", "bfloat16"), default="float32")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true", help="print nothing but the last line")
    options = parser.parse_args()
    preset = PRESETS[options.preset]
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (options.pictures, 48, 48), dtype=np.uint8)
    labels = np.eye(len(EMOTIONS), dtype=np.float32)[rng.integers(0, len(EMOTIONS), options.pictures)]
    targets = dict.fromkeys(("original", "people") if preset.needs_votes else ("original",), labels)
    config = Config("", options.preset, 1, preset.batch_size, preset.learning_rate, precision=options.precision)
    network = build(preset, config, len(EMOTIONS), options.pictures // preset.batch_size * options.rounds)

    def epoch(number: int) -> Batches:
        return Batches(images, targets, preset.batch_size, preset.augmentation, 0, number)

    ready = to_batch(images), one_or_all(targets)
    network.fit(epoch(0), verbose=0)  # traced and warm, both ways
    network.fit(*ready, batch_size=preset.batch_size, verbose=0)
    network_s, training_s = [], []
    for number in range(options.rounds):  # in turns, so that other work on the machine hits both
        network_s.append(images_per_second(network, options.pictures, *ready, batch_size=preset.batch_size))
        training_s.append(images_per_second(network, options.pictures, epoch(number)))
    rates = {"network_images_s": float(np.median(network_s)), "training_images_s": float(np.median(training_s))}
    rates["share"] = rates["training_images_s"] / rates["network_images_s"]
    if not options.json:
        backend = keras.backend.backend()
        print(
            f"{options.preset} on {backend}, {options.precision}: the pipeline keeps {rates['share']:.0%} of the rate"
        )
    print(json.dumps(rates))


if __name__ == "__main__":
    main()
