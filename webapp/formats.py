"""An analysis in the format of other tools, so that code written for them can read it unchanged.

`fer` is what `FER().detect_emotions(picture)` returns, `deepface` what `DeepFace.analyze(picture, ["emotion"])` does.
Both are a list with an entry for each face; without a face the list is empty.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ml.inference.contract import Analysis, Face

DIGITS = 2
"""Decimals of both tools' numbers."""


def as_result(analysis: Analysis) -> dict[str, Any]:
    """The shape of every interface of this project."""
    return analysis.to_dict()


def as_fer(analysis: Analysis) -> list[dict[str, Any]]:
    """`box` [x, y, width, height] and `emotions`, probabilities from 0 to 1."""
    return [{"box": face.box.as_list(), "emotions": _by_label(face, 1)} for face in analysis.faces]


def as_deepface(analysis: Analysis) -> list[dict[str, Any]]:
    """`emotion` in per cent, `dominant_emotion`, `region`, and `face_confidence`: 1 for each face that was accepted."""
    return [
        {
            "emotion": _by_label(face, 100),
            "dominant_emotion": face.dominant_emotion,
            "region": dict(zip("xywh", face.box.as_list(), strict=True)) | {"left_eye": None, "right_eye": None},
            "face_confidence": 1.0,
        }
        for face in analysis.faces
    ]


FORMATS: Mapping[str, Callable[[Analysis], Any]] = {"emotion": as_result, "fer": as_fer, "deepface": as_deepface}


def _by_label(face: Face, scale: int) -> dict[str, float]:
    return {label: round(scale * value, DIGITS) for label, value in zip(face.labels, face.emotions, strict=True)}
