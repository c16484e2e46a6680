"""How many faces are found, how many are imagined, and how well the windows sit, on composed scenes.

    python -m tests.bench.detection --data DIR [--per-kind 50] [--seed 0] [--json]

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

from ml.inference.faces import Detection, FaceDetector
from ml.inference.geometry import Window, iou
from ml.inference.photos import PhotoDetector
from tests.bench.scenes import KINDS, Scene, compose_all

FOUND_IOU = 0.4


def judge(scene: Scene, found: list[Detection]) -> tuple[Window | None, int]:
    """The detection of the scene's face, if any, and the number of false ones."""
    hits = [d.window for d in found if any(iou(d.window.box, face) >= FOUND_IOU for face in scene.faces)]
    return (hits[0] if hits else None), len(found) - min(len(hits), 1)


def measure(search: Callable[[np.ndarray], list[Detection]], scenes: list[Scene]) -> dict[str, dict[str, Any]]:
    """Recall, false faces per picture, median errors of the windows and milliseconds, by kind of scene."""
    report: dict[str, dict[str, Any]] = {}
    for kind in dict.fromkeys(scene.kind for scene in scenes):
        chosen = [scene for scene in scenes if scene.kind == kind]
        started = time.perf_counter()
        judged = [judge(scene, search(scene.gray)) for scene in chosen]
        elapsed_ms = (time.perf_counter() - started) * 1000 / len(chosen)
        errors = [
            (
                np.hypot(window.x - face.x - face.w / 2, window.y - face.y - face.h / 2) / face.w,
                abs(np.log(window.side / face.w)),
                abs(window.roll_deg - scene.roll_deg),
            )
            for scene, (window, _) in zip(chosen, judged, strict=True)
            for face in scene.faces
            if window is not None
        ]
        center, scale, roll = np.median(errors, axis=0).tolist() if errors else (None, None, None)
        report[kind] = {
            "recall": len(errors) / len(chosen) if chosen[0].faces else None,
            "false_per_picture": sum(false for _, false in judged) / len(chosen),
            "center_error": center,
            "log_scale_error": scale,
            "roll_error_deg": roll,
            "ms": elapsed_ms,
        }
    return report


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.detection", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="folder whose train/ holds 48×48 faces")
    parser.add_argument("--per-kind", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true", help="print nothing but the last line")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    detector = FaceDetector()
    scenes = list(compose_all(KINDS, options.data / "train", options.per_kind, options.seed))
    reports = {
        "live": measure(lambda gray: detector.search(gray)[0], scenes),
        "thorough": measure(PhotoDetector(detector).search, scenes),
    }
    if not options.json:
        print(f"{'':22}{'recall':>8}{'false':>8}{'centre':>8}{'scale':>8}{'roll °':>8}{'ms':>8}")
        for search, report in reports.items():
            for kind, row in report.items():
                cells = "".join(f"{'–' if value is None else f'{value:.3g}':>8}" for value in row.values())
                print(f"{search:10}{kind:12}{cells}")
    print(json.dumps(reports))


if __name__ == "__main__":
    main()
