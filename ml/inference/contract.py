"""Labels, value types and errors that all parts of the product share.

Standard library only, so that the web process can import it without NumPy or OpenCV.

    AnalysisError
    ├── BadImage        bad_image      bytes that do not decode to a picture
    ├── TooLarge        too_large      more bytes or pixels than accepted
    ├── NotAnImage      not_an_image   not JPEG, PNG or WebP
    ├── Busy            busy           dropped: queue full, or its deadline passed before a worker was free
    ├── NotReady        not_ready      no worker answers yet
    └── InternalError   internal       a bug: logged whole, shown without detail
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
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

RESERVED_LABELS = frozenset(
    {"source", "frame", "timestamp_s", "face_id", "x", "y", "width", "height", "dominant_emotion", "confidence"}
    | {"uncertain", "time_utc", "delay_ms"}
)
"""Columns of result tables beside the classes: a class of such a name is refused at training and export."""

INPUT_SIZE = 48
"""Side of the model's square grey input, in pixels."""

MAX_PIXELS = 40_000_000
"""Pictures with more are refused."""

DIGITS = 8
"""Decimals of a probability in an answer: few enough to read, enough that seven still sum to 1 within a millionth."""

TIMING_DIGITS = 2
"""Decimals of a time in milliseconds in an answer."""

HEAT_DIGITS = 6
"""Decimals of a value of a heat map in an answer."""


class AnalysisError(Exception):
    """The analysis failed. The message is one sentence with what was expected and what was received."""

    code = "internal"

    def to_dict(self) -> dict[str, Any]:
        return {"ok": False, "code": self.code, "message": str(self)}

    @staticmethod
    def from_dict(data: Mapping[str, Any]) -> AnalysisError:
        by_code = {error.code: error for error in AnalysisError.__subclasses__()}
        return by_code.get(data["code"], InternalError)(data["message"])


class BadImage(AnalysisError):
    code = "bad_image"


class TooLarge(AnalysisError):
    code = "too_large"


class NotAnImage(AnalysisError):
    code = "not_an_image"


class Busy(AnalysisError):
    code = "busy"


class NotReady(AnalysisError):
    code = "not_ready"


class InternalError(AnalysisError):
    code = "internal"


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
    heat: tuple[tuple[float, ...], ...] | None = None
    """How much each part of the face adds to the dominant emotion's probability, -1 to 1: rows from the top, over the
    face as the model sees it, upright."""

    @property
    def confidence(self) -> float:
        return max(self.emotions)

    @property
    def dominant_emotion(self) -> str:
        return self.labels[self.emotions.index(self.confidence)]

    def tracked(self, id_: int, smoothed: tuple[float, ...]) -> Face:
        """This face with an id and smoothed probabilities."""
        return Face(self.box, self.emotions, self.uncertain, id_, smoothed, self.labels, self.heat)

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
        if self.heat is not None:
            data["heat"] = [[round(value, HEAT_DIGITS) for value in row] for row in self.heat]
        return data

    def _by_label(self, probabilities: tuple[float, ...]) -> dict[str, float]:
        return {label: round(value, DIGITS) for label, value in zip(self.labels, probabilities, strict=True)}


@dataclass(frozen=True)
class Request:
    """One picture to analyse.

    `near` holds the last positions of the faces; `full_search` asks to search the whole picture as well, or, if it is
    the `sketch` of an earlier search, what has changed since. `thorough` is for photographs: smaller and turned faces
    are searched as long as there may be any, and each face is read in several framings; `exhaustive` asks for the most
    thorough search, at twenty times the cost. `budget_ms` counts from the moment the worker reads the request; when it
    is over the work ends, and the answer is `Busy`.
    `explain` asks for a heat map of each face, which costs about a hundred classifications a face. `view` asks whether
    a film was cut before this picture: it is the `view` of the picture before, or True for the first. `log_id` is in
    each log line about the picture.
    """

    image: bytes
    near: tuple[Region, ...] = ()
    full_search: bool | str = True
    thorough: bool = False
    exhaustive: bool = False
    explain: bool = False
    view: bool | str = False
    budget_ms: float = math.inf
    log_id: str = ""


@dataclass(frozen=True)
class Analysis:
    """What was found in one picture. No face is a result, not an error. Faces come largest first.

    `timing_ms` holds `decode`, `detect`, `classify` and `total` of the worker; the web process adds `queue`.
    `full_search` tells whether the picture was searched (a lost face makes the worker do so by itself), and `sketch`
    is what the next search needs of it. `is_cut` tells, on request, whether the picture begins another scene than the
    one before, and `view` is what the next request needs for that.
    """

    width: int
    height: int
    faces: tuple[Face, ...]
    timing_ms: Mapping[str, float] = field(default_factory=dict)
    model: Mapping[str, Any] = field(default_factory=dict)
    full_search: bool = True
    sketch: str = ""
    view: str = ""
    is_cut: bool = False

    def to_dict(self) -> dict[str, Any]:
        """The result as every interface returns it; `is_cut` is there only for the first picture after a cut."""
        return {
            "ok": True,
            "image": {"width": self.width, "height": self.height},
            "faces": [face.to_dict() for face in self.faces],
            "timing_ms": {stage: round(ms, TIMING_DIGITS) for stage, ms in self.timing_ms.items()},
            "model": dict(self.model),
        } | ({"is_cut": True} if self.is_cut else {})


class ModelError(Exception):
    """The model file and its card do not belong together, or do not fit this program."""
