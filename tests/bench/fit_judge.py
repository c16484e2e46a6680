"""Fit the weights of the judge of faces: `python -m tests.bench.fit_judge --data DIR [--per-kind 30] [--seed 7]`.

Places are those where the proposals of a sweep come to rest, in composed scenes of every kind, several faces and nobody
included. Logistic regression; places that lie on a face by half are left out. Prints the weights for
`ml.inference.judge`, and how many places a second seed of scenes gets wrong by them.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np
from sklearn.linear_model import LogisticRegression

from ml.inference.faces import FaceDetector
from ml.inference.geometry import iou
from ml.inference.halves import Halves
from ml.inference.photos import FIRST_SIDE_PX
from tests.bench.scenes import KINDS, SEVERAL, compose_all

ON_FACE_IOU, BESIDE_IOU = 0.45, 0.2


def gather(folder: Path, per_kind: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Evidence `(places, 5)` and whether each place is a face, `(places,)` bool."""
    detector = FaceDetector()
    evidence, is_face = [], []
    for scene in compose_all((*KINDS, *SEVERAL, *("nobody",) * 4), folder, per_kind, seed):
        picture = Halves(scene.gray)
        for place in detector.settled(picture, detector.proposals(picture, FIRST_SIDE_PX)):
            overlap = max((iou(place.window.box, face) for face in scene.faces), default=0.0)
            if BESIDE_IOU < overlap < ON_FACE_IOU:
                continue
            evidence.append(detector.judge.evidence(picture, place))
            is_face.append(overlap >= ON_FACE_IOU)
    return np.array(evidence), np.array(is_face)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.fit_judge", description="Fit the judge of faces.")
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="folder whose train/ holds 48×48 faces")
    parser.add_argument("--per-kind", type=int, default=30)
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    cv2.setNumThreads(1)
    evidence, is_face = gather(options.data / "train", options.per_kind, options.seed)
    model = LogisticRegression(C=10.0).fit(evidence, is_face)
    weights = model.coef_[0]
    print(f"{len(is_face)} places, {is_face.sum()} faces")
    print(f"Weights({model.intercept_[0]:.2f}, {weights[0]:.2f}, {weights[1]:.2f}, ", end="")
    print("(" + ", ".join(f"{weight:.2f}" for weight in weights[2:]) + "))")
    evidence, is_face = gather(options.data / "train", options.per_kind, options.seed + 1)
    said = model.predict(evidence)
    print(f"another seed: {(is_face & ~said).sum()} of {is_face.sum()} faces missed, ", end="")
    print(f"{(~is_face & said).sum()} of {(~is_face).sum()} other places taken for one")


if __name__ == "__main__":
    main()
