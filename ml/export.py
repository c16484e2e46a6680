"""A trained run to the files that serve: `python -m ml.export RUN --out DIR` writes emotion.tflite and emotion.json.

Calibration and the blend of the two heads are fitted on the run's validation pictures and built into the graph, so that
whoever runs the model file gets calibrated probabilities. Nothing is written if Keras and LiteRT disagree.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import layers, ops
from scipy.optimize import minimize_scalar
from sklearn.isotonic import IsotonicRegression

from ml.data import DataError, Pictures, discover_classes, load_pictures, load_votes, split_validation
from ml.evaluate import keras_outputs, load_predict, make_report, scored_pictures
from ml.inference.classifier import Classifier, ModelError
from ml.inference.contract import EMOTIONS
from ml.model import INPUT_SHAPE, multiply_adds
from ml.presets import PRESETS
from ml.runs import BEST_WEIGHTS, CONFIG_FILE, WHOLE_MODEL, git_commit, load_weights

PARITY_PICTURES = 1000
PARITY_TOLERANCE = 1e-3


@dataclass(frozen=True)
class Calibration:
    """Temperatures by output; `served` is the mean of the other outputs' probabilities, sharpened by its own."""

    temperatures: dict[str, float]
    uncertain_below: float


def fit_temperature(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """The temperature that makes the labels most likely (Guo et al., On Calibration of Modern Neural Networks, 2017).

    Args:
        probabilities: `(n, classes)`. labels: `(n,)`; rows with -1 are left out.
    """
    known = labels >= 0
    logits = np.log(probabilities[known] + 1e-9)

    def loss(log_temperature: float) -> float:
        scaled = logits / np.exp(log_temperature)
        scaled -= scaled.max(axis=1, keepdims=True)
        likelihood = scaled - np.log(np.exp(scaled).sum(axis=1, keepdims=True))
        return -float(np.mean(likelihood[np.arange(len(scaled)), labels[known]]))

    return float(np.exp(minimize_scalar(loss, bounds=(-3, 3), method="bounded").x))


def sharpen(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """Probabilities at another temperature, `(n, classes)`."""
    logits = np.log(probabilities + 1e-9) / temperature
    scaled = np.exp(logits - logits.max(axis=1, keepdims=True))
    return scaled / scaled.sum(axis=1, keepdims=True)


def confidence_of_even_odds(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """The confidence below which fewer than half of the answers are right, by isotonic regression; from 0 to 1."""
    known = labels >= 0
    confidence = probabilities[known].max(axis=1)
    right = probabilities[known].argmax(axis=1) == labels[known]
    steps = np.linspace(0, 1, 201)
    accuracy = IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip").fit(confidence, right).predict(steps)
    return float(steps[np.argmax(accuracy >= 0.5)]) if (accuracy >= 0.5).any() else 1.0


def calibrate(outputs: dict[str, np.ndarray], labels: np.ndarray, majority: np.ndarray | None) -> Calibration:
    """Fit on validation pictures: `original` to the folders' labels, `people` and `served` to what most people see."""
    seen = labels if majority is None else majority
    temperatures = {
        name: fit_temperature(rows, labels if name == "original" else seen) for name, rows in outputs.items()
    }
    mean = np.mean([sharpen(rows, temperatures[name]) for name, rows in outputs.items()], axis=0)
    temperatures["served"] = fit_temperature(mean, seen)
    return Calibration(temperatures, confidence_of_even_odds(sharpen(mean, temperatures["served"]), seen))


@keras.saving.register_keras_serializable("emotion")
class Temperature(layers.Layer):
    """Probabilities in, probabilities at another temperature out."""

    def __init__(self, temperature: float, **settings: Any) -> None:
        super().__init__(**settings)
        self.temperature = temperature

    def call(self, probabilities: Any) -> Any:
        return ops.softmax(ops.log(probabilities + 1e-9) / self.temperature)

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"temperature": self.temperature}


def serving_network(network: keras.Model, temperatures: dict[str, float]) -> keras.Model:
    """The trained network with its calibration: outputs `served` and, calibrated, each of the network's own."""
    inputs = keras.Input(INPUT_SHAPE, name="grey")
    outputs = network(inputs)
    outputs = outputs if isinstance(outputs, dict) else {"original": outputs}
    calibrated = {
        name: Temperature(temperatures[name], name=f"{name}_calibrated", dtype="float32")(value)
        for name, value in outputs.items()
    }
    mean = layers.Average()(list(calibrated.values())) if len(calibrated) > 1 else calibrated["original"]
    served = Temperature(temperatures["served"], name="served", dtype="float32")(mean)
    return keras.Model(inputs, {"served": served} | calibrated, name="emotion")


def check_parity(classifier: Classifier, network: keras.Model, images: np.ndarray) -> dict[str, float]:
    """Compare the serving code on the exported file with Keras on the same pictures.

    Raises:
        ModelError: an answer differs, or a probability by more than `PARITY_TOLERANCE`.
    """
    expected = keras_outputs(network, images)
    gaps, changed = [], 0
    for start in range(0, len(images), 100):
        received = classifier.predict_outputs(images[start : start + 100])
        for name, rows in received.items():
            reference = expected[name][start : start + 100]
            gaps.append(np.abs(rows - reference).max())
            changed += int((rows.argmax(axis=1) != reference.argmax(axis=1)).sum())
    worst = float(np.max(gaps))
    if changed or not worst <= PARITY_TOLERANCE:  # not a number is no parity either
        raise ModelError(
            f"expected the same answers within {PARITY_TOLERANCE} from Keras and LiteRT on {len(images)} pictures, "
            f"received {changed} different answers and a largest difference of {worst:.2g}"
        )
    return {"pictures": len(images), "max_difference": worst, "same_answer": 1.0}


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
    try:
        config = json.loads((run / CONFIG_FILE).read_text())
    except OSError as error:
        raise DataError(f"expected a run's directory with {CONFIG_FILE}, received: {error}") from error
    settings = config["settings"]
    preset = PRESETS[settings["preset"]]
    network = load_best(run)
    classes = EMOTIONS if settings["base"] is None else discover_classes(Path(settings["data"]) / "train")
    pictures = load_pictures(settings["data"], "train", classes, settings["limit"])
    majority = load_votes(settings["votes"], pictures.files).majority if settings["votes"] else None

    _, validation = split_validation(pictures, preset.validation_share, settings["seed"])
    held_out = pictures.subset(validation)
    seen = majority[validation] if majority is not None else None
    calibration = calibrate(keras_outputs(network, held_out.images), held_out.labels, seen)
    serving = serving_network(network, calibration.temperatures)

    with tempfile.TemporaryDirectory(dir=out.parent if out.parent.exists() else None) as scratch:
        model_path = Path(scratch) / f"{name}.tflite"
        serving.export(model_path, format="litert", verbose=False)
        card = {
            "name": name,
            "sha256": hashlib.sha256(model_path.read_bytes()).hexdigest(),
            "labels": list(pictures.classes),
            "outputs": sorted(serving.output),
            "input": {"shape": list(INPUT_SHAPE), "type": "float32", "range": [0, 255], "color": "grey"},
            "crop": {
                "frame": "that of the FER-2013 pictures, found and turned upright by align.tflite",
                "margin": 0.0,
                "interpolation": "area when shrinking, linear when enlarging",
            },
            "uncertain_below": calibration.uncertain_below,
            "temperatures": calibration.temperatures,
            "parameters": network.count_params(),
            "multiply_adds": multiply_adds(network),
            "training": {
                "dataset": Path(settings["data"]).name,
                "preset": settings["preset"],
                "epochs": settings["epochs"],
                "seed": settings["seed"],
                "commit": config["commit"],
                "export_commit": git_commit(),
            },
        }
        card_path = model_path.with_suffix(".json")
        card_path.write_text(json.dumps(card, indent=2) + "\n")
        card["parity"] = check_parity(Classifier(model_path), serving, parity_pictures(pictures, validation))
        card["metrics"] = measure_export(model_path, settings, held_out)
        card_path.write_text(json.dumps(card, indent=2) + "\n")
        network_path = Path(scratch) / WHOLE_MODEL
        network.save(network_path)
        out.mkdir(parents=True, exist_ok=True)
        for path in (model_path, card_path, network_path):
            shutil.move(path, out / path.name)
    return card


def parity_pictures(pictures: Pictures, validation: np.ndarray) -> np.ndarray:
    """Validation pictures, filled up with training pictures if there are fewer than `PARITY_PICTURES`."""
    order = np.concatenate([validation, np.setdiff1d(np.arange(len(pictures)), validation)])
    return pictures.images[order[:PARITY_PICTURES]]


def measure_export(model_path: Path, settings: dict[str, Any], validation: Pictures) -> dict[str, Any]:
    """The exported file's report on the test split (see `scored_pictures`), through the serving code."""
    predict, _ = load_predict(model_path)
    pictures = scored_pictures(settings["data"], validation)
    majority = load_votes(settings["votes"], pictures.files).majority if settings["votes"] else None
    return make_report(predict(pictures.images), pictures, majority)


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
    parity = card["parity"]
    print(f"{options.out}/emotion.tflite  sha256 {card['sha256'][:8]}  uncertain below {card['uncertain_below']:.2f}")
    print(f"parity on {parity['pictures']} pictures: largest difference {parity['max_difference']:.1e}")
    for name, by_labels in card["metrics"]["outputs"].items():
        for kind, row in by_labels.items():
            print(f"test: {name} on {kind} labels {row['accuracy']:.2%}, calibration error {row['ece']:.3f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
