"""A run's directory: its configuration, its history and its weights after the last whole epoch."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import keras

from ml.console import printable, reason, write_text
from ml.data import DataError, TrainingSet
from ml.evaluation.outputs import CONFIG_FILE
from ml.training import STATE_FILE
from ml.training.processes import ALONE, Processes
from ml.training.provenance import provenance
from ml.training.weights import load_checkpoint, save_checkpoint, save_weights

BEST_WEIGHTS = "model_weights.h5"
WHOLE_MODEL = "EmoDetector.h5"


@dataclass(frozen=True)
class Config:
    """Everything that decides a run's result, except the data itself."""

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


class Run:
    """Opens a directory for a new run, or for one to resume.

    Raises:
        DataError: the directory holds a run already, or none to resume, or one that began with other settings or data.
    """

    def __init__(
        self,
        directory: Path,
        config: Config,
        data: TrainingSet,
        resume: bool,
        processes: Processes = ALONE,
    ) -> None:
        self.directory = directory
        self.history: list[dict[str, float]] = []
        if check_directory(directory, config, resume):
            check_data(directory, data)
            self.history = json.loads((directory / STATE_FILE).read_text())["history"]
        if not processes.first:
            return
        directory.mkdir(parents=True, exist_ok=True)
        identity = {"classes": list(data.classes), "fingerprint": data.fingerprint}
        made_by = provenance() | {"backend": keras.backend.backend(), "processes": processes.count}
        content = {"settings": asdict(config), "data": identity, **made_by}
        write_text(directory / CONFIG_FILE, json.dumps(content, indent=2) + "\n")

    def restore(self, network: keras.Model) -> None:
        """Bring a compiled network to the state after the last whole epoch."""
        if self.history:
            load_checkpoint(network, self._checkpoint(len(self.history)))

    def save_epoch(self, network: keras.Model, row: dict[str, float]) -> None:
        """Write the weights, then the state that names them: an interruption at any moment leaves a whole epoch.

        Raises:
            OSError: the disk is full; the state still names the epoch before.
        """
        best_before = max((past["val_accuracy"] for past in self.history), default=-1.0)
        history = [*self.history, row]
        save_checkpoint(network, self._checkpoint(len(history)))
        if row["val_accuracy"] > best_before:
            save_weights(network, self.directory / BEST_WEIGHTS)
        write_text(self.directory / STATE_FILE, json.dumps({"history": history}))
        self.history = history
        self._checkpoint(len(history) - 1).unlink(missing_ok=True)
        table = io.StringIO(newline="")
        writer = csv.DictWriter(table, fieldnames=list(row))
        writer.writeheader()
        writer.writerows(history)
        write_text(self.directory / "history.csv", table.getvalue())

    def _checkpoint(self, epoch: int) -> Path:
        return self.directory / f"epoch-{epoch:03d}.npz"


def read_config(directory: Path) -> tuple[Config, dict[str, Any]]:
    """The settings of the run in a directory, and the whole record: settings, data, command, commit, backend.

    Raises:
        DataError: there is no run in it, or its record can't be read.
    """
    try:
        record = json.loads((directory / CONFIG_FILE).read_text("utf-8"))
        return Config(**record["settings"]), record
    except (OSError, ValueError, KeyError, TypeError) as error:
        received = f"{printable(str(directory))}: {reason(error)}"
        raise DataError(f"expected a run's directory with {CONFIG_FILE}, received {received}") from error


def begun_settings(directory: Path) -> dict[str, Any]:
    """The settings of the run in a directory; empty where there is none."""
    return asdict(read_config(directory)[0]) if (directory / CONFIG_FILE).exists() else {}


def check_data(directory: Path, data: TrainingSet) -> None:
    """Refuse data that the run in a directory was not trained on.

    Raises:
        DataError: classes, pictures, votes or their division into training and validation differ.
    """
    _, record = read_config(directory)
    begun = record.get("data", {})
    if begun.get("classes") != list(data.classes) or begun.get("fingerprint") != data.fingerprint:
        raise DataError(
            f"expected the pictures and votes that the run in {directory} was trained on (fingerprint "
            f"{begun.get('fingerprint', 'none stored')}), received others (fingerprint {data.fingerprint})"
        )


def check_directory(directory: Path, config: Config, resume: bool) -> bool:
    """Whether the directory holds a run to go on with; all that can be told before the data is read.

    Raises:
        DataError: as `Run`, except for other data.
    """
    begun = (directory / STATE_FILE).exists()
    if begun and not resume:
        raise DataError(f"expected an empty directory for --out, or --resume, received {directory}, which holds a run")
    if resume and not begun and not (directory / CONFIG_FILE).exists():
        received = f"{directory}, which has no {STATE_FILE}"
        raise DataError(f"expected a run to resume, received {received}; without --resume a new one begins")
    if begun:
        _check_settings(directory, config)
        done = len(json.loads((directory / STATE_FILE).read_text())["history"])
        if config.epochs < done:
            raise DataError(
                f"expected --epochs of at least the {done} that {directory} has done, received {config.epochs}"
            )
    return begun


def check_reusable(directory: Path, config: Config, data: TrainingSet) -> None:
    """Refuse a finished run of other settings or data as a part of another. Its epochs may be more or fewer.

    Raises:
        DataError: a setting that decides the result differs, or the data does.
    """
    _check_settings(directory, config)
    check_data(directory, data)


def _check_settings(directory: Path, config: Config) -> None:
    before, _ = read_config(directory)
    for key in ("preset", "batch_size", "learning_rate", "seed", "precision", "limit", "base"):
        if getattr(before, key) != getattr(config, key):
            option = {"base": "from"}.get(key, key).replace("_", "-")
            raise DataError(
                f"expected --{option} {getattr(before, key)} as the run in {directory} began, "
                f"received {getattr(config, key)}"
            )
