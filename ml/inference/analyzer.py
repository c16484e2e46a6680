"""One picture to its faces and their emotions: decode, find, crop, classify. Keeps no state between pictures."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import cv2
import numpy as np

from ml.inference.contract import EMOTIONS, Analysis, Face, Region, Request
from ml.inference.faces import FaceDetector, clip_box
from ml.inference.preprocess import crop_face, decode_image


class EmotionModel(Protocol):
    """What the analyzer needs of a classifier."""

    @property
    def info(self) -> Mapping[str, Any]: ...

    def predict(self, crops: np.ndarray | list[np.ndarray]) -> np.ndarray: ...

    def is_uncertain(self, probabilities: np.ndarray) -> bool: ...


class Analyzer:
    """Finds and reads faces. One per process or thread: neither cascades nor interpreters are safe to share."""

    def __init__(self, classifier: EmotionModel, detector: FaceDetector | None = None) -> None:
        self._classifier = classifier
        self._detector = detector or FaceDetector()

    def warm_up(self) -> None:
        """Run every stage once, so that the first picture is not the slow one. Sets OpenCV to one thread."""
        cv2.setNumThreads(1)
        self.analyze_gray(np.zeros((480, 640), np.uint8))
        self._classifier.predict(np.zeros((1, 48, 48), np.uint8))

    def analyze(self, request: Request) -> Analysis:
        """Answer one request.

        Raises:
            AnalysisError: the picture can't be read; the subclass says why.
        """
        started = time.perf_counter()
        gray = decode_image(request.image)
        decode_ms = _elapsed_ms(started)
        return self.analyze_gray(gray, request.near, request.full_search, request.thorough, decode_ms=decode_ms)

    def analyze_gray(
        self,
        gray: np.ndarray,
        near: Sequence[Region] = (),
        full_search: bool = True,
        thorough: bool = False,
        decode_ms: float = 0.0,
    ) -> Analysis:
        """Analyse a decoded picture, for instance a frame of a video.

        Args:
            gray: `(height, width)` uint8, upright.
            near, full_search, thorough: as in `Request`.
            decode_ms: what decoding took, for the timing of the result.
        """
        started = time.perf_counter()
        detections, searched_fully = self._detector.search(gray, near, full_search)
        found = time.perf_counter()
        crops = [crop_face(gray, detection.box) for detection in detections]
        probabilities = self._classifier.predict(crops) if crops else np.empty((0, len(EMOTIONS)), np.float32)
        height, width = gray.shape
        faces = [
            Face(
                box=clip_box(detection.box, width, height),
                emotions=tuple((row / row.sum()).tolist()),
                uncertain=self._classifier.is_uncertain(row),
            )
            for detection, row in zip(detections, probabilities.astype(float), strict=True)
        ]
        detect_ms, classify_ms = (found - started) * 1000, _elapsed_ms(found)
        return Analysis(
            width=width,
            height=height,
            faces=tuple(sorted(faces, key=lambda face: face.box.w * face.box.h, reverse=True)),
            timing_ms={
                "decode": decode_ms,
                "detect": detect_ms,
                "classify": classify_ms,
                "total": decode_ms + detect_ms + classify_ms,
            },
            model=self._classifier.info,
            full_search=searched_fully,
        )


def _elapsed_ms(since: float) -> float:
    return (time.perf_counter() - since) * 1000
