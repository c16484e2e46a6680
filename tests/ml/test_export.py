"""From a trained run to the files that serve, and what stops a bad one."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import keras
import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter

from ml.calibration import Calibration
from ml.data import load_pictures
from ml.evaluation.agreement import EXACT, QUANTIZED, check_agreement
from ml.evaluation.outputs import keras_outputs
from ml.export import NEVER_SURE, load_run
from ml.export import main as export
from ml.inference.classifier import Classifier
from ml.inference.contract import ModelError
from ml.model import best_network
from ml.parity import main as parity
from ml.serving_network import serving_network
from ml.train import main as train
from ml.training.runs import WHOLE_MODEL
from ml.training.weights import save_whole
from tests.support import small_networks


@pytest.fixture(scope="module")
def run_dir(pattern_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("best")
    votes = str(pattern_data / "votes.csv")
    arguments = ["--data", str(pattern_data), "--preset", "small-1", "--votes", votes, "--epochs", "6"]
    with pytest.MonkeyPatch.context() as patch:
        small_networks.draw_nothing(patch)
        assert train([*arguments, "--batch-size", "16", "--learning-rate", "0.03", "--out", str(out)]) == 0
    return out


@pytest.fixture(scope="module")
def exported(run_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("exported")
    assert export([str(run_dir), "--out", str(out)]) == 0
    return out


@pytest.fixture(scope="module")
def exported_float(run_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("exported-float")
    assert export([str(run_dir), "--out", str(out), "--float"]) == 0
    return out


def test_card_says_what_serving_needs(exported: Path) -> None:
    card = json.loads((exported / "emotion.json").read_text())
    assert card["labels"] == ["angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"]
    assert card["input"] == {"shape": [48, 48, 1], "type": "float32", "range": [0, 255], "color": "grey"}
    assert card["outputs"] == ["original", "people", "served"]
    assert 0 <= card["uncertain_below"] <= 1
    assert card["quantization"]["bits"] == 8
    assert card["quantization"]["float_parity"]["same_answer"] == 1
    assert card["quantization"]["float_parity"]["max_difference"] <= 1e-3
    assert card["parity"]["same_answer"] >= QUANTIZED.same_answer
    assert card["metrics"]["n"] == 42


def test_the_trunk_calculates_in_integers(exported: Path, exported_float: Path) -> None:
    sizes = [(folder / "emotion.tflite").stat().st_size for folder in (exported, exported_float)]
    assert sizes[0] < 0.3 * sizes[1]
    types = {}
    for folder in (exported, exported_float):
        interpreter = Interpreter(str(folder / "emotion.tflite"))
        interpreter.allocate_tensors()
        types[folder] = {
            detail["dtype"] for detail in interpreter.get_tensor_details() if "conv2d" in detail["name"].lower()
        }
    assert types[exported] == {np.int8, np.int32}
    assert types[exported_float] == {np.float32}
    assert json.loads((exported_float / "emotion.json").read_text())["parity"]["max_difference"] <= 1e-3


def test_an_export_is_converted_again_to_the_same_file(exported: Path, pattern_data: Path, tmp_path: Path) -> None:
    data, votes = str(pattern_data), str(pattern_data / "votes.csv")
    assert export([str(exported), "--data", data, "--votes", votes, "--out", str(tmp_path)]) == 0
    before, after = (json.loads((folder / "emotion.json").read_text()) for folder in (exported, tmp_path))
    assert after["calibration"]["offset"] == pytest.approx(before["calibration"]["offset"])
    for card in (before, after):
        del card["training"]["export_commit"]
    assert after["training"] == before["training"]
    images = load_pictures(pattern_data, "test").images
    first, second = (Classifier(folder / "emotion.tflite").predict(images) for folder in (exported, tmp_path))
    assert np.abs(first - second).max() < 1e-6


def test_an_export_is_not_converted_with_other_data(
    exported: Path, pattern_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert export([str(exported), "--out", str(tmp_path / "out")]) == 2
    assert "expected --data DIR with" in capsys.readouterr().err
    assert export([str(exported), "--data", str(pattern_data), "--out", str(tmp_path / "out")]) == 2
    assert "expected the pictures and votes that the network was trained on" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_serving_code_answers_as_keras_does(exported_float: Path, run_dir: Path, pattern_data: Path) -> None:
    images = load_pictures(pattern_data, "test").images
    network = load_run(run_dir)[0]
    assert set(network.output) == {"original", "people"}
    classifier = Classifier(exported_float / "emotion.tflite")
    expected = keras_outputs(serving_network(network, Calibration.from_card(classifier.card)), images)
    received = classifier.predict_outputs(images)
    assert set(received) == {"served", "original", "people"}
    for name, rows in received.items():
        assert rows.sum(axis=1) == pytest.approx(1, abs=1e-5)
        assert np.abs(rows - expected[name]).max() < 1e-4
    assert np.abs(received["original"] - keras_outputs(network, images)["original"]).max() > 1e-3, "it is calibrated"


@pytest.mark.parametrize("changed", ["a picture", "a vote"])
def test_refuses_data_that_the_run_was_not_trained_on(
    changed: str, run_dir: Path, pattern_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, run = tmp_path / "data", tmp_path / "run"
    shutil.copytree(pattern_data, data)
    shutil.copytree(run_dir, run)
    config = run / "config.json"
    config.write_text(config.read_text().replace(str(pattern_data), str(data)))
    if changed == "a picture":
        shutil.copy(data / "train/sad/01.png", data / "train/happy/01.png")
    else:
        votes = (data / "votes.csv").read_text()
        (data / "votes.csv").write_text(votes.replace("train/sad/03.png,0,0,0,0,9", "train/sad/03.png,0,0,0,9,0"))
    assert export([str(run), "--out", str(tmp_path / "out")]) == 2
    assert f"expected the pictures and votes that the run in {run} was trained on" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_batch_size_does_not_change_answers(exported: Path, pattern_data: Path) -> None:
    images = load_pictures(pattern_data, "test").images
    classifier = Classifier(exported / "emotion.tflite")
    together = classifier.predict(images)
    alone = np.concatenate([classifier.predict(images[i : i + 1]) for i in range(len(images))])
    assert np.abs(together - alone).max() < 1e-5
    assert classifier.predict(images[:0]).shape == (0, 7)


def test_refuses_a_model_that_answers_differently(exported: Path) -> None:
    other = serving_network(best_network(), Calibration({"original": 1.0, "people": 1.0, "served": 1.0}))
    images = np.random.default_rng(0).integers(0, 256, (20, 48, 48), dtype=np.uint8)
    for bounds in (EXACT, QUANTIZED):
        with pytest.raises(ModelError, match="expected the same answers from Keras and LiteRT"):
            check_agreement(Classifier(exported / "emotion.tflite"), other, images, bounds)


def test_refuses_a_changed_file(exported: Path, tmp_path: Path) -> None:
    (tmp_path / "emotion.json").write_bytes((exported / "emotion.json").read_bytes())
    (tmp_path / "emotion.tflite").write_bytes((exported / "emotion.tflite").read_bytes() + b"\0")
    with pytest.raises(ModelError, match="expected the model with sha256"):
        Classifier(tmp_path / "emotion.tflite")


def test_refuses_a_file_without_its_card(exported: Path, tmp_path: Path) -> None:
    (tmp_path / "emotion.tflite").write_bytes((exported / "emotion.tflite").read_bytes())
    with pytest.raises(ModelError, match=r"its card .* there is no .*emotion.json"):
        Classifier(tmp_path / "emotion.tflite")


@pytest.mark.parametrize(("surer_than", "is_said"), [(NEVER_SURE - 0.001, False), (NEVER_SURE, True)])
def test_a_model_that_will_never_be_sure_is_said(
    exported: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    surer_than: float,
    is_said: bool,
) -> None:
    card = json.loads((exported / "emotion.json").read_text()) | {"uncertain_below": surer_than}
    monkeypatch.setattr("ml.export.export", lambda *_: card)
    assert export([str(exported), "--out", str(tmp_path)]) == 0
    assert ("every answer will be marked uncertain: no confidence" in capsys.readouterr().out) == is_said


def test_a_directory_that_is_no_run_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert export([str(tmp_path), "--out", str(tmp_path / "out")]) == 2
    error = capsys.readouterr().err
    assert "expected a run's directory with config.json" in error
    assert error.count("\n") == 1


def test_parity_compares_an_export_with_its_network(
    exported: Path, pattern_data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert parity(["--data", str(pattern_data), "--model", str(exported / "emotion.tflite")]) == 0
    said = capsys.readouterr().out
    assert f"Keras on {keras.backend.backend()} give the same answer on" in said
    assert "% of 42 pictures" in said


def test_parity_refuses_the_network_of_another_export(
    exported: Path, pattern_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("emotion.tflite", "emotion.json"):
        shutil.copy(exported / name, tmp_path)
    save_whole(best_network(), tmp_path / WHOLE_MODEL)
    assert parity(["--data", str(pattern_data), "--model", str(tmp_path / "emotion.tflite")]) == 2
    said = capsys.readouterr().err
    assert "ml.parity: expected the same answers from Keras and LiteRT on 42 pictures" in said
    assert said.endswith("train it longer, or export it with --float\n"), "the exported file is one of 8 bits"


@pytest.mark.parametrize(
    ("missing", "sentence"),
    [("emotion.tflite", "expected a model"), (WHOLE_MODEL, WHOLE_MODEL), ("data", "expected a directory with one")],
)
def test_parity_says_in_one_sentence_what_is_missing(
    missing: str, sentence: str, exported: Path, pattern_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in {"emotion.tflite", "emotion.json", WHOLE_MODEL} - {missing}:
        shutil.copy(exported / name, tmp_path)
    data = tmp_path / "data" if missing == "data" else pattern_data
    assert parity(["--data", str(data), "--model", str(tmp_path / "emotion.tflite")]) == 2
    said = capsys.readouterr().err
    assert said.startswith("ml.parity: ")
    assert sentence in said
    assert len(said.splitlines()) == 1
