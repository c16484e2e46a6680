"""The searches that the benchmark of detection compares: each gives the faces of a picture and its processor time."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from ml.inference.detection import Detection
from ml.inference.faces import FaceDetector
from ml.inference.geometry import Window
from ml.inference.photos import PhotoDetector

Search = Callable[[np.ndarray], tuple[list[Detection], float]]
"""From `(height, width)` uint8 to the faces, likeliest first, and the milliseconds of one core."""
NAMES = ("live", "photo", "thorough")


def timed(search: Callable[[np.ndarray], list[Detection]]) -> Search:
    def run(gray: np.ndarray) -> tuple[list[Detection], float]:
        started = time.process_time()
        found = search(gray)
        return found, (time.process_time() - started) * 1000

    return run


def searches(names: list[str], earlier: Path | None) -> dict[str, Search]:
    """The named searches of this commit, with the one of a checkout of an earlier commit if there is one."""
    cv2.setNumThreads(1)
    detector = FaceDetector()
    photos = PhotoDetector(detector)
    known: dict[str, Search] = {
        "live": timed(lambda gray: detector.search(gray)[0]),
        "photo": timed(photos.search),
        "thorough": timed(lambda gray: photos.search(gray, thorough=True)),
    }
    chosen = {name: known[name] for name in names}
    return chosen | {"earlier": EarlierSearch(earlier)} if earlier else chosen


class EarlierSearch:
    """`tests/bench/earlier.py` in a process of its own, which ends with this one.

    It takes about a second for a picture, so its answers are kept in `answers.jsonl` in the checkout.
    """

    def __init__(self, checkout: Path) -> None:
        command = [sys.executable, str(Path(__file__).with_name("earlier.py"))]
        self._process = subprocess.Popen(command, cwd=checkout, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._kept = (checkout / "answers.jsonl").open("a+")
        self._kept.seek(0)
        self._answers = dict(json.loads(line) for line in self._kept if line.endswith("\n"))

    def __call__(self, gray: np.ndarray) -> tuple[list[Detection], float]:
        """Raises:
        RuntimeError: the process ended; its traceback is on standard error.
        """
        content = cv2.imencode(".png", gray)[1].tobytes()
        key = hashlib.sha256(content).hexdigest()
        if key not in self._answers:
            self._answers[key] = self._ask(content)
            self._kept.write(json.dumps([key, self._answers[key]]) + "\n")
            self._kept.flush()
        answer = self._answers[key]
        return [Detection(Window(*found[:4]), found[4]) for found in answer["found"]], answer["ms"]

    def _ask(self, content: bytes) -> dict[str, Any]:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(b"%d\n" % len(content) + content)
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("expected an answer of the earlier search, received none")
        return json.loads(line)
