"""The options of the commands that load TensorFlow, read and checked before it is loaded.

`--help`, a wrong option and a missing file or folder are then answered at once. Imports no more than the standard
library and `ml.console`, which needs nothing else.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from ml.console import count, printable, seed

ARTIFACTS = Path(__file__).parent / "artifacts"
INPUTS = ("source", "data", "votes", "model", "backgrounds", "weights")
"""Options that name a file or a folder to read."""

Parse = Callable[[Sequence[str] | None], argparse.Namespace]


def check_before_imports(program: str, parse: Parse) -> None:
    """End the process if its options are wrong, are `--help`, or name a file or folder that does not exist."""
    if missing := missing_input(parse(None)):
        print(f"{program}: {missing}", file=sys.stderr)
        sys.exit(2)


def missing_input(options: argparse.Namespace) -> str | None:
    """A sentence about the first option that names a file or folder that does not exist; None where all exist."""
    for name in INPUTS:
        path = getattr(options, name, None)
        if path is not None and not os.path.exists(path):  # noqa: PTH110 (Path.exists raises for some paths)
            option = "a run or an export" if name == "source" else f"--{name} with a file or folder"
            return f"expected {option} that exists, received {printable(str(path))}"
    return None


def export_arguments(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m ml.export", description="Write a run as a LiteRT model and its card."
    )
    parser.add_argument("source", type=Path, help="a directory that ml.train wrote, or ml.export with --data")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="made with its parents if it is missing")
    parser.add_argument("--float", action="store_true", help="keep all of the network in float32")
    parser.add_argument("--data", metavar="DIR", help="with an export: the directory that it was trained on")
    parser.add_argument("--votes", metavar="CSV", help="with an export: what several people saw in each picture")
    return parser.parse_args(arguments)


def parity_arguments(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m ml.parity", description="Compare a served file with the Keras network beside it."
    )
    parser.add_argument("--data", required=True, help="directory with SPLIT/CLASS/*.jpg")
    parser.add_argument("--split", default="test")
    parser.add_argument(
        "--model",
        type=Path,
        default=ARTIFACTS / "emotion.tflite",
        help=".tflite beside its card and EmoDetector.h5; default: shipped",
    )
    return parser.parse_args(arguments)


def calibrate_arguments(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m ml.calibrate", description="Compare ways to make the answer that is served."
    )
    parser.add_argument("--data", required=True, help="the directory that the model was trained on")
    parser.add_argument("--votes", required=True, metavar="CSV", help="what several people saw in each picture")
    parser.add_argument("--model", type=Path, default=ARTIFACTS / "emotion.tflite", help="default: shipped")
    return parser.parse_args(arguments)


def align_arguments(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m ml.align", description="Train the network that aligns windows to faces."
    )
    add_detector_options(parser)
    parser.add_argument("--windows", type=count, default=160_000)
    parser.add_argument("--epochs", type=count, default=9)
    parser.add_argument("--weights", type=Path, metavar="FILE", help="train nothing, export these (.weights.h5)")
    parser.add_argument("--measure", action="store_true", help="train nothing, measure align.tflite in --out")
    return parser.parse_args(arguments)


def scan_arguments(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m ml.scan", description="Train the network that finds faces anywhere in a picture."
    )
    add_detector_options(parser)
    parser.add_argument("--steps", type=count, default=4000)
    return parser.parse_args(arguments)


def add_detector_options(parser: argparse.ArgumentParser) -> None:
    """What both commands that train a part of the detection read and write."""
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="folder whose train/ holds 48×48 faces")
    parser.add_argument("--backgrounds", type=Path, metavar="DIR", help="more pictures without a person")
    parser.add_argument("--seed", type=seed, default=0)
    parser.add_argument("--out", type=Path, default=Path("ml/artifacts"), metavar="DIR", help="default: ml/artifacts")
