"""Write the files that are served from a trained run: `python -m ml.export RUN --out DIR [--float]`.

Writes `emotion.tflite`, with its trunk in 8-bit integers unless `--float` is given, the card `emotion.json`, and the
whole network. `python -m ml.export EXPORTED --data DIR --votes CSV --out DIR` converts an earlier export again.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from ml.arguments import check_before_imports, export_arguments
from ml.console import OutputError, before_imports, check_writable, load_tensorflow_library, run

if __name__ == "__main__":  # before the slow imports
    before_imports("ml.export")
    check_before_imports("ml.export", export_arguments)
    load_tensorflow_library()

import keras

from ml.artifact import write_artifact
from ml.data import DataError, TrainingSet
from ml.evaluation.outputs import CONFIG_FILE
from ml.inference.contract import ModelError
from ml.training.presets import PRESETS
from ml.training.runs import BEST_WEIGHTS, WHOLE_MODEL, check_data, read_config
from ml.training.weights import load_weights

CARD_FILE = "emotion.json"
FEW_PICTURES = 200
"""With fewer validation pictures than this, calibrated percentages are only a rough guide."""
NEVER_SURE = 0.995
"""An answer that must be surer than this is never sure."""


def load_network(folder: Path) -> keras.Model:
    try:
        return keras.models.load_model(folder / WHOLE_MODEL, compile=False)
    except (OSError, ValueError) as error:
        raise DataError(f"expected a finished run or an export with {WHOLE_MODEL}, received: {error}") from error


def load_run(run: Path) -> tuple[keras.Model, TrainingSet, dict[str, Any]]:
    """A finished run's network with its best weights, the data it was trained on, and how it was trained."""
    config, record = read_config(run)
    preset = PRESETS[config.preset]
    network = load_network(run)
    load_weights(network, run / BEST_WEIGHTS)
    data = TrainingSet.load(config.data, preset.validation_share, config.votes, config.limit)
    check_data(run, data)
    training = {
        "dataset": Path(config.data).name,
        "preset": config.preset,
        "epochs": config.epochs,
        "parts": preset.parts,
        "seed": config.seed,
        "commit": record["commit"],
    }
    return network, data, training


def load_export(folder: Path, data_dir: str, votes: str | None) -> tuple[keras.Model, TrainingSet, dict[str, Any]]:
    """The network of an earlier export, the data it was trained on, and what its card says of training."""
    try:
        training = json.loads((folder / CARD_FILE).read_text("utf-8"))["training"]
        share = PRESETS[training["preset"]].validation_share
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"expected an export with its card {CARD_FILE}, received {folder}: {error}") from error
    data = TrainingSet.load(data_dir, share, votes)
    if training.get("fingerprint", data.fingerprint) != data.fingerprint:
        raise DataError(
            f"expected the pictures and votes that the network was trained on (fingerprint {training['fingerprint']}), "
            f"received others (fingerprint {data.fingerprint})"
        )
    return load_network(folder), data, training


def export(source: Path, out: Path, data: str | None, votes: str | None, quantized: bool) -> dict[str, Any]:
    """Export a run, or an earlier export again; returns the card.

    Raises:
        DataError: the source or the data can't be used.
        ModelError: the answers of the file differ from those of Keras.
    """
    if data is not None:
        network, training_set, training = load_export(source, data, votes)
    elif not (source / CONFIG_FILE).exists() and (source / CARD_FILE).exists():
        raise DataError(f"expected --data DIR with {source}, which is an export and not a run, received none")
    else:
        network, training_set, training = load_run(source)
    return write_artifact(network, training_set, training, out, quantized=quantized)


def main(arguments: list[str] | None = None) -> int:
    options = export_arguments(arguments)
    try:
        check_writable(options.out, folder=True)
        card = export(options.source, options.out, options.data, options.votes, not options.float)
    except (DataError, ModelError, OutputError) as error:
        print(f"ml.export: {error}", file=sys.stderr)
        return 2
    parity, split = card["parity"], card["metrics"]["split"]
    if (fitted := card["calibration_pictures"]) < FEW_PICTURES:
        print(f"calibrated on {fitted} pictures only: take the percentages of this model as a rough guide")
    if card["uncertain_below"] >= NEVER_SURE:
        print("every answer will be marked uncertain: no confidence was right for half of the calibration pictures")
    print(f"{options.out}/emotion.tflite  sha256 {card['sha256'][:8]}  uncertain below {card['uncertain_below']:.2f}")
    print(
        f"against Keras on {parity['pictures']} pictures: same answer {parity['same_answer']:.1%}, "
        f"difference {parity['mean_difference']:.1e} on average and {parity['max_difference']:.1e} at most"
    )
    for name, by_labels in card["metrics"]["outputs"].items():
        for kind, row in by_labels.items():
            print(f"{split}: {name} on {kind} labels {row['accuracy']:.2%}, calibration error {row['ece']:.3f}")
    return 0


if __name__ == "__main__":
    run("ml.export", main)
