"""Training as a user runs it: commands in processes of their own, on a data set of a few pictures."""

from __future__ import annotations

import csv
import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import keras
import numpy as np
import pytest

from ml.data import load_pictures
from ml.inference.classifier import Classifier
from ml.model import adapted_network, best_network
from ml.train import main
from ml.training.augment import Augmentation
from ml.training.fit import part_settings, train
from ml.training.presets import PRESETS
from ml.training.runs import Config, Run

FIVE_FILES = ("model_weights.h5", "EmoDetector.h5", "trainingloss.png", "trainingaccuracy.png", "confusionmatrix.png")
RECORDS = ("history.csv", "config.json", "report.json")


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "ml.train", *map(str, arguments)]


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(*arguments), capture_output=True, text=True, timeout=400)


@pytest.fixture(scope="module")
def document_run(pattern_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("document")
    done = run("--data", pattern_data, "--epochs", 2, "--out", out)
    assert done.returncode == 0, done.stderr
    return out


def test_the_document_preset_is_exactly_as_described() -> None:
    preset = PRESETS["document"]
    assert (preset.epochs, preset.batch_size, preset.learning_rate) == (50, 64, 1e-4)
    assert preset.label_smoothing == 0
    optimizer = preset.optimizer(1e-4, 10)
    assert type(optimizer).__name__ == "Adam"
    assert preset.augmentation == Augmentation(shift=0.1, flip=True)


def test_writes_every_file(document_run: Path) -> None:
    for name in (*FIVE_FILES, *RECORDS):
        assert (document_run / name).stat().st_size > 0, name
    config = json.loads((document_run / "config.json").read_text())
    assert config["settings"]["preset"] == "document", "the default"
    assert config["settings"]["seed"] == 0
    assert config["command"].startswith("python -m ml.train --data ")
    with (document_run / "history.csv").open() as file:
        assert [row["epoch"] for row in csv.DictReader(file)] == ["1", "2"]
    assert json.loads((document_run / "report.json").read_text())["n"] == 42


def test_both_weight_files_load_in_a_fresh_process_and_agree(document_run: Path) -> None:
    """Two epochs, and the best may be the first: so the whole model is compared with the state it was saved from."""
    program = f"""
import numpy as np, keras
from pathlib import Path
from ml.model import document_network
from ml.training.weights import load_checkpoint, load_weights
faces = np.random.default_rng(0).uniform(0, 255, (4, 48, 48, 1)).astype("float32")
whole = keras.models.load_model("{document_run}/EmoDetector.h5", compile=False)
best, last = document_network(), document_network()
load_weights(best, Path("{document_run}/model_weights.h5"))
last.compile("adam", loss="categorical_crossentropy")
load_checkpoint(last, Path("{document_run}/epoch-002.npz"))
untrained = document_network()(faces).numpy()
assert np.abs(best(faces).numpy() - untrained).max() > 1e-4
print(np.abs(whole(faces).numpy() - last(faces).numpy()).max())
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout.split()[-1]) < 1e-6


@pytest.mark.timeout(500)
def test_a_killed_run_goes_on_from_its_last_epoch(pattern_data: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    arguments = ("--data", pattern_data, "--epochs", 4, "--limit", 8, "--out", out)
    child = subprocess.Popen(command(*arguments), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    deadline = time.monotonic() + 120
    while not (out / "state.json").exists():
        assert time.monotonic() < deadline
        assert child.poll() is None, child.stderr and child.stderr.read()
        time.sleep(0.05)
    child.send_signal(signal.SIGKILL)
    child.communicate()
    epochs_before = len(json.loads((out / "state.json").read_text())["history"])
    assert 1 <= epochs_before < 4

    refused = run(*arguments)
    assert refused.returncode == 2
    assert "--resume" in refused.stderr

    resumed = run(*arguments, "--resume")
    assert resumed.returncode == 0, resumed.stderr
    history = json.loads((out / "state.json").read_text())["history"]
    assert [row["epoch"] for row in history] == [1, 2, 3, 4]
    assert "Epoch 1 of 4" not in resumed.stdout


@pytest.mark.timeout(500)
def test_a_network_learns_both_heads_from_labels_and_teachers(pattern_data: Path, tmp_path: Path) -> None:
    arguments = ("--data", pattern_data, "--preset", "student", "--votes", pattern_data / "votes.csv", "--epochs", 18,
                 "--batch-size", 16, "--learning-rate", 0.03, "--out", tmp_path)  # fmt: skip
    done = run(*arguments)
    assert done.returncode == 0, done.stderr
    report = json.loads((tmp_path / "report.json").read_text())
    assert set(report["outputs"]) == {"original", "people"}
    assert set(report["outputs"]["people"]) == {"folder", "people"}
    assert report["accuracy"] > 0.5, "patterns of seven classes; guessing gives 0.14"

    other = run(*arguments[:-2], "--seed", 5, "--out", tmp_path, "--resume")
    assert other.returncode == 2
    assert "expected --seed 0 as the run in" in other.stderr


@pytest.mark.timeout(500)
def test_best_trains_its_parts_first_and_takes_finished_ones_up(pattern_data: Path, tmp_path: Path) -> None:
    arguments = ("--data", pattern_data, "--preset", "best", "--votes", pattern_data / "votes.csv", "--limit", 3,
                 "--epochs", 1, "--out", tmp_path)  # fmt: skip
    done = run(*arguments)
    assert done.returncode == 0, done.stderr
    named = [line.split()[-1] for line in done.stdout.splitlines() if line.startswith("First the part")]
    assert named == ["large", "student", "small-1", "small-2"], "each is asked for by the one before it"
    for name in named:
        settings = json.loads((tmp_path / name / "config.json").read_text())["settings"]
        assert (settings["preset"], settings["epochs"]) == (name, 1)
        assert settings["learning_rate"] == PRESETS[name].learning_rate, "else one trained by itself is not taken up"
    assert set(PRESETS["best"].parts) | set(PRESETS["student"].parts) == set(named)

    (tmp_path / "large" / "report.json").unlink()
    again = run(*arguments, "--resume")
    assert again.returncode == 0, again.stderr
    assert "First the part large" in again.stdout
    assert "small" not in again.stdout
    assert "student" not in again.stdout
    assert "Epoch" not in again.stdout, "nothing was left to train"


@pytest.mark.parametrize(("whole", "part"), [(0.1, 0.2), (0.007, 0.014), (0.029, 0.058), (0.05, 0.1)])
def test_a_parts_learning_rate_is_as_one_would_give_it(whole: float, part: float) -> None:
    settings = part_settings("small-1", Config("d", "best", PRESETS["best"].epochs, 128, whole))
    assert settings.learning_rate == part, "else a part trained by itself is not taken up"
    assert settings.epochs == PRESETS["small-1"].epochs


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--data", "no-such-dir"), "expected a directory with one folder per class, received no-such-dir/train"),
        (("--data", "{data}", "--preset", "best"), "expected --votes CSV"),
        (("--data", "{data}", "--preset", "best", "--votes", "none.csv"), "expected a CSV file, received none.csv"),
        (("--data", "{data}", "--resume"), "expected a run to resume"),
        (("--data", "{data}", "--preset", "best", "--from", "shipped"), "expected --from or --preset, received both"),
        (("--data", "{data}", "--from", "shiped"), "received shiped: there is no such file"),
        (("--data", "{data}", "--preset", "bets"), "expected --preset document, best, "),
        (("--data", "{data}", "--tensorboard", "{data}/votes.csv"), "expected a folder to write to, received"),
        (("--data", "{data}", "--epochs", "0"), "expected --epochs of at least 1, received 0"),
        (("--data", "{data}", "--learning-rate", "-1"), "expected --learning-rate above 0, received -1.0"),
    ],
)
def test_bad_arguments_are_one_sentence(
    arguments: tuple[str, ...], words: str, pattern_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = [argument.format(data=pattern_data) for argument in arguments]
    assert main([*given, "--out", str(tmp_path / "out")]) == 2
    errors = capsys.readouterr().err
    assert words in errors
    assert errors.count("\n") == 1


def test_a_wrong_test_folder_is_refused_before_any_training(
    pattern_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(pattern_data, tmp_path / "data")
    shutil.rmtree(tmp_path / "data" / "test" / "sad")
    assert main(["--data", str(tmp_path / "data"), "--epochs", "1", "--out", str(tmp_path / "out")]) == 2
    printed = capsys.readouterr()
    assert f"expected a folder for every class in {tmp_path}/data/test, received none for sad" in printed.err
    assert "Epoch" not in printed.out
    assert not (tmp_path / "out").exists()


def test_a_run_is_not_resumed_with_other_settings_or_data(
    document_run: Path, pattern_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, other = tmp_path / "run", tmp_path / "other"
    shutil.copytree(document_run, out)
    shutil.copytree(pattern_data, other)
    next((other / "train" / "sad").iterdir()).rename(other / "train" / "happy" / "moved.png")
    before = (out / "config.json").read_text()
    for arguments, words in (
        (("--data", other), f"expected the pictures and votes that the run in {out} was trained on"),
        (("--data", pattern_data, "--votes", pattern_data / "votes.csv"), "expected the pictures and votes"),
        (("--data", pattern_data, "--learning-rate", 0.5), "expected --learning-rate 0.0001"),
        (("--data", pattern_data, "--precision", "bfloat16"), "expected --precision float32"),
        (("--data", pattern_data, "--epochs", 1), "expected --epochs of at least the 2"),
    ):
        assert main([*map(str, arguments), "--out", str(out), "--resume"]) == 2, arguments
        assert words in capsys.readouterr().err
    assert (out / "config.json").read_text() == before


def test_stopping_by_hand_is_one_sentence(pattern_data: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    stopping = command("--data", pattern_data, "--epochs", 500, "--limit", 8, "--out", out)
    with subprocess.Popen(stopping, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        try:
            deadline = time.monotonic() + 120
            while not (out / "state.json").exists() and time.monotonic() < deadline:
                time.sleep(0.1)
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode == 130
    assert errors.rstrip().endswith("with --resume continues after the last whole epoch")
    assert "Traceback" not in errors


@pytest.mark.timeout(500)
def test_a_resumed_run_is_bit_equal_to_an_uninterrupted_one(
    pattern_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Five epochs of five batches and more, in one go and interrupted three times."""
    config = Config(str(pattern_data), "document", 5, 10, 1e-3, limit=8)
    train(config, tmp_path / "whole")
    save_epoch = Run.save_epoch

    def save_and_interrupt(self: Run, network: keras.Model, row: dict[str, float]) -> None:
        save_epoch(self, network, row)
        if row["epoch"] in (1, 2, 4):
            raise InterruptedError

    with monkeypatch.context() as patch:
        patch.setattr(Run, "save_epoch", save_and_interrupt)
        for resume in (False, True, True):
            with pytest.raises(InterruptedError):
                train(config, tmp_path / "cut", resume)
    train(config, tmp_path / "cut", resume=True)
    whole, cut = (json.loads((tmp_path / name / "state.json").read_text())["history"] for name in ("whole", "cut"))
    assert [row | {"seconds": 0} for row in whole] == [row | {"seconds": 0} for row in cut]
    expected, received = (
        keras.models.load_model(tmp_path / name / "EmoDetector.h5", compile=False).get_weights()
        for name in ("whole", "cut")
    )
    assert all(map(np.array_equal, expected, received))


def test_a_full_disk_ends_training_with_one_sentence_and_keeps_the_last_epoch(
    pattern_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every file written after the first epoch meets the error that a full disk gives."""
    whole, fsync = tmp_path / "run" / "state.json", os.fsync

    def full(descriptor: int) -> None:
        if whole.exists():
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        fsync(descriptor)

    config = Config(str(pattern_data), "document", 3, 20, 1e-3, limit=4)
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space left"):
            train(config, tmp_path / "run")
    names = {path.name for path in (tmp_path / "run").iterdir()}
    assert not [name for name in names if name.startswith(".")], "no drafts are left"
    assert len(json.loads(whole.read_text())["history"]) == 1
    assert {"epoch-001.npz", "model_weights.h5"} <= names
    train(config, tmp_path / "run", resume=True)
    assert [row["epoch"] for row in json.loads(whole.read_text())["history"]] == [1, 2, 3]


def test_curves_and_confusion_matrix_are_drawn_after_every_epoch_and_logs_written(
    pattern_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[set[str]] = []
    save_epoch = Run.save_epoch

    def look_and_save(self: Run, network: keras.Model, row: dict[str, float]) -> None:
        seen.append({path.name for path in self.directory.iterdir()})
        save_epoch(self, network, row)

    monkeypatch.setattr(Run, "save_epoch", look_and_save)
    config = Config(str(pattern_data), "document", 2, 20, 1e-3, limit=4)
    train(config, tmp_path / "run", tensorboard=tmp_path / "logs")
    assert {"trainingloss.png", "trainingaccuracy.png", "confusionmatrix.png"} <= seen[1]
    assert not {"trainingloss.png", "confusionmatrix.png"} & seen[0]
    logs = b"".join(path.read_bytes() for path in (tmp_path / "logs").rglob("events*"))
    assert b"epoch_loss" in logs
    assert b"epoch_accuracy" in logs
    assert (tmp_path / "logs" / "validation").is_dir()


def test_the_notebook_of_the_documents_reproduces_the_report(
    document_run: Path, pattern_data: Path, root: Path, tmp_path: Path
) -> None:
    page = (root / "docs" / "notebook.md").read_text("utf-8")
    program = page.partition("```python\n")[2].partition("```")[0]
    assert '"runs/document", "DATA"' in program
    program = program.replace('"runs/document", "DATA"', f'"{document_run}", "{pattern_data}"')
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr
    measured, _, reported = done.stdout.splitlines()[-1].partition(", report.json says ")
    assert measured == reported


@pytest.mark.timeout(500)
def test_adapts_a_trained_network_to_other_classes_and_exports_it(
    document_run: Path, pattern_data: Path, tmp_path: Path
) -> None:
    data = tmp_path / "mine"
    for folder, source in (("awake", "happy"), ("asleep", "sad"), ("yawning", "angry")):
        shutil.copytree(pattern_data / "train" / source, data / "train" / folder)
    out = tmp_path / "run"
    done = run("--data", data, "--from", document_run / "EmoDetector.h5", "--epochs", 8, "--batch-size", 8,
               "--learning-rate", 0.05, "--out", out)  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads((out / "report.json").read_text())["labels"] == ["asleep", "awake", "yawning"]

    exporting = [sys.executable, "-m", "ml.export", str(out), "--out", str(tmp_path / "exported")]
    exported = subprocess.run(exporting, capture_output=True, text=True, timeout=400)
    assert exported.returncode == 0, exported.stderr
    classifier = Classifier(tmp_path / "exported" / "emotion.tflite")
    assert classifier.classes == ("asleep", "awake", "yawning")
    probabilities = classifier.predict(load_pictures(data, "train", classifier.classes).images)
    assert probabilities.shape == (60, 3)
    assert classifier.card.training["preset"] == "adapt"


def test_the_new_layer_of_the_same_classes_starts_from_the_old_heads() -> None:
    base = best_network()
    faces = np.random.default_rng(0).uniform(0, 255, (4, 48, 48, 1)).astype(np.float32)
    adapted = adapted_network(base, 7)
    expected = np.mean([np.log(rows.numpy()) for rows in base(faces).values()], axis=0)
    received = np.log(adapted(faces).numpy())
    assert np.allclose(
        expected - expected.mean(1, keepdims=True), received - received.mean(1, keepdims=True), atol=1e-4
    )
    assert adapted_network(base, 3)(faces).shape == (4, 3)
