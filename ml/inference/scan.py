"""Finds faces in a picture with a small fully convolutional network: one call for each level of an image pyramid.

The network analyses a whole level at once; a cascade or `align` needs a call for each window. For every fourth pixel it
gives the probability of a face of about `FACE_PX` and its exact position. Trained by `python -m ml.scan`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from ai_edge_litert.interpreter import Interpreter

from ml.inference.card import read_checked_card
from ml.inference.contract import Box
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
CANVAS_GRID_PX = 8
"""Canvases of several levels have multiples of this side."""
GAP_PX = 12
"""Pixels between the levels that one call analyses, without contrast."""
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
        self._interpreters: dict[tuple[int, int], tuple[Interpreter, int, int]] = {}

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

    def overview(self, picture: Halves, scale: float, min_score: float) -> list[Detection]:
        """As `pyramid`, in one call and half the time: each level has half the size of the one before it, and all lie
        side by side on one canvas.

        Returns:
            One detection for each place and level, best first: on a coarse level, all of a picture may look like a
            face, which must not hide a smaller one in it.
        """
        longer, shorter = max(picture.gray.shape), min(picture.gray.shape)
        scales = [scale]
        while scales[-1] * longer >= 2 * FACE_PX and scales[-1] * shorter >= 2 * SMALLEST_LEVEL_PX:
            scales.append(scales[-1] / 2)
        canvas, places = side_by_side([even_contrast(picture.resized(each)) for each in scales])
        windows = windows_of(self._run(canvas), min_score)
        found = []
        for level_scale, box in zip(scales, places, strict=True):
            x, y = windows[:, 0] - box.x, windows[:, 1] - box.y
            on_level = windows[(x >= 0) & (x < box.w) & (y >= 0) & (y < box.h)]
            found += [
                Detection(Window(x - box.x, y - box.y, side, roll_deg).scaled(1 / level_scale), score)
                for x, y, side, roll_deg, score in one_for_each_place(on_level).tolist()
            ]
        return sorted(found, key=lambda place: place.score, reverse=True)

    def look(self, picture: Halves, window: Window) -> float:
        """Logit that a window sits on an upright face: the best answer near the middle of what is round it."""
        gray, halved = picture.near(FACE_PX / window.side)
        patch = cut_window(gray, window.scaled(halved), LOOK_PX, LOOK_PX / FACE_PX)
        middle = (LOOK_PX // 2 - FIRST_CENTER_PX) // STRIDE_PX
        answers = self._run(even_contrast(patch))[middle - 1 : middle + 3, middle - 1 : middle + 3, 0]
        return float(answers.max())

    def _run(self, level: np.ndarray) -> np.ndarray:
        """The network's answers `(rows, columns, 5)` for a level; interpreters for the last sizes are kept."""
        kept = self._interpreters.pop(level.shape, None) or self._loaded(level.shape)
        if len(self._interpreters) >= MAX_SIZES:
            del self._interpreters[next(iter(self._interpreters))]
        self._interpreters[level.shape] = kept
        interpreter, input_index, output_index = kept
        interpreter.set_tensor(input_index, level[np.newaxis, :, :, np.newaxis])
        interpreter.invoke()
        return interpreter.get_tensor(output_index)[0]

    def _loaded(self, size_hw: tuple[int, int]) -> tuple[Interpreter, int, int]:
        """An interpreter for levels of a size, with the indices of its input and output."""
        with without_native_lines():
            interpreter = Interpreter(model_content=self._content, num_threads=1)
            input_index = interpreter.get_input_details()[0]["index"]
            interpreter.resize_tensor_input(input_index, (1, *size_hw, 1))
            interpreter.allocate_tensors()
        return interpreter, input_index, interpreter.get_output_details()[0]["index"]


def side_by_side(levels: Sequence[np.ndarray]) -> tuple[np.ndarray, list[Box]]:
    """Levels `(h, w)` float32, each smaller than the one before it, on one canvas, and the place of each: the first is
    on the left, the others are in a column on its right."""
    places, left, top = [Box(0, 0, *levels[0].shape[::-1])], levels[0].shape[1] + GAP_PX, 0
    for level in levels[1:]:
        places.append(Box(left, top, *level.shape[::-1]))
        top += level.shape[0] + GAP_PX
    width, height = max(box.x + box.w for box in places), max(box.y + box.h for box in places)
    canvas = np.zeros([math.ceil(length / CANVAS_GRID_PX) * CANVAS_GRID_PX for length in (height, width)], np.float32)
    for level, box in zip(levels, places, strict=True):
        canvas[box.y : box.y + box.h, box.x : box.x + box.w] = level
    return canvas, places


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
