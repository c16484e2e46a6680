"""Analyses one picture: decodes it, finds the faces, crops and classifies them. Keeps no state between pictures."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

import cv2
import numpy as np

from ml.inference import cuts
from ml.inference.contract import INPUT_SIZE, Analysis, Face, Region, Request
from ml.inference.deadline import NO_DEADLINE, Deadline
from ml.inference.decode import decode
from ml.inference.explain import heat_grid, occlusion_map
from ml.inference.faces import FaceDetector
from ml.inference.geometry import Window, clip_box, cut_window
from ml.inference.photos import PhotoDetector
from ml.inference.preprocess import fit_to_input

LIVE_SIDE_PX = 640
"""A live picture is decoded at 1/2, 1/4 or 1/8 of its size if its longer side keeps at least this length."""
PHOTO_SIDE_PX = 1600
"""Like `LIVE_SIDE_PX`, for photographs."""
PHOTO_FRAMINGS = (0.8, 0.9, 1.0)
"""Each face of a photograph is read in frames of these relative sizes, as it is and mirrored; answers are averaged.
Of the sets that `python -m ml.calibrate` compares, this one has the best mean of accuracy and balanced accuracy."""


class EmotionModel(Protocol):
    """The interface of a classifier."""

    @property
    def info(self) -> Mapping[str, Any]: ...

    @property
    def classes(self) -> tuple[str, ...]: ...

    def predict(self, crops: np.ndarray | list[np.ndarray]) -> np.ndarray: ...

    def is_uncertain(self, probabilities: Sequence[float]) -> bool: ...


class Analyzer:
    """Finds and reads faces. One per process or thread: neither cascades nor interpreters are safe to share."""

    def __init__(self, classifier: EmotionModel, detector: FaceDetector | None = None) -> None:
        self._classifier = classifier
        self._detector = detector or FaceDetector()
        self._photo_detector = PhotoDetector(self._detector)

    def warm_up(self) -> None:
        """Run every stage once, so that the first picture is not slow. Sets OpenCV to one thread."""
        cv2.setNumThreads(1)
        self.analyze_gray(np.zeros((480, 640), np.uint8))
        self._classifier.predict(np.zeros((1, 48, 48), np.uint8))

    def analyze(self, request: Request) -> Analysis:
        """Answer one request.

        Raises:
            AnalysisError: the picture can't be read; the subclass says why. `Busy`: the request's budget is used up.
        """
        started, deadline = time.perf_counter(), Deadline(request.budget_ms)
        photo = request.thorough or request.exhaustive
        gray, size_wh = decode(request.image, PHOTO_SIDE_PX if photo else LIVE_SIDE_PX)
        decode_ms = _elapsed_ms(started)
        deadline.check()
        return self.analyze_gray(
            gray,
            request.near,
            request.full_search,
            photo,
            request.exhaustive,
            size_wh,
            decode_ms,
            deadline,
            explain=request.explain,
            view=request.view,
        )

    def analyze_gray(
        self,
        gray: np.ndarray,
        near: Sequence[Region] = (),
        full_search: bool | str = True,
        thorough: bool = False,
        exhaustive: bool = False,
        size_wh: tuple[int, int] | None = None,
        decode_ms: float = 0.0,
        deadline: Deadline = NO_DEADLINE,
        explain: bool = False,
        view: bool | str = False,
    ) -> Analysis:
        """Analyse a decoded picture, for instance a frame of a video.

        Args:
            gray: `(height, width)` uint8, upright.
            near, full_search, thorough, exhaustive, explain, view: as in `Request`.
            size_wh: width and height of the picture whose reduced copy `gray` is; boxes are in its pixels.
            decode_ms: what decoding took, for the timing of the result.
            deadline: ends the work with `Busy`.
        """
        started = time.perf_counter()
        seen, is_cut = cuts.compare(gray, view) if view else ("", False)
        if is_cut:
            near, full_search = (), True
        if thorough or exhaustive:
            detections, sketch, searched = self._photo_detector.search(gray, deadline, exhaustive), "", True
        else:
            detections, sketch = self._detector.update(gray, near, full_search, deadline)
            searched = bool(sketch)
        detections = sorted(detections, key=lambda found: found.window.side, reverse=True)
        detect_ms = _elapsed_ms(started)
        deadline.check()

        started = time.perf_counter()
        windows = [detection.window for detection in detections]
        probabilities = self._read(gray, windows, averaged=thorough)
        heats = [
            self._heat(gray, window, row, deadline) if explain else None
            for window, row in zip(windows, probabilities, strict=bool(windows))
        ]
        classify_ms = _elapsed_ms(started)

        width, height = size_wh or (gray.shape[1], gray.shape[0])
        scale = width / gray.shape[1]
        return Analysis(
            width=width,
            height=height,
            faces=tuple(
                Face(
                    box=clip_box(detection.window.scaled(scale).box, width, height),
                    emotions=_summing_to_one(row),
                    uncertain=self._classifier.is_uncertain(row),
                    labels=self._classifier.classes,
                    heat=heat,
                )
                for detection, row, heat in zip(detections, probabilities.tolist(), heats, strict=True)
            ),
            timing_ms={
                "decode": decode_ms,
                "detect": detect_ms,
                "classify": classify_ms,
                "total": decode_ms + detect_ms + classify_ms,
            },
            model=self._classifier.info,
            full_search=searched,
            sketch=sketch,
            view=seen,
            is_cut=is_cut,
        )

    def _heat(
        self, gray: np.ndarray, window: Window, probabilities: np.ndarray, deadline: Deadline
    ) -> tuple[tuple[float, ...], ...]:
        """The heat map of a face's dominant emotion."""
        deadline.check()
        return heat_grid(occlusion_map(self._classifier, crop_window(gray, window), int(probabilities.argmax())))

    def _read(self, gray: np.ndarray, windows: Sequence[Window], averaged: bool) -> np.ndarray:
        """Probabilities `(windows, classes)`, on request averaged over `PHOTO_FRAMINGS` and mirror images."""
        if not windows:
            return np.empty((0, 0), np.float32)
        if not averaged:
            return self._classifier.predict([crop_window(gray, window) for window in windows])
        crops = [crop_window(gray, replace(w, side=w.side * factor)) for w in windows for factor in PHOTO_FRAMINGS]
        crops += [np.ascontiguousarray(crop[:, ::-1]) for crop in crops]
        shape = (2, len(windows), len(PHOTO_FRAMINGS), len(self._classifier.classes))
        views = self._classifier.predict(crops).reshape(shape)
        return views.mean(axis=(0, 2))


def crop_window(gray: np.ndarray, window: Window) -> np.ndarray:
    """The model's view of one face: upright, in the framing of the training pictures, `(48, 48)` uint8."""
    size = INPUT_SIZE if window.side < 1.5 * INPUT_SIZE else 2 * INPUT_SIZE
    return fit_to_input(cut_window(gray, window, size))


def _summing_to_one(row: Sequence[float]) -> tuple[float, ...]:
    """Probabilities in float64, whose sum in float32 may differ from 1 by a rounding."""
    total = sum(row)
    return tuple([value / total for value in row])


def _elapsed_ms(since: float) -> float:
    return (time.perf_counter() - since) * 1000
