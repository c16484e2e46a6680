"""A run's directory: its configuration, the state after the last whole epoch, its history and its weights."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import keras
from absl import logging as absl_logging

from ml.data import DataError, Pictures

STATE_FILE = "state.json"
CONFIG_FILE = "config.json"
BEST_WEIGHTS = "model_weights.h5"
WHOLE_MODEL = "EmoDetector.h5"


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
    base: str | None = None
    """A whole Keras model to start from."""


def save_weights(network: keras.Model, path: Path) -> None:
    """Write weights under any name, all or nothing (Keras insists on names ending in `.weights.h5`)."""
    draft = path.with_name(f".{path.stem}.weights.h5")
    network.save_weights(draft)
    draft.replace(path)


def save_whole(network: keras.Model, path: Path) -> None:
    """Write a network whole, as HDF5 on purpose: Keras's advice against it is left unsaid."""
    before = absl_logging.get_verbosity()
    absl_logging.set_verbosity(absl_logging.ERROR)
    try:
        network.save(path)
    finally:
        absl_logging.set_verbosity(before)


def load_weights(network: keras.Model, path: Path) -> None:
    """Read weights from a file of any name; several processes may at once."""
    alias = path
    if not path.name.endswith(".weights.h5"):
        alias = path.with_name(f".{path.stem}-{os.getpid()}.weights.h5")
        alias.unlink(missing_ok=True)
        os.link(path, alias)
    try:
        network.load_weights(alias)
    finally:
        if alias != path:
            alias.unlink()


class Run:
    """Opens a directory for a new run, or one to go on with.

    Raises:
        DataError: the directory holds a run already, or none to resume, or one that began with other settings or
            pictures.
    """

    def __init__(self, directory: Path, config: Config, pictures: Pictures, resume: bool) -> None:
        self.directory = directory
        self.history: list[dict[str, float]] = []
        state = directory / STATE_FILE
        if state.exists() and not resume:
            raise DataError(
                f"expected an empty directory for --out, or --resume, received {directory}, which holds a run"
            )
        if resume and not state.exists():
            if (directory / CONFIG_FILE).exists():
                resume = False
            else:
                raise DataError(f"expected a run to resume, received {directory}, which has no {STATE_FILE}")
        if resume:
            check_settings(directory, config, pictures)
            self.history = json.loads(state.read_text())["history"]
        directory.mkdir(parents=True, exist_ok=True)
        provenance = {"command": " ".join(sys.argv), "commit": git_commit(), "backend": keras.backend.backend()}
        content = {"settings": asdict(config), "pictures": identity(pictures), **provenance}
        (directory / CONFIG_FILE).write_text(json.dumps(content, indent=2) + "\n")

    def restore(self, network: keras.Model) -> None:
        if self.history:
            network.optimizer.build(network.trainable_variables)  # else its state in the file would be passed over
            network.load_weights(self._weights(len(self.history)))

    def save_epoch(self, network: keras.Model, row: dict[str, float]) -> None:
        """Weights first, then the state that points to them: a cut at any moment leaves a whole epoch."""
        best_before = max((past["val_accuracy"] for past in self.history), default=-1.0)
        self.history.append(row)
        network.save_weights(self._weights(len(self.history)))
        if row["val_accuracy"] > best_before:
            save_weights(network, self.directory / BEST_WEIGHTS)
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


def identity(pictures: Pictures) -> dict[str, Any]:
    """What a run keeps of its training pictures, to know them again: the classes, and a hash of labels and pixels."""
    digest = hashlib.blake2b(pictures.labels.tobytes() + pictures.images.tobytes(), digest_size=16)
    return {"classes": list(pictures.classes), "hash": digest.hexdigest()}


def begun_settings(directory: Path) -> dict[str, Any]:
    """The settings of the run in a directory; empty where there is none."""
    try:
        return json.loads((directory / CONFIG_FILE).read_text())["settings"]
    except OSError:
        return {}


def check_settings(directory: Path, config: Config, pictures: Pictures) -> None:
    """Refuse to go on with a run that began otherwise. More epochs are no other beginning.

    Raises:
        DataError: a setting that decides the result differs, or the pictures do.
    """
    begun = json.loads((directory / CONFIG_FILE).read_text())
    before, now = begun["settings"], asdict(config)
    for key in ("preset", "batch_size", "learning_rate", "seed", "precision", "limit", "base"):
        if before.get(key) != now[key]:
            option = {"base": "from"}.get(key, key).replace("_", "-")
            raise DataError(
                f"expected --{option} {before.get(key)} as the run in {directory} began, received {now[key]}"
            )
    if begun.get("pictures") != identity(pictures):
        raise DataError(f"expected the pictures that the run in {directory} began with, received others: {config.data}")
    done = len(json.loads((directory / STATE_FILE).read_text())["history"])
    if config.epochs < done:
        raise DataError(f"expected --epochs of at least the {done} that {directory} has done, received {config.epochs}")


def git_commit() -> str | None:
    """The commit of the running code, with `+` where files differ from it; None outside a checkout."""
    command = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--abbrev=12", "--dirty=+"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None
