"""Train a network on a folder data set: `python -m ml.train --data DIR [--preset document|best] …`.

One epoch is a pure function of the seed, the epoch's number and the state before it, so a run that was cut off goes on
with `--resume` as if it had never stopped.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import os
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np

from ml.augment import Augmentation, augment
from ml.data import DataError, Pictures, load_pictures, load_votes, split_validation
from ml.inference.preprocess import to_batch
from ml.presets import PRESETS, Preset

STATE_FILE = "state.json"


@dataclass(frozen=True)
class Config:
    """Everything that decides a run's result, beside the data itself."""

    data: str
    preset: str
    epochs: int
    batch_size: int
    learning_rate: float
    seed: int = 0
    precision: str = "float32"
    votes: str | None = None
    limit: int | None = None


class Batches(keras.utils.PyDataset):
    """One epoch of shuffled, augmented batches: `(images, targets, weights)`.

    Args:
        targets: output name to `(n, classes)` probabilities. A row of zeros has no say in that output's loss.
    """

    def __init__(
        self,
        images: np.ndarray,
        targets: dict[str, np.ndarray],
        batch_size: int,
        augmentation: Augmentation,
        seed: int,
        epoch: int,
    ) -> None:
        super().__init__()
        self._images, self._targets, self._batch_size = images, targets, batch_size
        self._augmentation, self._seed, self._epoch = augmentation, seed, epoch
        self._order = np.random.default_rng((seed, epoch)).permutation(len(images))

    def __len__(self) -> int:
        return math.ceil(len(self._order) / self._batch_size)

    def __getitem__(self, index: int):
        chosen = self._order[index * self._batch_size : (index + 1) * self._batch_size]
        rng = np.random.default_rng((self._seed, self._epoch, index))
        images = to_batch(augment(self._images[chosen], self._augmentation, rng))
        targets = {name: rows[chosen] for name, rows in self._targets.items()}
        weights = {name: rows.any(axis=1).astype(np.float32) for name, rows in targets.items()}
        return images, one_or_all(targets), one_or_all(weights)


def one_or_all(by_output: dict[str, Any]) -> Any:
    """A network with one output takes its value bare, one with several a dictionary."""
    return by_output if len(by_output) > 1 else next(iter(by_output.values()))


def make_targets(pictures: Pictures, votes: str | None) -> dict[str, np.ndarray]:
    """Each output's target, `(n, classes)` float32: the folder's label, and what people voted where that is known."""
    targets = {"original": np.eye(len(pictures.classes), dtype=np.float32)[pictures.labels]}
    if votes:
        targets["people"] = load_votes(votes, pictures.files).shares
    return targets


def build(preset: Preset, config: Config, classes: int, steps: int) -> keras.Model:
    """The preset's network, compiled. `classes` is the number of labels, `steps` that of all training batches."""
    if keras.backend.backend() == "torch":
        from ml import torch_kernels

        torch_kernels.install()
    keras.utils.set_random_seed(config.seed)
    keras.mixed_precision.set_global_policy("mixed_bfloat16" if config.precision == "bfloat16" else "float32")
    network = preset.network(classes)
    loss = {"original": keras.losses.CategoricalCrossentropy(label_smoothing=preset.label_smoothing)}
    if preset.needs_votes:
        loss["people"] = keras.losses.CategoricalCrossentropy()
    network.compile(
        preset.optimizer(config.learning_rate, config.epochs * steps),
        loss=one_or_all(loss),
        weighted_metrics=one_or_all({name: ["accuracy"] for name in loss}),
        jit_compile=keras.backend.backend() == "jax",
    )
    return network


def save_weights(network: keras.Model, path: Path) -> None:
    """Write weights under any name, all or nothing (Keras insists on names ending in `.weights.h5`)."""
    draft = path.with_name(f".{path.stem}.weights.h5")
    network.save_weights(draft)
    draft.replace(path)


def load_weights(network: keras.Model, path: Path) -> None:
    """Read weights from a file of any name."""
    alias = path.with_name(f".{path.stem}.weights.h5")
    if path.name.endswith(".weights.h5"):
        alias = path
    else:
        alias.unlink(missing_ok=True)
        os.link(path, alias)
    try:
        network.load_weights(alias)
    finally:
        if alias != path:
            alias.unlink()


class Run:
    """A run's directory: configuration, state after the last whole epoch, and history."""

    def __init__(self, directory: Path, config: Config, resume: bool) -> None:
        self.directory = directory
        self.history: list[dict[str, float]] = []
        state = directory / STATE_FILE
        if state.exists() and not resume:
            raise DataError(f"expected an empty directory or --resume, received {directory}, which holds a run")
        if resume and not state.exists():
            if (directory / "config.json").exists():
                resume = False
            else:
                raise DataError(f"expected a run to resume, received {directory}, which has no {STATE_FILE}")
        if resume:
            before = json.loads((directory / "config.json").read_text())["settings"]
            now = asdict(config)
            for key in ("preset", "batch_size", "seed", "limit"):
                if before[key] != now[key]:
                    raise DataError(f"expected --{key} {before[key]} as the run began, received {now[key]}")
            self.history = json.loads(state.read_text())["history"]
        directory.mkdir(parents=True, exist_ok=True)
        provenance = {"command": " ".join(sys.argv), "commit": git_commit(), "backend": keras.backend.backend()}
        (directory / "config.json").write_text(json.dumps({"settings": asdict(config), **provenance}, indent=2) + "\n")

    def restore(self, network: keras.Model) -> None:
        if self.history:
            network.load_weights(self._weights(len(self.history)))

    def save_epoch(self, network: keras.Model, row: dict[str, float]) -> None:
        """Weights first, then the state that points to them: a cut at any moment leaves a whole epoch."""
        best_before = max((past["val_accuracy"] for past in self.history), default=-1.0)
        self.history.append(row)
        network.save_weights(self._weights(len(self.history)))
        if row["val_accuracy"] > best_before:
            save_weights(network, self.directory / "model_weights.h5")
        draft = self.directory / f".{STATE_FILE}"
        draft.write_text(json.dumps({"history": self.history}))
        draft.replace(self.directory / STATE_FILE)
        self._weights(len(self.history) - 1).unlink(missing_ok=True)
        with (self.directory / "history.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, fieldnames=list(row))
            writer.writeheader()
            writer.writerows(self.history)

    def _weights(self, epoch: int) -> Path:
        return self.directory / f"epoch-{epoch:03d}.weights.h5"


def git_commit() -> str | None:
    """The commit of the running code, with `+` where files differ from it; None outside a checkout."""
    command = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--abbrev=12", "--dirty=+"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None


def fit(config: Config, out: Path, resume: bool = False) -> keras.Model:
    """Train to the end of the configured epochs and return the network with its final weights."""
    preset = PRESETS[config.preset]
    if preset.needs_votes and not config.votes:
        raise DataError(f"expected --votes CSV for the preset {config.preset}, received none")
    run = Run(out, config, resume)
    pictures = load_pictures(config.data, "train", limit=config.limit)
    targets = make_targets(pictures, config.votes if preset.needs_votes else None)
    train, validation = split_validation(pictures, preset.validation_share, config.seed)
    chosen = {name: rows[train] for name, rows in targets.items()}
    held_out = {name: rows[validation] for name, rows in targets.items()}
    steps = math.ceil(len(train) / config.batch_size)
    network = build(preset, config, len(pictures.classes), steps)
    run.restore(network)
    for epoch in range(len(run.history), config.epochs):
        started = time.monotonic()
        batches = Batches(pictures.images[train], chosen, config.batch_size, preset.augmentation, config.seed, epoch)
        left = (config.epochs - epoch) * run.history[-1]["seconds"] / 60 if run.history else None
        print(f"Epoch {epoch + 1} of {config.epochs}" + (f", {left:.0f} min left" if left else ""), flush=True)
        fitted = network.fit(
            batches, epochs=epoch + 1, initial_epoch=epoch, verbose="auto" if sys.stdout.isatty() else 2
        )
        scores = score(network, pictures.images[validation], held_out)
        run.save_epoch(network, summarise(epoch, fitted.history, scores, time.monotonic() - started))
    return network


def score(network: keras.Model, images: np.ndarray, targets: dict[str, np.ndarray]) -> dict[str, tuple[float, float]]:
    """Accuracy and cross-entropy of each output over the rows that have a target."""
    outputs = network.predict(to_batch(images), batch_size=256, verbose=0)
    outputs = outputs if isinstance(outputs, dict) else {"original": outputs}
    scores = {}
    for name, rows in targets.items():
        known = rows.any(axis=1)
        predicted, expected = outputs[name][known], rows[known]
        accuracy = float(np.mean(predicted.argmax(1) == expected.argmax(1)))
        scores[name] = accuracy, float(-np.mean(np.sum(expected * np.log(predicted + 1e-9), axis=1)))
    return scores


def summarise(epoch: int, fitted: dict[str, list[float]], scores: dict[str, tuple[float, float]], seconds: float):
    """One row of history.csv. With several outputs `val_accuracy` is their mean: it chooses the best weights."""
    logs = {key: values[0] for key, values in fitted.items()}
    accuracies = [value for key, value in logs.items() if key.endswith("accuracy")]
    row = {
        "epoch": epoch + 1,
        "accuracy": float(np.mean(accuracies)),
        "loss": logs["loss"],
        "val_accuracy": float(np.mean([accuracy for accuracy, _ in scores.values()])),
        "val_loss": float(sum(loss for _, loss in scores.values())),
        "seconds": seconds,
    }
    if len(scores) > 1:
        row |= {f"val_accuracy_{name}": accuracy for name, (accuracy, _) in scores.items()}
    print("  " + "  ".join(f"{key} {value:.4g}" for key, value in row.items()), flush=True)
    return row


def parse_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m ml.train", description="Train a network on a folder data set.")
    parser.add_argument("--data", required=True, help="directory with train/CLASS/*.jpg and test/CLASS/*.jpg")
    parser.add_argument("--preset", choices=PRESETS, default="document")
    parser.add_argument("--epochs", type=int, help="default: the preset's")
    parser.add_argument("--batch-size", type=int, help="default: the preset's")
    parser.add_argument("--learning-rate", type=float, help="default: the preset's")
    parser.add_argument("--votes", metavar="CSV", help="how several people saw each picture; needed by the preset best")
    parser.add_argument("--limit", type=int, metavar="N", help="at most N pictures of each class, for a quick try")
    parser.add_argument("--out", type=Path, help="directory for the results; default runs/PRESET")
    parser.add_argument("--resume", action="store_true", help="go on with the run in --out")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--precision", choices=("float32", "bfloat16"), default="float32")
    parser.add_argument("--threads", type=int, help="CPU threads of PyTorch; default: all cores")
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    options = parse_arguments(arguments)
    preset = PRESETS[options.preset]
    config = Config(
        data=options.data,
        preset=options.preset,
        epochs=options.epochs or preset.epochs,
        batch_size=options.batch_size or preset.batch_size,
        learning_rate=options.learning_rate or preset.learning_rate,
        seed=options.seed,
        precision=options.precision,
        votes=options.votes,
        limit=options.limit,
    )
    try:
        fit(config, options.out or Path("runs") / options.preset, options.resume)
    except DataError as error:
        print(f"ml.train: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
