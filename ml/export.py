"""A trained run to the files that serve: `python -m ml.export RUN --out DIR` writes emotion.tflite and emotion.json.

Calibration is fitted on the run's validation pictures and built into the graph. Nothing is written if Keras and LiteRT
disagree.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

import keras
import numpy as np

from ml.calibration import calibrate, serving_network
from ml.data import DataError, TrainingSet
from ml.evaluation.agreement import check_parity
from ml.evaluation.outputs import keras_outputs, load_predict
from ml.evaluation.scoring import score
from ml.inference.classifier import Classifier
from ml.inference.contract import ModelError
from ml.model import INPUT_SHAPE, multiply_adds
from ml.training.presets import PRESETS
from ml.training.runs import BEST_WEIGHTS, WHOLE_MODEL, check_data, git_commit, read_config
from ml.training.weights import load_weights, save_whole

PARITY_PICTURES = 1000
FEW_PICTURES = 200
"""Fewer than this say little about how often an answer of some confidence is right."""


def load_best(run: Path) -> keras.Model:
    """The network of a finished run with its best weights."""
    try:
        network = keras.models.load_model(run / WHOLE_MODEL, compile=False)
    except (OSError, ValueError) as error:
        raise DataError(f"expected a finished run with {WHOLE_MODEL}, received: {error}") from error
    load_weights(network, run / BEST_WEIGHTS)
    return network


def export(run: Path, out: Path, name: str = "emotion") -> dict[str, Any]:
    """Calibrate, convert, check and write a run's best weights; returns the card."""
    config, record = read_config(run)
    preset = PRESETS[config.preset]
    network = load_best(run)
    data = TrainingSet.load(config.data, preset.validation_share, config.votes, config.limit)
    check_data(run, data)

    held_out, votes = data.held_out()
    outputs = keras_outputs(network, held_out.images)
    calibration = calibrate(
        outputs,
        held_out.labels,
        votes.majority if votes else None,
        data.frequencies() if votes and "people" in outputs else None,
    )
    serving = serving_network(network, calibration)

    with tempfile.TemporaryDirectory(dir=out.parent if out.parent.exists() else None) as scratch:
        model_path = Path(scratch) / f"{name}.tflite"
        serving.export(model_path, format="litert", verbose=False)
        card = {
            "name": name,
            "sha256": hashlib.sha256(model_path.read_bytes()).hexdigest(),
            "labels": list(data.classes),
            "outputs": sorted(serving.output),
            "input": {"shape": list(INPUT_SHAPE), "type": "float32", "range": [0, 255], "color": "grey"},
            "uncertain_below": calibration.uncertain_below,
            "calibration": asdict(calibration),
            "calibration_pictures": len(held_out),
            "parameters": network.count_params(),
            "multiply_adds": multiply_adds(network),
            "training": {
                "dataset": Path(config.data).name,
                "preset": config.preset,
                "epochs": config.epochs,
                "parts": preset.parts,
                "seed": config.seed,
                "commit": record["commit"],
                "export_commit": git_commit(),
            },
        }
        card_path = model_path.with_suffix(".json")
        card_path.write_text(json.dumps(card, indent=2) + "\n")
        card["parity"] = check_parity(Classifier(model_path), serving, parity_images(data))
        card["metrics"] = score(load_predict(model_path)[0](data.scored.images), data.scored, data.scored_votes)
        card_path.write_text(json.dumps(card, indent=2) + "\n")
        network_path = Path(scratch) / WHOLE_MODEL
        save_whole(network, network_path)
        out.mkdir(parents=True, exist_ok=True)
        for path in (model_path, card_path, network_path):
            shutil.move(path, out / path.name)
    return card


def parity_images(data: TrainingSet) -> np.ndarray:
    """Validation pictures, then training pictures, `PARITY_PICTURES` at most."""
    return data.pictures.images[np.concatenate([data.validation, data.training])[:PARITY_PICTURES]]


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m ml.export", description="Write a run as a LiteRT model and its card."
    )
    parser.add_argument("run", type=Path, help="a directory that ml.train wrote")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args(arguments)
    try:
        card = export(options.run, options.out)
    except (DataError, ModelError) as error:
        print(f"ml.export: {error}", file=sys.stderr)
        return 2
    parity, split = card["parity"], card["metrics"]["split"]
    if (fitted := card["calibration_pictures"]) < FEW_PICTURES:
        print(f"calibrated on {fitted} pictures only: take the percentages of this model as a rough guide")
    print(f"{options.out}/emotion.tflite  sha256 {card['sha256'][:8]}  uncertain below {card['uncertain_below']:.2f}")
    print(f"parity on {parity['pictures']} pictures: largest difference {parity['max_difference']:.1e}")
    for name, by_labels in card["metrics"]["outputs"].items():
        for kind, row in by_labels.items():
            print(f"{split}: {name} on {kind} labels {row['accuracy']:.2%}, calibration error {row['ece']:.3f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
