"""Finds faces in a picture with a small fully convolutional network: one call for each level of an image pyramid.

The network analyses a whole level at once; a cascade or `align` needs a call for each window. For every fourth pixel it
gives the probability of a face of about `FACE_PX` and its exact position. Trained by `python -m ml.scan`.
"""

from __future__ import annotations

import math
from pathlib import Path

import cv2
import numpy as np
from ai_edge_litert.interpreter import Interpreter

from ml.inference.card import read_checked_card
from ml.inference.detection import Detection, suppress_same_place
from ml.inference.geometry import Window, cut_window
from ml.inference.halves import Halves
from ml.inference.process import without_native_lines

FACE_PX = 24
"""Side of the faces that the network knows, in pixels of a level."""
STRIDE_PX = 4
"""Stride of the network in pixels of a level, along both sides."""
FIRST_CENTER_PX = 3
"""Position of the first answer in pixels; it results from the padding."""
CONTRAST_PX = 33
"""Contrast is evened out over squares of this side."""
LEVEL_RATIO = 1.5
"""Each level is smaller than the one before it by this factor."""
PADDING_PX = 12
"""Border pixels that are repeated around a level, so that a face at the edge has surroundings."""
GRID_PX = 32
"""Levels are padded to multiples of this side, so that few input sizes occur."""
SMALLEST_LEVEL_PX = 14
"""Shorter side of the last level; the largest faces fill it."""
LOOK_PX = 64
"""Side of the level for one window alone."""
MAX_SIZES = 16
"""Sizes of levels for which an interpreter is kept."""
MAX_CELLS = 200
"""Most answers of a level that are used, in order of probability."""
SHIPPED_SCANNER = Path(__file__).parent.parent / "artifacts" / "scan.tflite"


def even_contrast(gray: np.ndarray) -> np.ndarray:
    """A picture with local contrast normalised: each pixel minus the local mean, divided by the local deviation.

    Args:
        gray: `(height, width)` uint8.

    Returns:
        `(height, width)` float32, from -4 to 4.
    """
    size = (CONTRAST_PX, CONTRAST_PX)
    mean = cv2.boxFilter(gray, cv2.CV_32F, size, borderType=cv2.BORDER_REPLICATE)
    variance = cv2.sqrBoxFilter(gray, cv2.CV_32F, size, borderType=cv2.BORDER_REPLICATE) - mean * mean
    deviation = cv2.sqrt(np.maximum(variance, 0, out=variance)) + 4.0
    return np.clip(cv2.divide(cv2.subtract(gray, mean, dtype=cv2.CV_32F), deviation), -4, 4)


class FaceScanner:
    """The loaded network. One per process or thread: a LiteRT interpreter is not safe to share.

    Raises:
        ModelError: the file is missing, or is not the one that its card names.
    """

    def __init__(self, model_path: str | Path = SHIPPED_SCANNER) -> None:
        read_checked_card(Path(model_path))
        self._content = Path(model_path).read_bytes()
        self._interpreters: dict[tuple[int, int], Interpreter] = {}

    def scan(self, picture: Halves, scale: float, min_score: float) -> list[Detection]:
        """Faces of about `FACE_PX` to 1.5 times of it in a picture, after it is resized by `scale`, best first.

        Returns:
            One detection for each place, in pixels of the picture.
        """
        level = picture.resized(scale)
        height, width = level.shape
        grid_h, grid_w = (math.ceil((length + 2 * PADDING_PX) / GRID_PX) * GRID_PX for length in (height, width))
        padding = PADDING_PX, grid_h - height - PADDING_PX, PADDING_PX, grid_w - width - PADDING_PX
        answers = self._run(even_contrast(cv2.copyMakeBorder(level, *padding, cv2.BORDER_REPLICATE)))
        return [
            Detection(Window(x - PADDING_PX, y - PADDING_PX, side, roll_deg).scaled(1 / scale), score)
            for x, y, side, roll_deg, score in one_for_each_place(windows_of(answers, min_score)).tolist()
        ]

    def pyramid(self, picture: Halves, scale: float, min_score: float) -> list[Detection]:
        """Faces from `FACE_PX` on, in a picture resized by `scale`, up to those that fill it.

        Returns:
            One detection for each place, best first, in pixels of the picture.
        """
        longer, shorter = max(picture.gray.shape), min(picture.gray.shape)
        found: list[Detection] = []
        while scale * longer >= FACE_PX and scale * shorter >= SMALLEST_LEVEL_PX:
            found += self.scan(picture, scale, min_score)
            scale /= LEVEL_RATIO
        return suppress_same_place(found)

    def look(self, picture: Halves, window: Window) -> float:
        """Logit that a window sits on an upright face: the best answer near the middle of what is round it."""
        gray, halved = picture.near(FACE_PX / window.side)
        patch = cut_window(gray, window.scaled(halved), LOOK_PX, LOOK_PX / FACE_PX)
        middle = (LOOK_PX // 2 - FIRST_CENTER_PX) // STRIDE_PX
        answers = self._run(even_contrast(patch))[middle - 1 : middle + 3, middle - 1 : middle + 3, 0]
        return float(answers.max())

    def _run(self, level: np.ndarray) -> np.ndarray:
        """The network's answers `(rows, columns, 5)` for a level; interpreters for the last sizes are kept."""
        interpreter = self._interpreters.pop(level.shape, None)
        if interpreter is None:
            with without_native_lines():
                interpreter = Interpreter(model_content=self._content, num_threads=1)
                index = interpreter.get_input_details()[0]["index"]
                interpreter.resize_tensor_input(index, (1, *level.shape, 1))
                interpreter.allocate_tensors()
            if len(self._interpreters) >= MAX_SIZES:
                del self._interpreters[next(iter(self._interpreters))]
        self._interpreters[level.shape] = interpreter
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], level[np.newaxis, :, :, np.newaxis])
        interpreter.invoke()
        return interpreter.get_tensor(interpreter.get_output_details()[0]["index"])[0]


def windows_of(answers: np.ndarray, min_score: float) -> np.ndarray:
    """The likeliest answers as windows, best first.

    Args:
        answers: `(rows, columns, 5)` float32: logit of a face, right, down, log scale, turn.

    Returns:
        `(n, 5)`: centre x and y, side in pixels of the level; roll in degrees; probability.
    """
    rows, columns = np.nonzero(answers[..., 0] > math.log(min_score / (1 - min_score)))
    logit, right, down, log_scale, turn = answers[rows, columns].T.astype(float)
    windows = np.stack(
        [
            FIRST_CENTER_PX + STRIDE_PX * columns + FACE_PX * right,
            FIRST_CENTER_PX + STRIDE_PX * rows + FACE_PX * down,
            FACE_PX * np.exp(log_scale),
            np.degrees(turn),
            1 / (1 + np.exp(-logit)),
        ],
        axis=1,
    )
    return windows[np.argsort(-logit)[:MAX_CELLS]]


def one_for_each_place(windows: np.ndarray) -> np.ndarray:
    """The first of those rows of `windows_of` that lie on one place: `geometry.same_place`, for many at once."""
    kept = []
    while len(windows):
        first, rest = windows[0], windows[1:]
        kept.append(first)
        apart = np.abs(rest[:, :2] - first[:2])
        larger = np.maximum(rest[:, 2], first[2])
        overlap = np.clip((rest[:, 2:3] + first[2]) / 2 - apart, 0, np.minimum(rest[:, 2:3], first[2])).prod(axis=1)
        iou = overlap / (rest[:, 2] ** 2 + first[2] ** 2 - overlap)
        windows = rest[(apart.max(axis=1) >= 0.35 * larger) & (iou <= 0.3)]
    return np.array(kept).reshape(-1, 5)
