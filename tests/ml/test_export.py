"""From a trained run to the files that serve, and what stops a bad one."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from ml.data import load_pictures
from ml.export import (
    Calibration,
    calibrate,
    check_parity,
    confidence_of_even_odds,
    fit_temperature,
    serving_network,
    sharpen,
)
from ml.inference.classifier import Classifier, ModelError
from ml.metrics import expected_calibration_error
from ml.model import best_network, document_network
from ml.train import main as train


@pytest.fixture(scope="module")
def run_dir(pattern_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("best")
    votes = str(pattern_data / "votes.csv")
    arguments = [
        "--data",
        str(pattern_data),
        "--preset",
        "best",
        "--votes",
        votes,
        "--epochs",
        "6",
        "--batch-size",
        "16",
    ]
    assert train([*arguments, "--learning-rate", "0.03", "--out", str(out)]) == 0
    return out


@pytest.fixture(scope="module")
def exported(run_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("exported")
    done = subprocess.run(
        [sys.executable, "-m", "ml.export", str(run_dir), "--out", str(out)],
        capture_output=True,
        text=True,
        timeout=400,
    )
    assert done.returncode == 0, done.stderr
    return out


def test_card_says_what_serving_needs(exported: Path) -> None:
    card = json.loads((exported / "emotion.json").read_text())
    assert card["labels"] == ["angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"]
    assert card["input"] == {"shape": [48, 48, 1], "type": "float32", "range": [0, 255], "color": "grey"}
    assert card["outputs"] == ["original", "people", "served"]
    assert 0 <= card["uncertain_below"] <= 1
    assert card["parity"]["max_difference"] <= 1e-3
    assert card["metrics"]["n"] == 42


def test_serving_code_answers_as_keras_does(exported: Path, run_dir: Path, pattern_data: Path) -> None:
    images = load_pictures(pattern_data, "test").images
    network = keras.models.load_model(run_dir / "EmoDetector.h5", compile=False)
    assert set(network.output) == {"original", "people"}
    probabilities = Classifier(exported / "emotion.tflite").predict(images)
    assert probabilities.shape == (42, 7)
    assert probabilities.sum(axis=1) == pytest.approx(1, abs=1e-5)


def test_batch_size_does_not_change_answers(exported: Path, pattern_data: Path) -> None:
    images = load_pictures(pattern_data, "test").images
    classifier = Classifier(exported / "emotion.tflite")
    together = classifier.predict(images)
    alone = np.concatenate([classifier.predict(images[i : i + 1]) for i in range(len(images))])
    assert np.abs(together - alone).max() < 1e-5
    assert classifier.predict(images[:0]).shape == (0, 7)


def test_refuses_a_model_that_answers_differently(exported: Path) -> None:
    other = serving_network(best_network(), {"original": 1.0, "people": 1.0, "served": 1.0})
    images = np.random.default_rng(0).integers(0, 256, (20, 48, 48), dtype=np.uint8)
    with pytest.raises(ModelError, match=r"expected the same answers within .* from Keras and LiteRT"):
        check_parity(Classifier(exported / "emotion.tflite"), other, images)


def test_refuses_a_changed_file(exported: Path, tmp_path: Path) -> None:
    (tmp_path / "emotion.json").write_bytes((exported / "emotion.json").read_bytes())
    (tmp_path / "emotion.tflite").write_bytes((exported / "emotion.tflite").read_bytes() + b"\0")
    with pytest.raises(ModelError, match="expected the model with sha256"):
        Classifier(tmp_path / "emotion.tflite")


def test_refuses_a_file_without_its_card(exported: Path, tmp_path: Path) -> None:
    (tmp_path / "emotion.tflite").write_bytes((exported / "emotion.tflite").read_bytes())
    with pytest.raises(ModelError, match="with its card beside it"):
        Classifier(tmp_path / "emotion.tflite")


def test_a_network_with_one_output_serves_it() -> None:
    serving = serving_network(document_network(), {"original": 2.0, "served": 1.0})
    faces = np.zeros((2, 48, 48, 1), np.float32)
    outputs = serving(faces)
    assert set(outputs) == {"original", "served"}
    assert np.allclose(outputs["served"], outputs["original"], atol=1e-6)


def test_temperature_calibrates_an_overconfident_model() -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 1, (20_000, 7))
    honest = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    labels = np.array([rng.choice(7, p=row) for row in honest])
    loud = sharpen(honest, 1 / 3)
    temperature = fit_temperature(loud, labels)
    assert temperature == pytest.approx(3, rel=0.05)
    assert expected_calibration_error(loud, labels) > 0.2
    assert expected_calibration_error(sharpen(loud, temperature), labels) < 0.02


def test_the_uncertain_threshold_is_where_half_are_right() -> None:
    rng = np.random.default_rng(0)
    confidence = rng.uniform(0.15, 1, 50_000)
    probabilities = np.column_stack([confidence, *[(1 - confidence) / 6] * 6])
    labels = np.where(rng.random(50_000) < confidence, 0, 1)
    assert confidence_of_even_odds(probabilities, labels) == pytest.approx(0.5, abs=0.05)


def test_calibration_fits_each_output_to_its_own_labels() -> None:
    rng = np.random.default_rng(0)
    outputs = {name: rng.dirichlet(np.ones(7), 500) for name in ("original", "people")}
    labels, majority = outputs["original"].argmax(1), outputs["people"].argmax(1)
    result = calibrate(outputs, labels, majority)
    assert isinstance(result, Calibration)
    assert set(result.temperatures) == {"original", "people", "served"}
    assert result.temperatures["original"] < 0.2, "always right: as sharp as allowed"


def test_a_directory_that_is_no_run_is_one_sentence(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "ml.export", str(tmp_path), "--out", str(tmp_path / "out")],
        capture_output=True, text=True, timeout=200,
    )  # fmt: skip
    assert done.returncode == 2
    assert "expected a run's directory with config.json" in done.stderr
    assert "Traceback" not in done.stderr
