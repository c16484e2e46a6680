"""Composes pictures from 48×48 faces and backgrounds without a person: the training data of the detection networks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from ml.console import printable
from ml.data import DataError
from ml.inference.align import held_out
from ml.inference.contract import INPUT_SIZE
from ml.inference.geometry import Window, cut_window

CANVAS_PX = 112
"""Side of the canvas with a training face in its middle."""
BACKGROUNDS = ("coffee", "chelsea", "rocket", "grass", "gravel", "brick", "moon", "text", "page", "clock")
"""Pictures of scikit-image without a person."""
MAX_ROLL_DEG = 40.0
"""Most faces lean by no more than this."""


@dataclass(frozen=True)
class Composed:
    """A grey picture `(side, side)` uint8, and the windows of the faces in it."""

    gray: np.ndarray
    faces: tuple[Window, ...]


def load_faces(folder: Path, to_measure: bool = False) -> np.ndarray:
    """The faces in the class folders of a folder, `(n, 48, 48)` uint8: those to train on, or those held out to measure.

    Raises:
        DataError: the folder holds none.
    """
    files = sorted(path for path in folder.glob("*/*") if path.suffix.lower() in {".jpg", ".png"})
    read = (cv2.imread(str(path), cv2.IMREAD_GRAYSCALE) for path in files if held_out(path) == to_measure)
    faces = [face for face in read if face is not None and face.shape == (INPUT_SIZE, INPUT_SIZE)]
    if not faces:
        raise DataError(f"expected 48×48 face pictures in class folders of {folder}, received none")
    return np.stack(faces)


def load_backgrounds(folder: Path | None) -> list[np.ndarray]:
    """Grey pictures without a person: those of scikit-image, and those of a folder, except those held out.

    Raises:
        DataError: the folder has no picture of at least 100 px that is not held out.
    """
    from skimage import data

    pictures = [getattr(data, name)() for name in BACKGROUNDS]
    loaded = [cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY) if picture.ndim == 3 else picture for picture in pictures]
    for path in sorted(folder.rglob("*")) if folder else ():
        picture = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE) if path.is_file() and not held_out(path) else None
        if picture is not None and min(picture.shape) >= 100:
            loaded.append(picture)
    if folder and len(loaded) == len(pictures):
        shown = printable(str(folder))
        raise DataError(f"expected --backgrounds with pictures of at least 100 px, received none in {shown}")
    return loaded


def random_window(picture: np.ndarray, rng: np.random.Generator) -> Window:
    """A random window of a picture, from 24 px to nearly all of it."""
    height, width = picture.shape
    side = float(np.exp(rng.uniform(np.log(24), np.log(0.9 * min(height, width)))))
    return Window(rng.uniform(0, width), rng.uniform(0, height), side, rng.uniform(-60, 60))


def random_background(backgrounds: Sequence[np.ndarray], side: int, rng: np.random.Generator) -> np.ndarray:
    """A part of a background, a gradient, or coarse noise, `(side, side)` uint8."""
    kind = rng.random()
    if kind < 0.08:
        start, end = rng.uniform(0, 256, 2)
        return np.tile(np.linspace(start, end, side), (side, 1)).astype(np.uint8)
    if kind < 0.14:
        coarse = int(rng.integers(4, side // 2))
        return cv2.resize(rng.integers(0, 256, (coarse, coarse), np.uint8), (side, side), interpolation=cv2.INTER_CUBIC)
    picture = backgrounds[int(rng.integers(len(backgrounds)))]
    return cut_window(picture, random_window(picture, rng), side)


def face_mask(size: int, rng: np.random.Generator) -> np.ndarray:
    """Opacity of a face in the middle of a canvas, `(size, size)` float32: an ellipse with a soft edge."""
    mask: np.ndarray = np.zeros((size, size), np.float32)
    axes = round(INPUT_SIZE * rng.uniform(0.48, 0.7)), round(INPUT_SIZE * rng.uniform(0.55, 0.8))
    cv2.ellipse(mask, (size // 2, size // 2), axes, 0, 0, 360, 1.0, -1)
    return cv2.GaussianBlur(mask, (0, 0), rng.uniform(0.5, 4))


def with_border(face: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A face surrounded by its own repeated or mirrored border, `(112, 112)` uint8."""
    margin = (CANVAS_PX - INPUT_SIZE) // 2
    border = cv2.BORDER_REPLICATE if rng.random() < 0.5 else cv2.BORDER_REFLECT_101
    return cv2.copyMakeBorder(face, margin, margin, margin, margin, border)


def face_canvas(face: np.ndarray, backgrounds: Sequence[np.ndarray], rng: np.random.Generator) -> np.ndarray:
    """A face surrounded by its own border or, with a hard or soft edge, by a background; `(112, 112)` uint8."""
    canvas = with_border(face, rng)
    kind = rng.random()
    if kind < 0.35:
        return canvas
    picture = backgrounds[int(rng.integers(len(backgrounds)))]
    background = cut_window(picture, random_window(picture, rng), CANVAS_PX)
    if kind < 0.5:
        margin = (CANVAS_PX - INPUT_SIZE) // 2
        background[margin:-margin, margin:-margin] = face
        return background
    mask = face_mask(CANVAS_PX, rng)
    return (canvas * mask + background * (1 - mask)).astype(np.uint8)


def paste(picture: np.ndarray, face: np.ndarray, window: Window, rng: np.random.Generator) -> None:
    """Blend a face into a picture, in place, so that its 48×48 frame lies on the window; its edge is hard or soft."""
    canvas = with_border(face, rng)
    if rng.random() < 0.15:
        mask = np.zeros((CANVAS_PX, CANVAS_PX), np.float32)
        margin = (CANVAS_PX - INPUT_SIZE) // 2
        mask[margin:-margin, margin:-margin] = 1
    else:
        mask = face_mask(CANVAS_PX, rng)
    scale, middle = window.side / INPUT_SIZE, CANVAS_PX / 2
    if scale < 0.7:  # reduced before sampling, so that no pixel is skipped
        size = max(8, round(CANVAS_PX * scale))
        canvas, mask = (cv2.resize(part, (size, size), interpolation=cv2.INTER_AREA) for part in (canvas, mask))
        scale, middle = scale * CANVAS_PX / size, size / 2
    matrix = cv2.getRotationMatrix2D((middle, middle), -window.roll_deg, scale)
    matrix[:, 2] += np.array([window.x, window.y]) - middle
    size_wh = picture.shape[1], picture.shape[0]
    pasted = cv2.warpAffine(canvas, matrix, size_wh, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    opacity = cv2.warpAffine(mask, matrix, size_wh, flags=cv2.INTER_LINEAR)
    picture[:] = (pasted * opacity + picture * (1 - opacity)).astype(np.uint8)


def degrade(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Add the lighting, low resolution and noise of cameras; `(height, width)` uint8."""
    height, width = picture.shape
    if rng.random() < 0.25:
        coarse = rng.uniform(0.45, 1.0)
        small_wh = max(1, round(width * coarse)), max(1, round(height * coarse))
        small = cv2.resize(picture, small_wh, interpolation=cv2.INTER_AREA)
        picture = cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)
    values: np.ndarray = picture.astype(np.float32)
    if rng.random() < 0.3:
        along, across = np.meshgrid(np.linspace(-1, 1, width), np.linspace(-1, 1, height))
        direction = rng.uniform(0, 2 * math.pi)
        values = values * (1 + rng.uniform(0, 0.8) * (along * math.cos(direction) + across * math.sin(direction)))
    values = 255 * np.clip(values / 255, 0, 1) ** rng.uniform(0.6, 1.7)
    values = values * rng.uniform(0.15, 1.1) + rng.uniform(-15, 25) + rng.normal(0, rng.uniform(0, 5), values.shape)
    return np.clip(values, 0, 255).astype(np.uint8)


def compose(
    faces: np.ndarray, backgrounds: Sequence[np.ndarray], side: int, face_px: float, rng: np.random.Generator
) -> Composed:
    """A picture with up to five faces, most of them about `face_px` wide and upright within `MAX_ROLL_DEG`.

    Args:
        faces: `(n, 48, 48)` uint8. side: the picture's, in pixels.
    """
    gray = random_background(backgrounds, side, rng)
    windows: list[Window] = []
    for _ in range(int(rng.choice(6, p=[0.25, 0.35, 0.15, 0.1, 0.08, 0.07]))):
        common = rng.random() < 0.65
        face_side = face_px * math.exp(rng.uniform(-0.35, 0.35)) if common else math.exp(rng.uniform(2.3, 4.8))
        roll = (
            rng.uniform(-MAX_ROLL_DEG, MAX_ROLL_DEG) * rng.random() if rng.random() < 0.93 else rng.uniform(-180, 180)
        )
        x, y = rng.uniform(-0.1 * face_side, side + 0.1 * face_side, 2).tolist()
        window = Window(x, y, face_side, float(roll))
        apart = 0.55 * (face_side + max((other.side for other in windows), default=0))
        if any(max(abs(window.x - other.x), abs(window.y - other.y)) < apart for other in windows):
            continue
        face = faces[rng.integers(len(faces))]
        paste(gray, face[:, ::-1] if rng.random() < 0.5 else face, window, rng)
        windows.append(window)
    return Composed(degrade(gray, rng), tuple(windows))
