"""From a trained network to the files that serve: calibrate, convert, quantise, check, measure, write."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

import keras
import numpy as np

from ml.calibration import Calibration, calibrate
from ml.data import TrainingSet
from ml.evaluation.agreement import EXACT, QUANTIZED, check_agreement
from ml.evaluation.outputs import load_predict
from ml.evaluation.scoring import score
from ml.inference.card import INPUT_SHAPE
from ml.inference.classifier import Classifier
from ml.model import multiply_adds
from ml.quantize import RECIPE, quantize
from ml.serving_network import serving_network
from ml.training.augment import Augmentation, augment
from ml.training.provenance import git_commit
from ml.training.runs import WHOLE_MODEL
from ml.training.weights import save_whole

COMPARED_PICTURES = 1000
CALIBRATION_VIEWS = 8
"""Views of each validation picture; more of them make the temperatures depend less on chance."""
FRAMING_ERRORS = Augmentation(shift=0.05, flip=True, rotation_deg=5, scale=0.1)
"""How far the framing of a face that was detected differs from that of the data set."""


def write_artifact(
    network: keras.Model,
    data: TrainingSet,
    training: dict[str, Any],
    out: Path,
    name: str = "emotion",
    quantized: bool = True,
) -> dict[str, Any]:
    """Write `NAME.tflite`, its card `NAME.json` and the network whole; returns the card.

    Calibration is fitted on the outputs of the file that will be served, on the validation pictures. The answers of the
    float file must equal those of Keras; the quantised file must be within the bounds of `QUANTIZED`. Otherwise nothing
    is written.

    Args:
        network: with trained weights. data: what it was trained on. training: how, for the card.
        quantized: convert the trunk to 8-bit integers.

    Raises:
        ModelError: the file's answers differ from Keras's.
    """
    with tempfile.TemporaryDirectory(dir=out.parent if out.parent.exists() else None) as scratch:
        folder = Path(scratch)
        draft = folder / "draft.tflite"
        _convert(serving_network(network, _uncalibrated(network)), network.name, data, draft, quantized)
        calibration = _fit(draft, data)
        model_path = folder / f"{name}.tflite"
        serving = serving_network(network, calibration)
        float_path = _convert(serving, network.name, data, model_path, quantized)
        card = _short_card(name, serving, data) | {
            "uncertain_below": calibration.uncertain_below,
            "calibration": asdict(calibration),
            "calibration_pictures": len(data.validation),
            "parameters": network.count_params(),
            "multiply_adds": multiply_adds(network),
            "training": training | {"fingerprint": data.fingerprint, "export_commit": git_commit()},
        }
        compared = compared_images(data)
        exact = check_agreement(Classifier(float_path), serving, compared, EXACT)
        if quantized:
            card["quantization"] = RECIPE | {"float_parity": exact}
        card_path = _write_card(model_path, card)
        card["parity"] = check_agreement(Classifier(model_path), serving, compared, QUANTIZED) if quantized else exact
        card["metrics"] = score(load_predict(model_path)[0](data.scored.images), data.scored, data.scored_votes)
        _write_card(model_path, card)
        network_path = folder / WHOLE_MODEL
        save_whole(network, network_path)
        out.mkdir(parents=True, exist_ok=True)
        for path in (model_path, card_path, network_path):
            shutil.move(path, out / path.name)
    return card


def compared_images(data: TrainingSet) -> np.ndarray:
    """Validation pictures, then training pictures, `COMPARED_PICTURES` at most."""
    return data.pictures.images[np.concatenate([data.validation, data.training])[:COMPARED_PICTURES]]


def _uncalibrated(network: keras.Model) -> Calibration:
    names = network.output_names if isinstance(network.output, dict) else ["original"]
    return Calibration(dict.fromkeys([*names, "served"], 1.0))


def _convert(serving: keras.Model, trunk: str, data: TrainingSet, model_path: Path, quantized: bool) -> Path:
    """Write a serving network as LiteRT, with a card that `Classifier` accepts; returns the path of the float file."""
    serving.export(model_path, format="litert", verbose=False)
    _write_card(model_path, _short_card(model_path.stem, serving, data))
    if not quantized:
        return model_path
    float_path = model_path.with_name(f"{model_path.stem}-float.tflite")
    model_path.rename(float_path)
    order = np.random.default_rng(0).permutation(data.training)
    quantize(float_path, model_path, data.pictures.images[order], trunk)
    for path in (float_path, model_path):
        _write_card(path, _short_card(path.stem, serving, data))
    return float_path


def _short_card(name: str, serving: keras.Model, data: TrainingSet) -> dict[str, Any]:
    return {
        "name": name,
        "sha256": "",
        "labels": list(data.classes),
        "outputs": sorted(serving.output),
        "input": {"shape": list(INPUT_SHAPE), "type": "float32", "range": [0, 255], "color": "grey"},
        "uncertain_below": 0.5,
    }


def _fit(model_path: Path, data: TrainingSet) -> Calibration:
    """The calibration of an uncalibrated file, on several views of each validation picture."""
    held_out, votes = data.held_out()
    rng = np.random.default_rng(0)
    views = np.concatenate([augment(held_out.images, FRAMING_ERRORS, rng) for _ in range(CALIBRATION_VIEWS)])
    outputs = load_predict(model_path)[0](views)
    del outputs["served"]
    frequencies = data.frequencies() if votes and "people" in outputs else None
    labels = np.tile(held_out.labels, CALIBRATION_VIEWS)
    majority = np.tile(votes.majority, CALIBRATION_VIEWS) if votes else None
    return calibrate(outputs, labels, majority, frequencies, views=CALIBRATION_VIEWS)


def _write_card(model_path: Path, card: dict[str, Any]) -> Path:
    card["sha256"] = hashlib.sha256(model_path.read_bytes()).hexdigest()
    card_path = model_path.with_suffix(".json")
    card_path.write_text(json.dumps(card, indent=2) + "\n")
    return card_path
