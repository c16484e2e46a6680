"""Detection on composed scenes and photographs: faces found, false faces, accuracy of the windows, processor time.

    python -m tests.bench.detection --data DIR [--photos DIR] [--earlier CHECKOUT] [--peer PYTHON] [--per-kind 50]
        [--nobody 200] [--seed 0] [--searches live photo thorough] [--json]

Faces are those of `DIR/train` that the aligner never trained on. `--earlier` compares with the photograph search of
another commit (`git worktree add CHECKOUT COMMIT`), `--peer` with the package `fer`. The last line is JSON.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ml.inference.contract import Box
from ml.inference.detection import Detection
from ml.inference.geometry import Window, iou
from tests.bench.photographs import measure_photos, peer_cost, whole_cost
from tests.bench.scenes import KINDS, SEVERAL, Scene, compose_all
from tests.bench.searches import NAMES, Search, searches

FOUND_IOU = 0.4
UPRIGHT_DEG = 60
"""A face that is reported with a lean of less than this from the upright is read as it stands in the picture."""
ON_THEIR_HEADS = ("portrait", "scene", "close_up")
"""Kinds that are measured rotated by 180° as well."""


def judge(scene: Scene, found: list[Detection]) -> tuple[list[tuple[Window, Box]], int]:
    """The faces of a scene that were found, each with its window, and the number of false ones."""
    hits = []
    for face in scene.faces:
        windows = [detection.window for detection in found if iou(detection.window.box, face) >= FOUND_IOU]
        hits += [(windows[0], face)] if windows else []
    return hits, len(found) - len(hits)


def upside_down(scenes: Iterable[Scene]) -> list[Scene]:
    """The scenes rotated by 180°, as one kind."""
    turned = []
    for scene in scenes:
        height, width = scene.gray.shape
        faces = tuple(Box(width - face.x - face.w, height - face.y - face.h, face.w, face.h) for face in scene.faces)
        gray = np.ascontiguousarray(np.rot90(scene.gray, 2))
        turned.append(replace(scene, kind="upside_down", gray=gray, faces=faces, roll_deg=scene.roll_deg + 180))
    return turned


def measure(search: Search, scenes: list[Scene]) -> dict[str, dict[str, Any]]:
    """By kind of scene: number of faces, recall, false faces, faces read the wrong way round, median errors of the
    windows and mean milliseconds of one core."""
    report: dict[str, dict[str, Any]] = {}
    for kind in dict.fromkeys(scene.kind for scene in scenes):
        chosen = [scene for scene in scenes if scene.kind == kind]
        answers = [search(scene.gray) for scene in chosen]
        judged = [judge(scene, found) for scene, (found, _) in zip(chosen, answers, strict=True)]
        errors = [
            (
                np.hypot(window.x - face.x - face.w / 2, window.y - face.y - face.h / 2) / face.w,
                abs(np.log(window.side / face.w)),
                abs((window.roll_deg - scene.roll_deg + 180) % 360 - 180),
            )
            for scene, (hits, _) in zip(chosen, judged, strict=True)
            for window, face in hits
        ]
        center, scale, roll = np.median(errors, axis=0).tolist() if errors else (None, None, None)
        faces = sum(len(scene.faces) for scene in chosen)
        report[kind] = {
            "pictures": len(chosen),
            "faces": faces,
            "recall": len(errors) / faces if faces else None,
            "false": sum(false for _, false in judged),
            "wrong_way_round": sum(error[2] > 180 - UPRIGHT_DEG for error in errors),
            "center_error": center,
            "log_scale_error": scale,
            "roll_error_deg": roll,
            "ms": sum(elapsed_ms for _, elapsed_ms in answers) / len(chosen),
        }
    return report


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench.detection", description="Faces found and processor time, by search."
    )
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="folder whose train/ holds 48×48 faces")
    parser.add_argument("--per-kind", type=int, default=50)
    parser.add_argument("--nobody", type=int, default=200, help="pictures without a face")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--photos", type=Path, metavar="DIR", help="photographs of one person each, to count as well")
    parser.add_argument("--earlier", type=Path, metavar="CHECKOUT", help="an earlier commit, to compare with")
    parser.add_argument("--peer", metavar="PYTHON", help="interpreter of an environment with the package fer")
    parser.add_argument("--searches", nargs="*", choices=NAMES, default=list(NAMES))
    parser.add_argument("--json", action="store_true", help="print nothing but the last line")
    options = parser.parse_args()
    compared = searches(options.searches, options.earlier)
    kinds = tuple(kind for kind in (*KINDS, *SEVERAL) if kind != "nobody")
    faces = options.data / "train"
    scenes = list(compose_all(kinds, faces, options.per_kind, options.seed)) if options.per_kind else []
    scenes += compose_all(("nobody",), faces, options.nobody, options.seed + 1) if options.nobody else []
    scenes += upside_down(scene for scene in scenes if scene.kind in ON_THEIR_HEADS)
    reports: dict[str, Any] = {name: measure(search, scenes) for name, search in compared.items()}
    if options.photos:
        reports["photographs"] = measure_photos(compared, options.photos)
        reports["photographs"]["whole"] = whole_cost(options.photos)
        if options.peer:
            peer = peer_cost(options.peer, options.photos)
            reports["photographs"]["fer"] = peer | {"ratio": reports["photographs"]["whole"]["ms"] / peer["ms"]}
    if not options.json:
        show(reports)
    print(json.dumps(reports))


def show(reports: dict[str, dict[str, dict[str, Any]]]) -> None:
    """A line for each search and kind of scene or each search of photographs."""
    for search, report in reports.items():
        for kind, row in report.items():
            figures = (f"{name} {'–' if value is None else f'{value:.4g}'}" for name, value in row.items())
            print(f"{search:12}{kind:12}{'  '.join(figures)}")


if __name__ == "__main__":
    main()
