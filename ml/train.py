"""Train a network on a folder data set: `python -m ml.train --data DIR [--preset document|best] …`.

One epoch is a pure function of the seed, the epoch's number and the state before it, so a run that was cut off goes on
with `--resume` as if it had never stopped.
"""

from __future__ import annotations

import argparse
import math
import os
import signal
import sys
import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np

from ml.data import DataError, Pictures, discover_classes, load_pictures, load_votes, split_validation
from ml.evaluate import REPORT_FILE, keras_outputs, make_report, print_table, scored_pictures, split_of, write_report
from ml.evaluation import plots
from ml.inference.contract import EMOTIONS
from ml.model import SHIPPED_NETWORK, adapted_network
from ml.training.batches import Batches, make_targets, one_or_all
from ml.training.presets import PRESETS, Preset
from ml.training.runs import (
    BEST_WEIGHTS,
    STATE_FILE,
    WHOLE_MODEL,
    Config,
    Run,
    begun_settings,
    check_settings,
    load_weights,
    save_whole,
)


def make_network(preset: Preset, base: str | None, classes: int) -> keras.Model:
    """The preset's network, or the trained one at `base` with a new last layer.

    Raises:
        DataError: `base` is no whole Keras model with an output named `original`.
    """
    if preset.network is not None:
        return preset.network(classes)
    try:
        return adapted_network(keras.models.load_model(base, compile=False), classes)
    except (OSError, ValueError, IndexError) as error:
        raise DataError(f"expected --from with a model that this program trained, received {base}: {error}") from error


def set_precision(config: Config) -> None:
    """What networks made from now on calculate in; their weights are float32 either way."""
    keras.mixed_precision.set_global_policy("mixed_bfloat16" if config.precision == "bfloat16" else "float32")


def build(preset: Preset, config: Config, classes: int, steps: int) -> keras.Model:
    """The preset's network, compiled. `classes` is the number of labels, `steps` that of all training batches."""
    if keras.backend.backend() == "torch":
        from ml.training import torch_kernels

        torch_kernels.install()
    keras.utils.set_random_seed(config.seed + preset.seed)
    set_precision(config)
    network = make_network(preset, config.base, classes)
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


def train(config: Config, out: Path, resume: bool = False, root: Path | None = None) -> dict[str, Any]:
    """Train to the end of the configured epochs, then write the results. Returns the report of the best weights.

    Args:
        root: where the preset's parts lie, each in a directory of its name; `out` if None.

    Raises:
        DataError: the data, the votes or the directory can't be used.
    """
    preset = PRESETS[config.preset]
    if preset.needs_votes and not config.votes:
        raise DataError(f"expected --votes CSV for the preset {config.preset}, received none")
    classes = EMOTIONS if config.base is None else discover_classes(Path(config.data) / "train")
    pictures = load_pictures(config.data, "train", classes, config.limit)
    for line in pictures.skipped:
        print(f"skipped {line}", file=sys.stderr)
    targets = make_targets(pictures, config.votes if preset.needs_votes else None)
    chosen, held_out = split_validation(pictures, preset.validation_share)
    scored = scored_pictures(config.data, pictures.subset(held_out))  # a wrong test folder is told now, not at the end
    run = Run(out, config, pictures, resume)
    parts = {name: trained_part(name, config, pictures, root or out) for name in preset.parts}
    teachers = [parts[name] for name in preset.teachers]
    seed = config.seed + preset.seed
    network = build(preset, config, len(pictures.classes), math.ceil(len(chosen) / config.batch_size))
    if preset.starts_as:
        network.set_weights(parts[preset.starts_as].get_weights())
    run.restore(network)
    for epoch in range(len(run.history), config.epochs):
        print(f"Epoch {epoch + 1} of {config.epochs}{time_left(run.history, config.epochs)}", flush=True)
        started = time.monotonic()
        reseed(network, seed, epoch)
        batches = Batches(
            pictures.images[chosen],
            {name: rows[chosen] for name, rows in targets.items()},
            config.batch_size,
            preset.augmentation,
            seed,
            epoch,
            (partial(mean_answers, teachers), preset.teachers_say) if teachers else None,
        )
        fitted = network.fit(batches, verbose="auto" if sys.stdout.isatty() else 0)
        scores = score(network, pictures.images[held_out], {name: rows[held_out] for name, rows in targets.items()})
        row = summarise(epoch, fitted.history, scores, time.monotonic() - started)
        run.save_epoch(network, row)
        print("  " + "  ".join(f"{key} {value:.4g}" for key, value in row.items()), flush=True)
    return finish(network, preset, config, run, scored)


def part_settings(name: str, config: Config) -> Config:
    """The settings of a part: the epochs and the learning rate of the whole change its own in proportion.

    The rate comes out as one would write it by hand, so that a part trained by itself is known again.
    """
    part, whole = PRESETS[name], PRESETS[config.preset]
    return replace(
        config,
        preset=name,
        epochs=max(1, round(config.epochs * part.epochs / whole.epochs)),
        learning_rate=float(f"{config.learning_rate * part.learning_rate / whole.learning_rate:.12g}"),
    )


def trained_part(name: str, config: Config, pictures: Pictures, root: Path) -> keras.Model:
    """The best network of the run `ROOT/NAME`, trained first unless it is finished."""
    settings = part_settings(name, config)
    directory = root / name
    if (directory / REPORT_FILE).exists():
        check_settings(directory, settings, pictures)
    else:
        print(f"First the part {name}", flush=True)
        train(settings, directory, resume=(directory / STATE_FILE).exists(), root=root)
    set_precision(config)
    network = make_network(PRESETS[name], None, len(EMOTIONS))
    load_weights(network, directory / BEST_WEIGHTS)
    return network


def mean_answers(networks: list[keras.Model], batch: np.ndarray) -> dict[str, np.ndarray]:
    """The mean of several networks' probabilities, by output."""
    answers = [network.predict_on_batch(batch) for network in networks]
    return {name: np.mean([answer[name] for answer in answers], axis=0) for name in answers[0]}


def reseed(network: keras.Model, seed: int, epoch: int) -> None:
    """Begin the random numbers of every dropout layer anew, so that an epoch does not depend on those before it."""
    for index, layer in enumerate(network.layers):
        generator = getattr(layer, "seed_generator", None)
        if generator is not None:
            generator.state.assign([seed * 1000 + index, epoch])


def time_left(history: list[dict[str, float]], epochs: int) -> str:
    """In words, as long as the last epoch took; nothing before the first."""
    if not history:
        return ""
    seconds = (epochs - len(history)) * history[-1]["seconds"]
    return f", {seconds / 60:.0f} min left" if seconds >= 90 else f", {seconds:.0f} s left"


def finish(trained: keras.Model, preset: Preset, config: Config, run: Run, pictures: Pictures) -> dict[str, Any]:
    """Write the final network whole, the curves, and the report of the best weights on the scored pictures."""
    keras.mixed_precision.set_global_policy("float32")  # the files hold a float32 network, whatever trained it
    network = make_network(preset, config.base, len(pictures.classes))
    network.set_weights(trained.get_weights())
    save_whole(network, run.directory / WHOLE_MODEL)
    load_weights(network, run.directory / BEST_WEIGHTS)
    majority = load_votes(config.votes, pictures.files).majority if config.votes else None
    outputs = keras_outputs(network, pictures.images)
    report = make_report(outputs, pictures, majority)
    report |= {
        "split": split_of(pictures),
        "model": BEST_WEIGHTS,
        "skipped": list(pictures.skipped),
    }
    write_report(report, outputs, pictures, majority, run.directory)
    plots.training_curves(run.history, run.directory)
    return report


def score(network: keras.Model, images: np.ndarray, targets: dict[str, np.ndarray]) -> dict[str, tuple[float, float]]:
    """Accuracy and cross-entropy of each output over the rows that have a target."""
    outputs = keras_outputs(network, images)
    scores = {}
    for name, rows in targets.items():
        known = rows.any(axis=1)
        predicted, expected = outputs[name][known], rows[known]
        accuracy = float(np.mean(predicted.argmax(1) == expected.argmax(1)))
        scores[name] = accuracy, float(-np.mean(np.sum(expected * np.log(predicted + 1e-9), axis=1)))
    return scores


def summarise(
    epoch: int, fitted: dict[str, list[float]], scores: dict[str, tuple[float, float]], seconds: float
) -> dict[str, float]:
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
    return row


def parse_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m ml.train", description="Train a network on a folder data set.")
    parser.add_argument("--data", required=True, help="directory with train/CLASS/*.jpg and test/CLASS/*.jpg")
    parser.add_argument("--preset", choices=[name for name in PRESETS if name != "adapt"], help="default: document")
    parser.add_argument(
        "--from", dest="base", metavar="MODEL", help="adapt a trained model: shipped, or a run's .h5 file"
    )
    parser.add_argument("--epochs", type=int, help="default: the preset's; with --resume those of the run, or more")
    parser.add_argument("--batch-size", type=int, help="default: the preset's")
    parser.add_argument("--learning-rate", type=float, help="default: the preset's")
    parser.add_argument("--votes", metavar="CSV", help="how several people saw each picture; needed by the preset best")
    parser.add_argument("--limit", type=int, metavar="N", help="at most N pictures of each class, for a quick try")
    parser.add_argument(
        "--out", type=Path, help="directory for the results; default runs/PRESET, runs/adapt with --from"
    )
    parser.add_argument("--resume", action="store_true", help="go on with the run in --out")
    parser.add_argument("--seed", type=int, help="default: 0")
    parser.add_argument("--precision", choices=("float32", "bfloat16"), help="default: float32")
    return parser.parse_args(arguments)


def refuse(message: str) -> int:
    print(f"ml.train: {message}", file=sys.stderr)
    return 2


def main(arguments: list[str] | None = None) -> int:
    options = parse_arguments(arguments)
    if options.base and options.preset:
        return refuse("expected --from or --preset, received both: --from is a recipe of its own")
    name = "adapt" if options.base else options.preset or "document"
    preset = PRESETS[name]
    for option, least in (("epochs", 1), ("batch_size", 1), ("limit", 1)):
        if (value := getattr(options, option)) is not None and value < least:
            return refuse(f"expected --{option.replace('_', '-')} of at least {least}, received {value}")
    if options.learning_rate is not None and not options.learning_rate > 0:
        return refuse(f"expected --learning-rate above 0, received {options.learning_rate}")
    base = str(SHIPPED_NETWORK) if options.base == "shipped" else options.base
    if base and not Path(base).is_file():
        return refuse(f"expected --from shipped or with a run's .h5 file, received {base}: there is no such file")
    out = options.out or Path("runs") / name
    begun = begun_settings(out) if options.resume else {}

    def chosen(option: str, default: Any) -> Any:
        """As given, else as the run that is resumed began, else the default."""
        given = getattr(options, option)
        return given if given is not None else begun.get(option, default)

    config = Config(
        data=options.data,
        preset=name,
        epochs=chosen("epochs", preset.epochs),
        batch_size=chosen("batch_size", preset.batch_size),
        learning_rate=chosen("learning_rate", preset.learning_rate),
        seed=chosen("seed", 0),
        precision=chosen("precision", "float32"),
        votes=chosen("votes", None),
        limit=chosen("limit", None),
        base=base,
    )
    try:
        report = train(config, out, options.resume)
    except DataError as error:
        return refuse(str(error))
    print_table(report)
    print(f"\nResults in {out}")
    return 0


def leave(signal_number: int, frame: Any) -> None:
    """Ctrl-C: go at once, without waiting for threads that prepare batches. What is on the disk is always whole."""
    print("\nml.train: stopped; the same command with --resume goes on after the last whole epoch", file=sys.stderr)
    sys.stderr.flush()
    os._exit(130)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, leave)
    sys.exit(main())
