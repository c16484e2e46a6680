"""Photographs of one person each, without known positions: in how many a face is found, and the cost of one."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ml.inference.analyzer import Analyzer
from ml.inference.classifier import Classifier
from ml.inference.contract import Request
from ml.inference.geometry import iou
from ml.inference.preprocess import decode_image
from tests.bench.searches import Search

SAME_IOU = 0.4


def files_of(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.jpg"))


def measure_photos(searches: Mapping[str, Search], folder: Path) -> dict[str, dict[str, Any]]:
    """For each search: photographs with somebody, with more than one, mean milliseconds of the search alone, and the
    photographs in which it finds the likeliest face of the earlier search, if that is one of the searches."""
    answers = {
        name: [search(decode_image(path.read_bytes())) for path in files_of(folder)]
        for name, search in searches.items()
    }
    likeliest = [found[:1] for found, _ in answers.get("earlier", [])]
    report: dict[str, dict[str, Any]] = {}
    for name, results in answers.items():
        report[name] = {
            "pictures": len(results),
            "somebody": sum(bool(found) for found, _ in results),
            "more_than_one": sum(len(found) > 1 for found, _ in results),
            "ms": sum(elapsed_ms for _, elapsed_ms in results) / max(1, len(results)),
        }
        if likeliest:
            report[name]["earlier_faces"] = sum(map(len, likeliest))
            report[name]["same_face"] = sum(
                any(iou(face.window.box, other.window.box) > SAME_IOU for other in found)
                for (found, _), faces in zip(results, likeliest, strict=True)
                for face in faces
            )
    return report


def whole_cost(folder: Path) -> dict[str, Any]:
    """Milliseconds of one core for a photograph from its bytes to its emotions, as `ml.predict` and the API read it."""
    analyzer = Analyzer(Classifier())
    analyzer.warm_up()
    contents = [path.read_bytes() for path in files_of(folder)]
    analyzer.analyze(Request(contents[0], thorough=True))
    started = time.process_time()
    counts = [len(analyzer.analyze(Request(content, thorough=True)).faces) for content in contents]
    elapsed_ms = (time.process_time() - started) * 1000 / len(contents)
    return {"ms": elapsed_ms, "somebody": sum(count > 0 for count in counts)}


def peer_cost(python: str, folder: Path) -> dict[str, Any]:
    """The same for the package `fer`, in its own environment.

    Raises:
        SystemExit: the interpreter has no such package.
    """
    script = Path(__file__).with_name("peer.py")
    done = subprocess.run([python, str(script), str(folder)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"expected an interpreter with the package fer, received from {python}: {done.stderr[-300:]}")
    return json.loads(done.stdout.strip().splitlines()[-1])
