"""Drawn command lines over drawn folders for every command of `ml`: a documented exit code, a sentence, no traceback.

The commands run in this process and stop where a training or an export would begin. `make fuzz` tries 500
(FUZZ_COMMANDS).
"""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import os
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ml import console
from ml.inference.contract import EMOTIONS

CASES = int(os.environ.get("FUZZ_COMMANDS", "60"))
COMMANDS = (
    ["train"], ["evaluate"], ["export"], ["parity"], ["calibrate"], ["align"], ["scan"], ["predict"],
    ["data", "audit"], ["data", "import"], ["data", "crop"],
)  # fmt: skip
BEGINNINGS = ("training.fit.build", "export.write_artifact", "align.make_windows", "scan.scan_model")
"""Where the long work begins, below `ml`."""
SPLITS = ("train", "Train", "test", "validation", "val", "photos", "")
CLASSES = ("happy", "Sad", "anger", "confidence", "awake", "gêné", unicodedata.normalize("NFD", "gêné"), "b\udce9", "")
FILES = ("a.png", "b.jpg", "c.bmp", "d", ".hidden.png", "f.mp4", "g.csv", "h.tflite", "config.json", "emotion.json",
         "EmoDetector.h5", "model_weights.h5")  # fmt: skip
PIXELS = " ".join(["7"] * 2304)
SETTINGS = {"data": "tree", "preset": "document", "epochs": 1, "batch_size": 1, "learning_rate": 0.1}
TEXTS = (
    "", "{}", "[]", "null", '{"training": {"preset": "best"}}', '{"training": null}',
    json.dumps({"settings": SETTINGS}),
    json.dumps({"settings": SETTINGS | {"preset": "none"}, "commit": None}), "emotion,pixels,Usage\n",
    f"emotion,pixels,Usage\n0,{PIXELS},Training\n3,{PIXELS},PublicTest\n",
    f"emotion,pixels,Usage\n9,{PIXELS},Training\n",
    "file," + ",".join(EMOTIONS) + "\ntrain/happy/a.png,0,0,0,9,0,0,0\n", "file\n\udce9\n", "id,age\n1,old\n", "a\0b",
)  # fmt: skip
PATHS = ("tree", "tree/train", "tree/train/happy", "tree/g.csv", "tree/h.tflite", "tree/train/happy/a.png", "none", "",
         "none/deep", "/dev/null", "/proc/none", "/dev/null/a", "b\udce9", "x" * 300, "r.csv", "r.json", "tree/r.jsonl",
         "r.parquet")  # fmt: skip
NUMBERS = ("0", "1", "2", "-1", "x", "", "1e9", "nan", "inf", "٣", "9" * 30, "0.01")
WORDS = ("document", "best", "adapt", "small-1", "shipped", "auto", "test", "train", "float32", "local", "tree")
OPTIONS = {
    "train": ("--data", "--preset", "--from", "--epochs", "--batch-size", "--learning-rate", "--votes", "--limit",
              "--out", "--resume", "--tensorboard", "--seed"),
    "evaluate": ("--data", "--split", "--model", "--votes", "--out", "--groups", "--card"),
    "export": ("--out", "--float", "--data", "--votes"),
    "parity": ("--data", "--split", "--model"),
    "calibrate": ("--data", "--votes", "--model"),
    "align": ("--data", "--backgrounds", "--windows", "--epochs", "--seed", "--weights", "--measure", "--out"),
    "scan": ("--data", "--backgrounds", "--steps", "--seed", "--out"),
    "predict": ("--out", "--model", "--step", "--thorough", "--resume", "--baseline", "--quiet"),
    "audit": ("--near", "--json"),
    "import": ("--votes", "--out"),
    "crop": ("--out",),
}  # fmt: skip
REQUIRED = {"train": ["--data"], "parity": ["--data"], "calibrate": ["--data", "--votes"], "align": ["--data"],
            "scan": ["--data"], "predict": ["--out"], "import": ["--out"], "crop": ["--out"], "export": ["--out"],
            "evaluate": ["--data"], "audit": []}  # fmt: skip
NUMERIC = {"--epochs", "--batch-size", "--learning-rate", "--limit", "--seed", "--windows", "--steps", "--step"}
LIKELY = {"--data": ("tree",), "--out": ("out", "r.csv", "r.json", "tree/out"), "--votes": ("tree/g.csv",),
          "--split": ("train", "val"), "--from": ("shipped",), "--preset": ("document",)}  # fmt: skip
FLAGS = {"--resume", "--float", "--measure", "--thorough", "--quiet", "--near"}
PLACES = {"export", "predict", "audit", "import", "crop"}
"""Commands that take a path without an option."""


class Begun(Exception):
    """A command has accepted its input and begins the long work."""


def picture(seed: int, suffix: str, kind: str) -> bytes:
    size_hw = (48, 48) if seed % 3 else (60, 300)
    pixels = np.random.default_rng(seed).integers(0, 255, size_hw, np.uint8)
    if kind == "deep":
        pixels, suffix = pixels.astype(np.uint16) * 16, ".png"
    data = cv2.imencode(suffix, pixels)[1].tobytes()
    return data[: len(data) // 2] if kind == "cut" else data


Entry = tuple[str, str, str, str, int]


def plant(entry: Entry) -> None:
    """Create one entry of the tree; one that is in the way of another is left out."""
    split, label, file, kind, number = entry
    path = Path("tree", split, label, file)
    with contextlib.suppress(FileExistsError, NotADirectoryError, IsADirectoryError):
        path.parent.mkdir(parents=True, exist_ok=True)
        if kind == "folder":
            path.mkdir()
        elif kind == "dead":
            path.symlink_to("nothing")
        elif kind == "loop":
            path.symlink_to("..", target_is_directory=True)
        elif kind == "text":
            path.write_bytes(TEXTS[number % len(TEXTS)].encode("utf-8", "surrogateescape"))
        elif kind == "noise":
            path.write_bytes(np.random.default_rng(number).bytes(number))
        else:
            path.write_bytes(picture(number, path.suffix if path.suffix in (".jpg", ".bmp") else ".png", kind))


entries = st.tuples(
    st.sampled_from(SPLITS),
    st.sampled_from(CLASSES),
    st.sampled_from(FILES),
    st.sampled_from(["picture", "picture", "picture", "cut", "deep", "text", "noise", "folder", "dead", "loop"]),
    st.integers(0, 60),
)
usable = st.just(
    [("train", label, f"{i}.png", "picture", 10 * i + len(label)) for label in ("happy", "sad") for i in (1, 2)]
)
trees = st.one_of(st.lists(entries, max_size=12), st.builds(list.__add__, usable, st.lists(entries, max_size=5)))


@st.composite
def command_lines(draw: st.DrawFn) -> list[str]:
    """A command and its arguments: mostly those it needs, mostly values of the right kind."""
    command = draw(st.sampled_from(COMMANDS))
    name = command[-1]
    needed = REQUIRED[name] if draw(st.integers(0, 9)) else []
    chosen = [*needed, *draw(st.lists(st.sampled_from(OPTIONS[name]), max_size=3))]
    line = [*command]
    if name in PLACES and draw(st.integers(0, 9)):
        usual = "tree/g.csv" if name == "import" else "tree"
        line.append(usual if draw(st.booleans()) else draw(st.sampled_from(PATHS)))
    for option in chosen:
        line.append(option)
        if option not in FLAGS:
            likely = NUMBERS if option in NUMERIC else LIKELY.get(option, PATHS + WORDS)
            line.append(draw(st.sampled_from(likely if draw(st.integers(0, 4)) else PATHS + NUMBERS + WORDS)))
    return [*line, "--jobs", "1"] if name == "predict" else line


def run_command(line: list[str]) -> tuple[int, str]:
    """The exit code of a command line and what it printed as errors; 0 where it began its long work."""
    module = importlib.import_module("ml.data.__main__" if line[0] == "data" else f"ml.{line[0]}")
    errors = io.StringIO()
    with contextlib.redirect_stderr(errors), contextlib.redirect_stdout(io.StringIO()):
        try:
            console.run(f"ml.{line[0]}", lambda: module.main(line[1:]))
        except SystemExit as leaving:
            return (leaving.code if isinstance(leaving.code, int) else 1), errors.getvalue()
        except Begun:
            return 0, errors.getvalue()
    raise AssertionError("a command ended without an exit code")


def begin(*_arguments: Any, **_options: Any) -> None:
    raise Begun


@pytest.fixture
def stopping_at_the_work(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(console, "before_imports", lambda *_: None)
    for place in BEGINNINGS:
        monkeypatch.setattr(f"ml.{place}", begin)
    before = Path.cwd()
    yield
    os.chdir(before)


@pytest.mark.usefixtures("stopping_at_the_work")
@pytest.mark.timeout(7200)
def test_every_command_line_ends_with_a_code_and_a_sentence(tmp_path_factory: pytest.TempPathFactory) -> None:
    @settings(max_examples=CASES, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(tree=trees, line=command_lines())
    def check(tree: list[Entry], line: list[str]) -> None:
        os.chdir(tmp_path_factory.mktemp("case"))
        for entry in tree:
            plant(entry)
        code, errors = run_command(line)
        assert code in (0, 1, 2), (line, errors)
        assert "Traceback" not in errors
        if code == 2:
            assert "expected" in errors or "error:" in errors, (line, errors)

    check()
