"""What the parts of the product agree on: labels, value types, errors, the worker's wire format, a model's card.

Standard library only, so that the web process can import it without NumPy or OpenCV.

    AnalysisError
    ├── BadImage        bad_image     400   bytes that do not decode to a picture
    ├── TooLarge        too_large     413   more bytes or pixels than accepted
    ├── NotAnImage      not_an_image  415   not JPEG, PNG or WebP
    ├── Busy            busy          429   dropped: queue full, or its deadline passed before a worker was free
    ├── NotReady        not_ready     503   no worker answers yet
    └── InternalError   internal      500   a bug: logged whole, shown without detail
"""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

EMOTIONS = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
"""The seven labels in the order of every vector and every model output."""

DISPLAY_NAMES = {
    "angry": "Anger",
    "disgust": "Disgust",
    "fear": "Fear",
    "happy": "Happiness",
    "sad": "Sadness",
    "surprise": "Surprise",
    "neutral": "Neutral",
}

INPUT_SIZE = 48
"""Side of the model's square grey input, in pixels."""


MAX_PIXELS = 40_000_000
"""Pictures with more are refused."""

DIGITS = 8
"""Decimals of a probability in an answer: few enough to read, enough that seven still sum to 1 within a millionth."""


class AnalysisError(Exception):
    """An answer that is not a result. The message is one sentence: what was expected, what was received."""

    code = "internal"
    status = 500

    def to_dict(self) -> dict[str, Any]:
        return {"ok": False, "code": self.code, "message": str(self)}

    @staticmethod
    def from_dict(data: Mapping[str, Any]) -> AnalysisError:
        by_code = {error.code: error for error in AnalysisError.__subclasses__()}
        return by_code.get(data["code"], InternalError)(data["message"])


class BadImage(AnalysisError):
    code, status = "bad_image", 400


class TooLarge(AnalysisError):
    code, status = "too_large", 413


class NotAnImage(AnalysisError):
    code, status = "not_an_image", 415


class Busy(AnalysisError):
    code, status = "busy", 429


class NotReady(AnalysisError):
    code, status = "not_ready", 503


class InternalError(AnalysisError):
    code, status = "internal", 500


@dataclass(frozen=True)
class Box:
    """A rectangle in pixels of the upright picture: left, top, width, height."""

    x: int
    y: int
    w: int
    h: int

    def as_list(self) -> list[int]:
        return [self.x, self.y, self.w, self.h]


@dataclass(frozen=True)
class Region:
    """A rectangle in fractions (0 to 1) of the picture's width and height: it survives a change of resolution."""

    x: float
    y: float
    w: float
    h: float

    @staticmethod
    def of(box: Box, width: int, height: int) -> Region:
        return Region(box.x / width, box.y / height, box.w / width, box.h / height)


@dataclass(frozen=True)
class Face:
    """One face: its box and the calibrated probability of each emotion, in label order, summing to 1."""

    box: Box
    emotions: tuple[float, ...]
    uncertain: bool
    id: int | None = None
    smoothed: tuple[float, ...] | None = None
    labels: tuple[str, ...] = EMOTIONS
    """What the probabilities stand for: the seven emotions, or the classes of a model trained on other ones."""

    @property
    def confidence(self) -> float:
        return max(self.emotions)

    @property
    def dominant_emotion(self) -> str:
        return self.labels[self.emotions.index(self.confidence)]

    def to_dict(self) -> dict[str, Any]:
        data: dict[str, Any] = {} if self.id is None else {"id": self.id}
        data |= {
            "box": self.box.as_list(),
            "emotions": self._by_label(self.emotions),
            "dominant_emotion": self.dominant_emotion,
            "confidence": round(self.confidence, DIGITS),
            "uncertain": self.uncertain,
        }
        if self.smoothed is not None:
            data["smoothed"] = self._by_label(self.smoothed)
        return data

    def _by_label(self, probabilities: tuple[float, ...]) -> dict[str, float]:
        return {label: round(value, DIGITS) for label, value in zip(self.labels, probabilities, strict=True)}

    @staticmethod
    def from_dict(data: Mapping[str, Any]) -> Face:
        smoothed = data.get("smoothed")
        return Face(
            box=Box(*data["box"]),
            emotions=tuple(data["emotions"].values()),
            uncertain=data["uncertain"],
            id=data.get("id"),
            smoothed=smoothed and tuple(smoothed.values()),
            labels=tuple(data["emotions"]),
        )


@dataclass(frozen=True)
class Request:
    """One picture to analyse.

    `near` holds where the faces were a moment ago; `full_search` asks to look at the whole picture as well.
    `thorough` is for photographs: more cascades and rotated passes, no hurry. `budget_ms` counts from the moment the
    worker reads the request; an expired request is answered with `Busy`, unprocessed.
    """

    image: bytes
    near: tuple[Region, ...] = ()
    full_search: bool = True
    thorough: bool = False
    budget_ms: float = 1000.0


@dataclass(frozen=True)
class Analysis:
    """What was found in one picture. No face is a result, not an error. Faces come largest first.

    `timing_ms` holds `decode`, `detect`, `classify` and `total` of the worker; the web process adds `queue`.
    `full_search` tells whether the whole picture was searched (a lost face makes the worker do so by itself).
    """

    width: int
    height: int
    faces: tuple[Face, ...]
    timing_ms: Mapping[str, float] = field(default_factory=dict)
    model: Mapping[str, Any] = field(default_factory=dict)
    full_search: bool = True

    def to_dict(self) -> dict[str, Any]:
        """The result as every interface returns it."""
        return {
            "ok": True,
            "image": {"width": self.width, "height": self.height},
            "faces": [face.to_dict() for face in self.faces],
            "timing_ms": dict(self.timing_ms),
            "model": dict(self.model),
        }


# Wire format between the web process and a worker, both ways: 4 bytes length of the head, 4 bytes length of the body
# (big endian), the head as JSON, the body as raw bytes (the picture, or nothing).

PREFIX = struct.Struct(">II")
MAX_HEAD_BYTES = 1 << 20
WORKER_TOKEN_VARIABLE = "WORKER_TOKEN"  # noqa: S105 (its name, not a secret)
"""Environment variable with the word by which the web process knows its own worker."""


def pack_message(head: Mapping[str, Any], body_length: int = 0) -> bytes:
    """Prefix and head of a message; the caller sends the body after it, so that a picture is never copied."""
    encoded = json.dumps(head, separators=(",", ":")).encode()
    return PREFIX.pack(len(encoded), body_length) + encoded


def request_head(request: Request, request_id: int) -> dict[str, Any]:
    return {
        "id": request_id,
        "near": [[r.x, r.y, r.w, r.h] for r in request.near],
        "full_search": request.full_search,
        "thorough": request.thorough,
        "budget_ms": request.budget_ms,
    }


def request_from_head(head: Mapping[str, Any], image: bytes) -> Request:
    return Request(
        image=image,
        near=tuple(Region(*region) for region in head["near"]),
        full_search=head["full_search"],
        thorough=head["thorough"],
        budget_ms=head["budget_ms"],
    )


def reply_head(answer: Analysis | AnalysisError, request_id: int) -> dict[str, Any]:
    """Head of the worker's answer to a request; it has no body."""
    if isinstance(answer, Analysis):
        return {"id": request_id, "full_search": answer.full_search} | answer.to_dict()
    return {"id": request_id} | answer.to_dict()


def analysis_from_head(head: Mapping[str, Any]) -> Analysis:
    """The analysis in a worker's answer.

    Raises:
        AnalysisError: the worker answered with an error.
    """
    if not head["ok"]:
        raise AnalysisError.from_dict(head)
    return Analysis(
        width=head["image"]["width"],
        height=head["image"]["height"],
        faces=tuple(Face.from_dict(face) for face in head["faces"]),
        timing_ms=head["timing_ms"],
        model=head["model"],
        full_search=head["full_search"],
    )


class ModelError(Exception):
    """The model file and its card do not belong together, or do not fit this program."""


def load_card(model_path: Path) -> dict[str, Any]:
    """Read and check the card beside a model file.

    Raises:
        ModelError: the model or its card is missing, unreadable or incomplete, or the card's hash is not the file's.
    """
    card_path = model_path.with_suffix(".json")
    missing = [path for path in (model_path, card_path) if not path.is_file()]
    if missing:
        raise ModelError(
            f"expected a model (.tflite) with its card (.json) beside it, as ml.export writes them, received "
            f"{model_path}: there is no {missing[0]}"
        )
    try:
        card = json.loads(card_path.read_text())
        content = model_path.read_bytes()
    except (OSError, ValueError) as error:
        raise ModelError(f"expected a readable model and card, received in {card_path}: {error}") from error
    needed = {"name", "sha256", "labels", "outputs", "uncertain_below", "input"}
    if not isinstance(card, dict) or not needed <= card.keys():
        raise ModelError(f"expected a model's card with {', '.join(sorted(needed))}, received {card_path} without")
    digest = hashlib.sha256(content).hexdigest()
    if card["sha256"] != digest:
        raise ModelError(f"expected the model with sha256 {card['sha256']}, received {digest} in {model_path}")
    return card
