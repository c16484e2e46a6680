"""docs/own-data.md from beginning to end: its commands are run on variants of the shipped photographs."""

from __future__ import annotations

import csv
import importlib
import json
import re
import shlex
from pathlib import Path

import cv2
import numpy as np
import pytest
import requests

from ml.inference.classifier import Classifier
from tests.support.serving import Server

CLASSES = ("awake", "tired")


def page_commands(page: str) -> list[str]:
    """The command lines of the shell blocks of a page, in their order."""
    blocks = re.findall(r"^ *```sh\n(.*?)^ *```", page, re.MULTILINE | re.DOTALL)
    return [line.strip() for block in blocks for line in block.splitlines() if line.strip()]


def take_photographs(folder: Path, root: Path) -> None:
    """Scenes with one face: `awake` brighter and `tired` darker; one photograph without a face."""
    portrait = cv2.imread(str(root / "static/examples/portrait.jpg"))
    for label, gain in (("awake", 1.1), ("tired", 0.5)):
        (folder / label).mkdir(parents=True)
        for index in range(6):
            scene = cv2.convertScaleAbs(portrait, alpha=gain, beta=4 * index)
            cv2.imwrite(str(folder / label / f"{index}.jpg"), scene[:, ::-1] if index % 2 else scene)
    cv2.imwrite(str(folder / "tired" / "wall.jpg"), np.full((400, 600, 3), 90, np.uint8))


def run_page_command(line: str, *more: str) -> int:
    """`python -m MODULE ARGUMENTS…` in this process; returns the exit code."""
    python, option, module, *arguments = shlex.split(line)
    assert (python, option) == ("python", "-m")
    name = f"{module}.__main__" if module == "ml.data" else module
    return importlib.import_module(name).main([*arguments, *more])


@pytest.mark.timeout(600)
def test_the_page_leads_from_photographs_to_a_served_model(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    crop, audit, train, export, serve, evaluate = page_commands((root / "docs" / "own-data.md").read_text("utf-8"))
    monkeypatch.chdir(tmp_path)
    take_photographs(tmp_path / "photos", root)

    assert run_page_command(crop) == 0
    assert "without a face: 1 of 13" in capsys.readouterr().out
    with (tmp_path / "mydata" / "crops.csv").open() as file:
        assert [row["photo"] for row in csv.DictReader(file) if not row["file"]] == ["tired/wall.jpg"]
    sheets = sorted(path.name for path in (tmp_path / "mydata" / "contact").iterdir())
    assert sheets == ["awake-1.png", "tired-1.png"]
    wrong = tmp_path / "mydata" / "train" / "awake" / "5.jpg.png"
    wrong.unlink()  # as if it had shown something else

    assert run_page_command(audit) == 0
    assert "problems that stop training: 0" in capsys.readouterr().out
    assert run_page_command(train, "--epochs", "1", "--batch-size", "4") == 0
    for name in ("report.json", "confusionmatrix.png"):
        assert (tmp_path / "runs" / "mine" / name).is_file()
    report = json.loads((tmp_path / "runs" / "mine" / "report.json").read_text())
    assert (report["labels"], report["split"]) == ([*CLASSES], "validation")

    assert run_page_command(export) == 0
    (tmp_path / "mydata").rename("newdata")
    capsys.readouterr()
    assert run_page_command(evaluate) == 0
    assert "Results in runs/evaluation" in capsys.readouterr().out
    scored = json.loads((tmp_path / "runs" / "evaluation" / "report.json").read_text())
    assert (scored["n"], scored["model"]) == (11, "emotion.tflite")
    setting, make, target = shlex.split(serve)
    assert (make, target) == ("make", "run")
    variable, _, model = setting.partition("=")
    assert variable == "EMOTION_MODEL"
    classifier = Classifier(tmp_path / model)
    assert classifier.classes == CLASSES
    assert classifier.card.training["preset"] == "adapt"
    with Server(EMOTION_MODEL=str(tmp_path / model)) as server:
        server.wait_until_ready()
        photo = (tmp_path / "photos" / "awake" / "0.jpg").read_bytes()
        answer = requests.post(f"{server.url}/api/analyze", data=photo, timeout=60).json()
    assert set(answer["faces"][0]["emotions"]) == set(CLASSES)
