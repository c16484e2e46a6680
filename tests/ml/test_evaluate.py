"""Evaluation as a user runs it, on the shipped model and on files that are no models."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from ml.data import DataError, load_pictures
from ml.evaluate import evaluate as evaluate_split
from ml.evaluation.outputs import load_predict
from ml.evaluation.scoring import score
from ml.inference.analyzer import crop_window
from ml.inference.classifier import SHIPPED_MODEL, Classifier
from ml.inference.contract import ModelError
from ml.inference.geometry import Window
from ml.inference.preprocess import decode_image, to_batch
from ml.model import document_network

PEER_ACCURACY = 0.652
"""What the common peer reaches on the same pictures."""


def evaluate(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "ml.evaluate", *map(str, arguments)], capture_output=True, text=True, timeout=400
    )


def test_writes_report_and_pictures_and_prints_a_table(pattern_data: Path, tmp_path: Path) -> None:
    done = evaluate(
        "--data", pattern_data, "--votes", pattern_data / "votes.csv", "--robustness", "--views", "--out", tmp_path
    )
    assert done.returncode == 0, done.stderr
    report = json.loads((tmp_path / "report.json").read_text())
    needed = {"n", "accuracy", "accuracy_ci95", "macro_f1", "ece", "per_class", "confusion_matrix", "labels", "outputs"}
    assert needed <= report.keys()
    assert report["served"] == "served"
    assert report["accuracy"] == report["outputs"]["original"]["folder"]["accuracy"]
    assert set(report["robustness"]) >= {"as they are", "JPEG quality 40"}
    one_view = report["views"]["one view, as in live pictures"]
    assert one_view["served"]["people"]["accuracy"] == report["outputs"]["served"]["people"]["accuracy"]
    for name in ("confusionmatrix.png", "confusionmatrix_people.png", "reliability.png", "mistakes.png"):
        assert (tmp_path / name).read_bytes()[:4] == b"\x89PNG"
    assert "served    people" in done.stdout


def test_the_shipped_model_beats_the_common_peer(test_data: Path) -> None:
    pictures = load_pictures(test_data / "fer2013", "test")
    predict, _ = load_predict(SHIPPED_MODEL)
    report = score(predict(pictures.images), pictures)
    assert report["accuracy"] > PEER_ACCURACY
    assert report["ece"] <= 0.03
    recorded = json.loads(SHIPPED_MODEL.with_suffix(".json").read_text())["metrics"]
    assert report["accuracy"] == pytest.approx(recorded["accuracy"], abs=0.002), "the card tells the truth"


def test_training_and_serving_see_the_same_pixels(test_data: Path) -> None:
    """A data set's picture read for training, and the same bytes decoded and cropped by the server's functions."""
    folder = test_data / "fer2013"
    pictures = load_pictures(folder, "test", limit=5)
    whole = Window(24, 24, 48)
    for name, image in zip(pictures.files, pictures.images, strict=True):
        decoded = decode_image((folder / name).read_bytes())
        assert np.array_equal(to_batch([image]), to_batch([crop_window(decoded, whole)]))


def test_a_keras_file_is_scored_too(pattern_data: Path, tmp_path: Path) -> None:
    path = tmp_path / "model.keras"
    network = document_network()
    network.save(path)
    predict, classes = load_predict(path)
    images = load_pictures(pattern_data, "test").images
    assert classes[0] == "angry"
    expected = network.predict(images[..., None].astype(np.float32), verbose=0)
    assert np.allclose(predict(images)["original"], expected, atol=1e-5)


@pytest.mark.parametrize("name", ["missing.h5", "missing.tflite", "missing.keras"])
def test_a_missing_model_is_one_sentence(name: str, pattern_data: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="expected a"):
        load_predict(tmp_path / name)


def test_weights_alone_are_no_model(tmp_path: Path) -> None:
    network = document_network()
    network.save_weights(tmp_path / "x.weights.h5")
    with pytest.raises(ModelError, match="expected a whole model"):
        load_predict(tmp_path / "x.weights.h5")


@pytest.mark.parametrize(
    ("folders", "way_out"),
    [
        (
            ["train/sad"],
            "there is no such folder; --split train scores every picture in it, also those that a run was ",
        ),
        (["train/sad", "val/sad", "contact"], "there is no such folder; choose --split val"),
        (["contact"], "there is no such folder"),
    ],
)
def test_a_missing_split_is_answered_with_what_can_be_scored(folders: list[str], way_out: str, tmp_path: Path) -> None:
    for folder in folders:
        (tmp_path / folder).mkdir(parents=True)
    with pytest.raises(DataError) as caught:
        evaluate_split(tmp_path, "test", SHIPPED_MODEL, tmp_path / "out")
    sentence = str(caught.value)
    assert f"received {tmp_path}/test, and {way_out}" in sentence
    assert sentence.endswith((way_out, "held out"))
    assert "contact" not in sentence.replace(str(tmp_path), "")


def test_a_bad_data_directory_is_one_sentence(tmp_path: Path) -> None:
    done = evaluate("--data", tmp_path, "--out", tmp_path / "out")
    assert done.returncode == 2
    assert "expected a directory with one folder per class" in done.stderr


def test_shipped_card_names_the_seven_emotions() -> None:
    assert Classifier().classes == ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
