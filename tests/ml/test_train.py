"""Training as a user runs it, on a data set of a few pictures: the preset `document` in a process of its own; all else
with small networks, in this process except where one is killed."""

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

from ml.model import adapted_network, document_network
from ml.train import advice, main
from ml.training.augment import Augmentation
from ml.training.fit import load_data, part_settings, train
from ml.training.presets import PRESETS
from ml.training.runs import Config, Run
from ml.training.weights import load_checkpoint, load_weights
from tests.support import small_networks

FIVE_FILES = ("model_weights.h5", "EmoDetector.h5", "trainingloss.png", "trainingaccuracy.png", "confusionmatrix.png")
RECORDS = ("history.csv", "config.json", "report.json")


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every preset trains a small network and draws nothing."""
    small_networks.install(monkeypatch)


def start_small(*arguments: object) -> subprocess.Popen[str]:
    """Training of a small network in a process of its own."""
    command = [sys.executable, "-m", "tests.support.small_networks", *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def wait_for_an_epoch(child: subprocess.Popen[str], out: Path) -> None:
    deadline = time.monotonic() + 120
    while not (out / "state.json").exists():
        assert time.monotonic() < deadline
        assert child.poll() is None, child.stderr and child.stderr.read()
        time.sleep(0.05)


def history(out: Path) -> list[dict[str, float]]:
    return json.loads((out / "state.json").read_text())["history"]


@pytest.fixture(scope="module")
def document_run(pattern_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Trained without LiteRT, which is for serving."""
    out, without = tmp_path_factory.mktemp("document"), tmp_path_factory.mktemp("without")
    (without / "ai_edge_litert.py").write_text("raise ModuleNotFoundError('none', name='ai_edge_litert')")
    command = [sys.executable, "-m", "ml.train", "--data", str(pattern_data), "--epochs", "2", "--out", str(out)]
    environment = os.environ | {"PYTHONPATH": str(without)}
    done = subprocess.run(command, capture_output=True, text=True, timeout=280, env=environment)
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


def test_both_weight_files_load_and_agree(document_run: Path) -> None:
    """Two epochs, and the best may be the first: so the whole model is compared with the state it was saved from."""
    faces = np.random.default_rng(0).uniform(0, 255, (4, 48, 48, 1)).astype(np.float32)
    whole = keras.models.load_model(document_run / "EmoDetector.h5", compile=False)
    best, last = document_network(), document_network()
    untrained = best(faces).numpy()
    load_weights(best, document_run / "model_weights.h5")
    last.compile("adam", loss="categorical_crossentropy")
    load_checkpoint(last, document_run / "epoch-002.npz")
    assert np.abs(best(faces).numpy() - untrained).max() > 1e-4
    assert np.abs(whole(faces).numpy() - last(faces).numpy()).max() < 1e-6


@pytest.mark.usefixtures("small")
def test_a_killed_run_continues_from_its_last_epoch(
    pattern_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    arguments = ["--data", str(pattern_data), "--epochs", "500", "--limit", "4", "--out", str(out)]
    child = start_small(*arguments)
    wait_for_an_epoch(child, out)
    child.send_signal(signal.SIGKILL)
    child.communicate()
    before = len(history(out))
    assert 1 <= before < 500

    assert main(arguments) == 2
    assert "--resume" in capsys.readouterr().err

    assert main([*arguments, "--epochs", str(before + 2), "--resume"]) == 0
    assert [row["epoch"] for row in history(out)] == list(range(1, before + 3))
    assert f"Epoch {before} of" not in capsys.readouterr().out


def test_a_network_learns_both_heads_from_labels_and_teachers(
    pattern_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    small_networks.install(monkeypatch, blocks=small_networks.TWO_BLOCKS)
    arguments = ["--data", str(pattern_data), "--preset", "student", "--votes", str(pattern_data / "votes.csv"),
                 "--epochs", "12", "--batch-size", "16", "--learning-rate", "0.1", "--out", str(tmp_path)]  # fmt: skip
    assert main(arguments) == 0
    report = json.loads((tmp_path / "report.json").read_text())
    assert set(report["outputs"]) == {"original", "people"}
    assert set(report["outputs"]["people"]) == {"folder", "people"}
    assert report["accuracy"] > 0.5, "patterns of seven classes; guessing gives 0.14"

    assert main([*arguments, "--seed", "5", "--resume"]) == 2
    assert "expected --seed 0 as the run in" in capsys.readouterr().err


@pytest.mark.usefixtures("small")
def test_best_trains_its_parts_first_and_reuses_finished_ones(
    pattern_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--data", str(pattern_data), "--preset", "best", "--votes", str(pattern_data / "votes.csv"),
                 "--limit", "3", "--epochs", "1", "--out", str(tmp_path)]  # fmt: skip
    assert main(arguments) == 0
    lines = capsys.readouterr().out.splitlines()
    named = [line.split()[-1] for line in lines if line.startswith("First the part")]
    assert named == ["large", "student", "small-1", "small-2"], "each is asked for by the one before it"
    for name in named:
        settings = json.loads((tmp_path / name / "config.json").read_text())["settings"]
        assert (settings["preset"], settings["epochs"]) == (name, 1)
        assert settings["learning_rate"] == PRESETS[name].learning_rate, "else one trained by itself is not taken up"
    assert set(PRESETS["best"].parts) | set(PRESETS["student"].parts) == set(named)

    (tmp_path / "large" / "report.json").unlink()
    state = tmp_path / "student" / "state.json"
    epochs = 2 * json.loads(state.read_text())["history"]
    state.write_text(json.dumps({"history": epochs}))  # finished, with more epochs
    assert main([*arguments, "--resume"]) == 0
    again = capsys.readouterr().out
    assert "First the part large" in again
    assert "small" not in again
    assert "student" not in again
    assert "Epoch" not in again, "nothing was left to train"


@pytest.mark.parametrize(("whole", "part"), [(0.1, 0.2), (0.007, 0.014), (0.029, 0.058), (0.05, 0.1)])
def test_the_learning_rate_of_a_part_equals_the_one_given_by_hand(whole: float, part: float) -> None:
    settings = part_settings("small-1", Config("d", "best", PRESETS["best"].epochs, 128, whole))
    assert settings.learning_rate == part, "else a part trained by itself is not taken up"
    assert settings.epochs == PRESETS["small-1"].epochs


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--data", "no-such-dir"), "expected --data with a file or folder that exists, received no-such-dir"),
        (("--data", "no-such-dir", "--resume"), "expected --data with a file or folder that exists"),
        (("--data", "{data}/train"), "expected a data set, a folder with train/CLASS/, received {data}/train without"),
        (("--data", "{data}", "--preset", "best"), "expected --votes CSV"),
        (("--data", "{data}", "--preset", "best", "--votes", "none.csv"), "that exists, received none.csv"),
        (("--data", "{data}", "--preset", "best", "--votes", "{data}"), "expected a CSV file, received {data}"),
        (("--data", "{data}", "--resume"), "expected a run to resume"),
        (("--data", "{data}", "--preset", "best", "--from", "shipped"), "expected --from or --preset, received both"),
        (("--data", "{data}", "--from", "shiped"), "received shiped: there is no such file"),
        (("--data", "{data}", "--from", "x" * 300), "x: there is no such file"),
        (("--data", "{data}", "--preset", "bets"), "expected --preset document, best, "),
        (("--data", "{data}", "--tensorboard", "{data}/votes.csv"), "expected a folder to write to, received"),
        (("--data", "{data}", "--epochs", "0"), "expected --epochs of at least 1, received 0"),
        (("--data", "{data}", "--learning-rate", "-1"), "expected --learning-rate above 0, received -1.0"),
    ],
)
def test_bad_arguments_are_refused_in_one_sentence(
    arguments: tuple[str, ...], words: str, pattern_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = [argument.format(data=pattern_data) for argument in arguments]
    assert main([*given, "--out", str(tmp_path / "out")]) == 2
    errors = capsys.readouterr().err
    assert words.format(data=pattern_data) in errors
    assert errors.count("\n") == 1


def test_a_directory_or_network_that_cannot_be_used_is_refused_before_the_data_is_read(
    document_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken, empty = tmp_path / "broken.h5", tmp_path / "empty"
    empty.mkdir()

    def foreign(name: str, *layers: keras.layers.Layer, side: int = 48) -> Path:
        keras.Sequential([keras.Input((side, side, 1)), *layers]).save(tmp_path / f"{name}.keras")
        return tmp_path / f"{name}.keras"

    unnamed = foreign("unnamed", keras.layers.Flatten(), keras.layers.Dense(2))
    no_head = foreign("no-head", keras.layers.Flatten(name="original"), keras.layers.Dense(2))
    not_flat = foreign("not-flat", keras.layers.Dense(2, name="original"))
    large = foreign("large", keras.layers.Flatten(), keras.layers.Dense(2, name="original"), side=50)
    broken.write_bytes(b"no network")
    base = "expected --from with a model that this program trained, received"
    for arguments, words in (
        (("--resume", "--out", tmp_path), "which has no state.json; without --resume a new one begins"),
        (("--out", document_run), "expected an empty directory for --out, or --resume"),
        (("--resume", "--out", document_run, "--learning-rate", 0.5), "expected --learning-rate 0.0001"),
        (("--resume", "--out", document_run, "--epochs", 1), "expected --epochs of at least the 2"),
        (("--from", unnamed, "--out", tmp_path / "out"), f"{base} {unnamed}: its last layer is not named original"),
        (("--from", no_head, "--out", tmp_path / "out"), f"{base} {no_head}: its layer original is not a dense layer"),
        (("--from", not_flat, "--out", tmp_path / "out"), f"{base} {not_flat}: its layer original is not a dense"),
        (("--from", large, "--out", tmp_path / "out"), f"{base} {large}: it reads (None, 50, 50, 1) and not"),
        (("--from", broken, "--out", tmp_path / "out"), f"{base} {broken}"),
    ):
        assert main(["--data", str(empty), *map(str, arguments)]) == 2, arguments
        printed = capsys.readouterr()
        assert words in printed.err
        assert printed.err.count("\n") == 1
        assert printed.out == ""


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


def test_an_interrupt_prints_one_sentence(pattern_data: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    child = start_small("--data", pattern_data, "--epochs", 500, "--limit", 4, "--out", out)
    try:
        wait_for_an_epoch(child, out)
        child.send_signal(signal.SIGINT)
        _, errors = child.communicate(timeout=60)
    finally:
        child.kill()
    assert child.returncode == 130
    assert errors.rstrip().endswith("with --resume continues after the last whole epoch")
    assert "Traceback" not in errors


def test_before_the_first_whole_epoch_the_advice_is_the_same_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for options, folder in (
        (["--out", str(tmp_path / "named")], "named"),
        ([], "runs/document"),
        (["--preset", "best"], "runs/best"),
        (["--from", "shipped", "--resume"], "runs/adapt"),
    ):
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, "argv", ["ml.train", "--data", "DATA", *options])
        out = tmp_path / folder
        out.mkdir(parents=True)
        (out / "config.json").touch()
        assert advice() == "run the same command again"
        (out / "state.json").touch()
        assert advice().startswith("the same command with --resume continues")


@pytest.mark.parametrize("resume", [False, True])
def test_a_run_that_was_interrupted_in_its_first_epoch_begins_again(
    resume: bool, pattern_data: Path, tmp_path: Path
) -> None:
    """Its directory holds `config.json` alone; the same command is accepted there with and without `--resume`."""
    config = Config(str(pattern_data), "document", 1, 20, 1e-3, limit=4)
    data = load_data(config)
    Run(tmp_path, config, data, resume=False)
    assert [path.name for path in tmp_path.iterdir()] == ["config.json"]
    assert Run(tmp_path, config, data, resume).history == []


@pytest.mark.usefixtures("small")
def test_a_resumed_run_is_bit_equal_to_an_uninterrupted_one(
    pattern_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Five epochs of five batches and more, in one go and interrupted twice."""
    config = Config(str(pattern_data), "document", 5, 10, 1e-3, limit=8)
    train(config, tmp_path / "whole")
    save_epoch = Run.save_epoch

    def save_and_interrupt(self: Run, network: keras.Model, row: dict[str, float]) -> None:
        save_epoch(self, network, row)
        if row["epoch"] in (1, 3):
            raise InterruptedError

    with monkeypatch.context() as patch:
        patch.setattr(Run, "save_epoch", save_and_interrupt)
        for resume in (False, True):
            with pytest.raises(InterruptedError):
                train(config, tmp_path / "cut", resume)
    train(config, tmp_path / "cut", resume=True)
    whole, cut = (history(tmp_path / name) for name in ("whole", "cut"))
    assert [row | {"seconds": 0} for row in whole] == [row | {"seconds": 0} for row in cut]
    expected, received = (
        keras.models.load_model(tmp_path / name / "EmoDetector.h5", compile=False).get_weights()
        for name in ("whole", "cut")
    )
    assert all(map(np.array_equal, expected, received))


@pytest.mark.usefixtures("small")
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
    assert len(history(tmp_path / "run")) == 1
    assert {"epoch-001.npz", "model_weights.h5"} <= names
    train(config, tmp_path / "run", resume=True)
    assert [row["epoch"] for row in history(tmp_path / "run")] == [1, 2, 3]


def test_curves_and_confusion_matrix_are_drawn_after_every_epoch_and_logs_written(
    pattern_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[set[str]] = []
    save_epoch = Run.save_epoch

    def look_and_save(self: Run, network: keras.Model, row: dict[str, float]) -> None:
        seen.append({path.name for path in self.directory.iterdir()})
        save_epoch(self, network, row)

    small_networks.install(monkeypatch, drawn=True)
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


def test_the_preset_document_trains_on_other_and_fewer_classes(
    pattern_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, out = tmp_path / "mine", tmp_path / "run"
    for folder, source in (("yawning", "angry"), ("Gähnt", "happy"), ("asleep", "sad")):
        shutil.copytree(pattern_data / "train" / source, data / "train" / folder)
        shutil.copytree(pattern_data / "test" / source, data / "test" / folder)
    small_networks.install(monkeypatch, drawn=True)
    assert main(["--data", str(data), "--preset", "document", "--epochs", "1", "--out", str(out)]) == 0
    for name in FIVE_FILES:
        assert (out / name).stat().st_size > 0, name
    report = json.loads((out / "report.json").read_text())
    assert report["labels"] == ["asleep", "gähnt", "yawning"]
    assert keras.models.load_model(out / "EmoDetector.h5", compile=False).output.shape[-1] == 3


def test_the_new_layer_of_the_same_classes_starts_from_the_old_heads() -> None:
    base = small_networks.small_residual()
    faces = np.random.default_rng(0).uniform(0, 255, (4, 48, 48, 1)).astype(np.float32)
    adapted = adapted_network(base, 7)
    expected = np.mean([np.log(rows.numpy()) for rows in base(faces).values()], axis=0)
    received = np.log(adapted(faces).numpy())
    assert np.allclose(
        expected - expected.mean(1, keepdims=True), received - received.mean(1, keepdims=True), atol=1e-4
    )
    assert adapted_network(base, 3)(faces).shape == (4, 3)
