"""Which score leaves doubt: `python -m tests.bench.fit_doubt --data DIR [--per-kind 50] [--seed 101]`.

Composed scenes with faces in which the quick search of a photograph finds somebody. For several thresholds: the scenes
whose surest face has less, which the cascades would search too, and the faces that these find in addition.
`SURE_SCORE` of `ml.inference.photos` is chosen from this table.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np

from ml.inference.contract import Box
from ml.inference.deadline import NO_DEADLINE
from ml.inference.detection import Detection
from ml.inference.faces import FaceDetector
from ml.inference.geometry import iou
from ml.inference.halves import Halves
from ml.inference.photos import PhotoDetector
from tests.bench.scenes import KINDS, compose_all

THRESHOLDS = (0.75, 0.8, 0.85, 0.9, 0.95)
FOUND_IOU = 0.4


def hits(faces: tuple[Box, ...], found: list[Detection]) -> set[int]:
    """The numbers of the faces that were found."""
    boxes = [detection.window.box for detection in found]
    return {number for number, face in enumerate(faces) if any(iou(box, face) > FOUND_IOU for box in boxes)}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.fit_doubt", description="Choose the score of doubt.")
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="folder whose train/ holds 48×48 faces")
    parser.add_argument("--per-kind", type=int, default=50)
    parser.add_argument("--seed", type=int, default=101)
    options = parser.parse_args()
    cv2.setNumThreads(1)
    detector = PhotoDetector(FaceDetector())
    kinds = (*(kind for kind in KINDS if kind != "nobody"), "few")
    scores, gains = [], []
    for scene in compose_all(kinds, options.data / "train", options.per_kind, options.seed):
        picture = Halves(scene.gray)
        quick = detector.quick(picture, NO_DEADLINE)
        best = max((face.score for face in quick), default=0.0)
        if quick:
            further = detector.by_cascades(picture, NO_DEADLINE) if best < max(THRESHOLDS) else []
            scores.append(best)
            gains.append(len(hits(scene.faces, further) - hits(scene.faces, quick)))
    print(f"{len(scores)} scenes with somebody")
    for threshold in THRESHOLDS:
        doubtful = np.array(scores) < threshold
        print(f"below {threshold}: {doubtful.sum()} scenes, {np.array(gains)[doubtful].sum()} more faces")


if __name__ == "__main__":
    main()
