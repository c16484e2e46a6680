"""Detection on composed scenes: faces found, false faces, and accuracy of the windows.

    python -m tests.bench.detection --data DIR [--photos DIR] [--per-kind 50] [--seed 0] [--json]

Faces are those of `DIR/train` that the aligner never trained on. The last line is JSON.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from ml.inference.contract import Box
from ml.inference.detection import Detection
from ml.inference.faces import FaceDetector
from ml.inference.geometry import Window, iou
from ml.inference.photos import PhotoDetector
from ml.inference.preprocess import decode_image
from tests.bench.scenes import KINDS, SEVERAL, Scene, compose_all

FOUND_IOU = 0.4
SEARCHES = ("live", "photo", "thorough")


def judge(scene: Scene, found: list[Detection]) -> tuple[list[tuple[Window, Box]], int]:
    """The faces of a scene that were found, each with its window, and the number of false ones."""
    hits = []
    for face in scene.faces:
        windows = [detection.window for detection in found if iou(detection.window.box, face) >= FOUND_IOU]
        hits += [(windows[0], face)] if windows else []
    return hits, len(found) - len(hits)


def measure(search: Callable[[np.ndarray], list[Detection]], scenes: list[Scene]) -> dict[str, dict[str, Any]]:
    """Recall, false faces per picture, median errors of the windows and milliseconds of one core, by kind of scene."""
    report: dict[str, dict[str, Any]] = {}
    for kind in dict.fromkeys(scene.kind for scene in scenes):
        chosen = [scene for scene in scenes if scene.kind == kind]
        started = time.process_time()
        judged = [judge(scene, search(scene.gray)) for scene in chosen]
        elapsed_ms = (time.process_time() - started) * 1000 / len(chosen)
        errors = [
            (
                np.hypot(window.x - face.x - face.w / 2, window.y - face.y - face.h / 2) / face.w,
                abs(np.log(window.side / face.w)),
                abs(window.roll_deg - scene.roll_deg),
            )
            for scene, (hits, _) in zip(chosen, judged, strict=True)
            for window, face in hits
        ]
        center, scale, roll = np.median(errors, axis=0).tolist() if errors else (None, None, None)
        faces = sum(len(scene.faces) for scene in chosen)
        report[kind] = {
            "recall": len(errors) / faces if faces else None,
            "false_per_picture": sum(false for _, false in judged) / len(chosen),
            "center_error": center,
            "log_scale_error": scale,
            "roll_error_deg": roll,
            "ms": elapsed_ms,
        }
    return report


def measure_photos(search: Callable[[np.ndarray], list[Detection]], folder: Path) -> dict[str, Any]:
    """Photographs of one person each, whose place nobody noted: in how many somebody is found, and what one costs."""
    pictures = [decode_image(path.read_bytes()) for path in sorted(folder.glob("*.jpg"))]
    started = time.process_time()
    counts = [len(search(gray)) for gray in pictures]
    elapsed_ms = (time.process_time() - started) * 1000 / max(1, len(pictures))
    return {
        "pictures": len(pictures),
        "somebody": sum(count > 0 for count in counts) / max(1, len(pictures)),
        "more_than_one": sum(count > 1 for count in counts) / max(1, len(pictures)),
        "ms": elapsed_ms,
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.detection", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="folder whose train/ holds 48×48 faces")
    parser.add_argument("--per-kind", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--photos", type=Path, metavar="DIR", help="photographs of one person each, to count as well")
    parser.add_argument("--searches", nargs="+", choices=SEARCHES, default=list(SEARCHES))
    parser.add_argument("--json", action="store_true", help="print nothing but the last line")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    detector = FaceDetector()
    photos = PhotoDetector(detector)
    scenes = list(compose_all((*KINDS, *SEVERAL), options.data / "train", options.per_kind, options.seed))
    searches: dict[str, Callable[[np.ndarray], list[Detection]]] = {
        "live": lambda gray: detector.search(gray)[0],
        "photo": photos.search,
        "thorough": lambda gray: photos.search(gray, thorough=True),
    }
    reports: dict[str, Any] = {name: measure(searches[name], scenes) for name in options.searches}
    if options.photos:
        reports["photographs"] = {name: measure_photos(searches[name], options.photos) for name in options.searches}
    if not options.json:
        print(f"{'':22}{'recall':>8}{'false':>8}{'centre':>8}{'scale':>8}{'roll °':>8}{'ms':>8}")
        for search, report in reports.items():
            for kind, row in report.items():
                cells = "".join(f"{'–' if value is None else f'{value:.3g}':>8}" for value in row.values())
                print(f"{search:10}{kind:12}{cells}")
    print(json.dumps(reports))


if __name__ == "__main__":
    main()
