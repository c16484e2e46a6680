"""Does the input pipeline keep up? Pictures a second of real training epochs, against the network alone.

    python -m tests.bench.training [--preset document] [--pictures 4096] [--json]

The network alone trains on one batch that lies ready in memory; training draws, changes and stacks every batch anew.
The last line is JSON: `network_images_s`, `training_images_s` and their `share`.
"""

from __future__ import annotations

import argparse
import json
import time
from typing import Any

import keras
import numpy as np

from ml.batches import Batches, one_or_all
from ml.inference.contract import EMOTIONS
from ml.inference.preprocess import to_batch
from ml.presets import PRESETS
from ml.runs import Config
from ml.train import build


class Ready(keras.utils.PyDataset):
    """The same batch over and over."""

    def __init__(self, batch: tuple[np.ndarray, Any, Any], count: int) -> None:
        super().__init__()
        self._batch, self._count = batch, count

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: int) -> tuple[np.ndarray, Any, Any]:
        return self._batch


def images_per_second(network: keras.Model, batches: keras.utils.PyDataset, pictures: int) -> float:
    """Of one epoch."""
    started = time.perf_counter()
    network.fit(batches, verbose=0)
    return pictures / (time.perf_counter() - started)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.training", description=__doc__)
    parser.add_argument("--preset", choices=("document", "teacher"), default="document")
    parser.add_argument("--pictures", type=int, default=4096)
    parser.add_argument("--precision", choices=("float32", "bfloat16"), default="float32")
    parser.add_argument("--rounds", type=int, default=3)
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

    first = {name: rows[: preset.batch_size] for name, rows in targets.items()}
    ones = {name: np.ones(preset.batch_size, np.float32) for name in targets}
    ready = Ready((to_batch(images[: preset.batch_size]), one_or_all(first), one_or_all(ones)), len(epoch(0)))
    network.fit(Ready(ready[0], 3), verbose=0)  # traced and warm
    network_s, training_s = [], []
    for number in range(options.rounds):  # in turns, so that other work on the machine hits both
        network_s.append(images_per_second(network, ready, options.pictures))
        training_s.append(images_per_second(network, epoch(number), options.pictures))
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
