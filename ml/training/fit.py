"""The training loop. One epoch is a pure function of the seed, the epoch's number and the state before it, so that a
resumed run ends where an uninterrupted one does."""

from __future__ import annotations

import math
import sys
import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from ml.data import DataError, TrainingSet
from ml.data.reading import advice_on_sizes, count_by_suffix
from ml.evaluation import plots
from ml.evaluation.outputs import keras_outputs
from ml.evaluation.report import CONFUSION_FILE, REPORT_FILE, write_report
from ml.evaluation.scoring import score
from ml.inference.contract import EMOTIONS
from ml.training import STATE_FILE
from ml.training.batches import Batches
from ml.training.networks import build, load_base, make_network, reseed, set_precision
from ml.training.presets import PRESETS, Preset
from ml.training.processes import ALONE, Processes, on_own_devices
from ml.training.runs import BEST_WEIGHTS, WHOLE_MODEL, Config, Run, check_directory, check_reusable
from ml.training.weights import load_weights, save_whole

if TYPE_CHECKING:
    from ml.training.jax_epochs import JaxEpochs

SECONDS_BETWEEN_PLOTS = 10


def train(
    config: Config,
    out: Path,
    resume: bool = False,
    root: Path | None = None,
    data: TrainingSet | None = None,
    tensorboard: Path | None = None,
    processes: Processes = ALONE,
) -> dict[str, Any]:
    """Train to the end of the configured epochs, then write the results.

    Args:
        root: directory of the preset's parts, each in a directory of its name; `out` if None.
        data: what `load_data(config)` returns, where it is loaded already.
        tensorboard: directory for Keras's TensorBoard logs; None writes none.
        processes: this process's place among several that train together and see the same directories.

    Returns:
        The report of the best weights; empty in every process but the first.

    Raises:
        DataError: the data, the votes or the directory can't be used.
    """
    preset = PRESETS[config.preset]
    if data is None:
        check_directory(out, config, resume)
        if config.base:
            load_base(config.base)
        data = load_data(config)
    run = Run(out, config, data, resume, processes)
    processes.require_same(f"{replace(config, data='', votes=None)} {data.fingerprint} {len(run.history)}")
    parts = {name: trained_part(name, config, data, root or out, processes) for name in preset.parts}
    teachers = [parts[name] for name in preset.teachers]
    seed = config.seed + preset.seed
    used = processes.divisible(len(data.training), config.batch_size)
    with processes.scope():
        network = build(preset, config, len(data.classes), math.ceil(used / config.batch_size))
        if preset.init_from:
            network.set_weights(parts[preset.init_from].get_weights())
        run.restore(network)
    scored = network if processes.count == 1 else make_network(preset, config.base, len(data.classes))
    images = data.pictures.images[data.training]
    targets = {name: rows[data.training] for name, rows in data.targets(preset.needs_votes).items()}
    own_loop = tensorboard is None and processes.count == 1
    on_device = device_epochs(network, images, targets, config, teachers) if own_loop else None
    drawn = -math.inf
    for epoch in range(len(run.history), config.epochs):
        if processes.first:
            print(f"Epoch {epoch + 1} of {config.epochs}{time_left(run.history, config.epochs)}", flush=True)
        started = time.monotonic()
        reseed(network, seed, epoch)
        validation = Validation(data, scored)
        if on_device:
            figures = on_device.run(epoch)
            validation.set_model(network)
            validation.on_epoch_end(epoch)
        else:
            batches = Batches(
                images,
                targets,
                config.batch_size,
                preset.augmentation,
                seed,
                epoch,
                partial(mean_outputs, teachers) if teachers else None,
                preset.distillation_weight,
                preset.blending,
                processes,
            )
            logs = [keras.callbacks.TensorBoard(tensorboard)] if tensorboard else []
            with processes.scope():
                figures = network.fit(
                    batches,
                    initial_epoch=epoch,
                    epochs=epoch + 1,
                    shuffle=False,  # Keras would shuffle by the global random state, which a resumed run does not have
                    callbacks=[validation, *logs] if processes.first else [],
                    verbose="auto" if sys.stdout.isatty() and processes.first else 0,
                ).history
        if not processes.first:
            continue
        row = history_row(epoch, figures, validation.report, list(targets), time.monotonic() - started)
        run.save_epoch(network, row)
        if time.monotonic() - drawn >= SECONDS_BETWEEN_PLOTS or epoch + 1 == config.epochs:
            plots.training_curves(run.history, out)
            title = f"Epoch {epoch + 1} on the validation pictures"
            plots.confusion_matrices(validation.report, out / CONFUSION_FILE, title)
            drawn = time.monotonic()
        print("  " + "  ".join(f"{key} {value:.4g}" for key, value in row.items()), flush=True)
    report = finish(network, preset, config, run, data) if processes.first else {}
    processes.wait(f"{config.preset} is finished")
    return report


def device_epochs(
    network: keras.Model,
    images: np.ndarray,
    targets: dict[str, np.ndarray],
    config: Config,
    teachers: list[keras.Model],
) -> JaxEpochs | None:
    """Whole epochs on an accelerator, where Keras runs on JAX and there is one."""
    if keras.backend.backend() != "jax":
        return None
    from ml.training import jax_epochs

    if not jax_epochs.has_accelerator():
        return None
    preset = PRESETS[config.preset]
    return jax_epochs.JaxEpochs(
        network, images, targets, config.batch_size, preset, config.seed + preset.seed, teachers
    )


class Validation(keras.callbacks.Callback):
    """Scores the network on the validation pictures at the end of an epoch; later callbacks see the figures too.

    Args:
        scored: the network itself, or one of the same kind that takes its weights and runs on this process alone.
    """

    def __init__(self, data: TrainingSet, scored: keras.Model) -> None:
        super().__init__()
        self._scored = scored
        self._pictures, self._votes = data.held_out()
        self.report: dict[str, Any] = {}

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        if self._scored is not self.model:
            self._scored.set_weights(self.model.get_weights())
        with on_own_devices():
            outputs = keras_outputs(self._scored, self._pictures.images)
        self.report = score(outputs, self._pictures, self._votes)
        if logs is not None:
            logs |= {"val_accuracy": self.report["accuracy"], "val_loss": self.report["cross_entropy"]}


def load_data(config: Config) -> TrainingSet:
    """The training set that a configuration names; unreadable pictures are listed on stderr."""
    preset = PRESETS[config.preset]
    if preset.needs_votes and not config.votes:
        raise DataError(f"expected --votes CSV for the preset {config.preset}, received none")
    data = TrainingSet.load(config.data, preset.validation_share, config.votes, config.limit)
    for line in data.pictures.skipped:
        print(f"skipped {line}", file=sys.stderr)
    for remark in (count_by_suffix(data.pictures.left_out), advice_on_sizes(data.pictures.sizes)):
        if remark:
            print(remark, file=sys.stderr)
    print(f"{len(data.training):,} pictures to train on, {len(data.validation):,} for validation")
    if data.classes != EMOTIONS:
        print(f"Classes: {', '.join(data.classes)}")
    return data


def part_settings(name: str, config: Config) -> Config:
    """The settings of a part: epochs and learning rate scale with those of the whole.

    The rate is rounded to 12 digits, so that it equals the rate of a part that was trained by itself.
    """
    part, whole = PRESETS[name], PRESETS[config.preset]
    return replace(
        config,
        preset=name,
        epochs=max(1, round(config.epochs * part.epochs / whole.epochs)),
        learning_rate=float(f"{config.learning_rate * part.learning_rate / whole.learning_rate:.12g}"),
    )


def trained_part(
    name: str,
    config: Config,
    data: TrainingSet,
    root: Path,
    processes: Processes = ALONE,
) -> keras.Model:
    """The best network of the run `ROOT/NAME`, trained first unless it is finished."""
    settings = part_settings(name, config)
    directory = root / name
    if (directory / REPORT_FILE).exists():
        check_reusable(directory, settings, data)
    else:
        if processes.first:
            print(f"First the part {name}", flush=True)
        begun = (directory / STATE_FILE).exists()
        train(settings, directory, begun, root=root, data=data, processes=processes)
    set_precision(config)
    network = make_network(PRESETS[name], None, len(data.classes))
    load_weights(network, directory / BEST_WEIGHTS)
    return network


def mean_outputs(networks: list[keras.Model], batch: np.ndarray) -> dict[str, np.ndarray]:
    """The mean of several networks' probabilities, by output."""
    with on_own_devices():
        outputs = [network.predict_on_batch(batch) for network in networks]
    return {name: np.mean([output[name] for output in outputs], axis=0) for name in outputs[0]}


def time_left(history: list[dict[str, float]], epochs: int) -> str:
    """The remaining time in words, from the duration of the last epoch; empty before the first."""
    if not history:
        return ""
    seconds = (epochs - len(history)) * history[-1]["seconds"]
    return f", {seconds / 60:.0f} min left" if seconds >= 90 else f", {seconds:.0f} s left"


def finish(trained: keras.Model, preset: Preset, config: Config, run: Run, data: TrainingSet) -> dict[str, Any]:
    """Write the final network whole, the curves, and the report of the best weights on the scored pictures."""
    keras.mixed_precision.set_global_policy(keras.config.floatx())  # the files contain float32 weights in either case
    network = make_network(preset, config.base, len(data.classes))
    network.set_weights(trained.get_weights())
    save_whole(network, run.directory / WHOLE_MODEL)
    load_weights(network, run.directory / BEST_WEIGHTS)
    outputs = keras_outputs(network, data.scored.images)
    report = score(outputs, data.scored, data.scored_votes)
    unreadable = {"skipped": list(data.scored.skipped), "left_out": count_by_suffix(data.scored.left_out)}
    trained_on = {"skipped": list(data.pictures.skipped), "left_out": count_by_suffix(data.pictures.left_out)}
    report |= {"model": BEST_WEIGHTS, **unreadable, "training": trained_on}
    write_report(report, outputs, data.scored, data.scored_votes, run.directory)
    return report


def history_row(
    epoch: int, fitted: dict[str, list[float]], report: dict[str, Any], outputs: list[str], seconds: float
) -> dict[str, float]:
    """One row of history.csv, from Keras's history of the epoch and the report on the validation pictures.

    Each output is validated on the labels that it is trained on. With several outputs `val_accuracy` is their mean; it
    decides which weights are the best.
    """
    logs = {key: values[0] for key, values in fitted.items() if not key.startswith("val_")}
    validated = {name: report["outputs"][name].get(name, report["outputs"][name]["folder"]) for name in outputs}
    row = {
        "epoch": epoch + 1,
        "accuracy": float(np.mean([value for key, value in logs.items() if key.endswith("accuracy")])),
        "loss": logs["loss"],
        "val_accuracy": float(np.mean([figures["accuracy"] for figures in validated.values()])),
        "val_loss": float(sum(figures["cross_entropy"] for figures in validated.values())),
        "seconds": seconds,
    }
    if len(validated) > 1:
        row |= {f"val_accuracy_{name}": figures["accuracy"] for name, figures in validated.items()}
    return row
