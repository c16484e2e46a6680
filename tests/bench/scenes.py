"""Pictures with known faces, composed from 48×48 training faces and backgrounds without a person."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from ml.inference.align import held_out
from ml.inference.contract import Box
from ml.inference.preprocess import decode_image
from ml.training.composed import load_backgrounds

KINDS = ("scene", "tilted", "close_up", "portrait", "dark", "blur", "jpeg", "side_light", "nobody")
SEVERAL = ("few", "group")
"""Kinds with more than one face: two to four, and five to thirty."""


@dataclass(frozen=True)
class Scene:
    """A grey picture and the frames of the faces in it; `roll_deg` is the turn of the pasted face, clockwise."""

    kind: str
    gray: np.ndarray
    faces: tuple[Box, ...]
    roll_deg: float = 0.0


def random_background(backgrounds: list[np.ndarray], width: int, height: int, rng: np.random.Generator) -> np.ndarray:
    """A random part of a random background, a gradient or noise, as `(height, width)` uint8."""
    kind = rng.integers(len(backgrounds) + 2)
    if kind == len(backgrounds):
        start, end = rng.integers(0, 256, 2)
        return np.tile(np.linspace(start, end, width), (height, 1)).astype(np.uint8)
    if kind == len(backgrounds) + 1:
        noise = rng.integers(0, 256, (height // 8 + 1, width // 8 + 1), np.uint8)
        return cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC)
    picture = backgrounds[kind]
    share = rng.uniform(0.5, 1.0)
    part_h, part_w = round(picture.shape[0] * share), round(picture.shape[1] * share)
    top, left = rng.integers(0, picture.shape[0] - part_h + 1), rng.integers(0, picture.shape[1] - part_w + 1)
    part = picture[top : top + part_h, left : left + part_w]
    return cv2.resize(part, (width, height), interpolation=cv2.INTER_CUBIC)


def paste_face(
    scene: np.ndarray, face: np.ndarray, center_xy: tuple[float, float], side: float, roll_deg: float = 0.0
) -> Box:
    """Blend a square face into a scene, in place, through a soft-edged ellipse that reaches over its own frame.

    Returns:
        The upright square round the face's centre with the face's side.
    """
    height, width = scene.shape
    margin = 12
    framed = cv2.copyMakeBorder(face, margin, margin, margin, margin, cv2.BORDER_REPLICATE)
    mask: np.ndarray = np.zeros(framed.shape, np.float32)
    middle, half = framed.shape[0] / 2, face.shape[0] / 2
    cv2.ellipse(mask, (round(middle), round(middle)), (round(half * 1.0), round(half * 1.25)), 0, 0, 360, 1.0, -1)
    mask = cv2.GaussianBlur(mask, (0, 0), 2.5)
    scale = side / face.shape[0]
    matrix = cv2.getRotationMatrix2D((middle, middle), -roll_deg, scale)
    matrix[:, 2] += np.array(center_xy) - middle
    pasted = cv2.warpAffine(framed, matrix, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    alpha = cv2.warpAffine(mask, matrix, (width, height), flags=cv2.INTER_LINEAR)
    scene[:] = np.clip(pasted * alpha + scene * (1 - alpha), 0, 255).astype(np.uint8)
    return Box(round(center_xy[0] - side / 2), round(center_xy[1] - side / 2), round(side), round(side))


def spoil(gray: np.ndarray, kind: str, rng: np.random.Generator) -> np.ndarray:
    """Bad conditions: `dark`, `blur`, `jpeg` or `side_light`; any other kind leaves the picture as it is."""
    if kind == "dark":
        gain = rng.uniform(0.12, 0.3)
        return np.clip(gray * gain + rng.normal(0, 2, gray.shape), 0, 255).astype(np.uint8)
    if kind == "blur":
        return cv2.GaussianBlur(gray, (0, 0), rng.uniform(1.0, 2.5) * min(gray.shape) / 300)
    if kind == "jpeg":
        return decode_image(cv2.imencode(".jpg", gray, [cv2.IMWRITE_JPEG_QUALITY, 40])[1].tobytes())
    if kind == "side_light":
        ramp = np.linspace(0.15, 1.2, gray.shape[1])
        return np.clip(gray * (ramp if rng.random() < 0.5 else ramp[::-1]), 0, 255).astype(np.uint8)
    return gray


def compose(kind: str, face: np.ndarray, backgrounds: list[np.ndarray], rng: np.random.Generator) -> Scene:
    """One picture of a kind; any other than `nobody` holds one face.

    Kinds: `scene`, `tilted`, `close_up`, `portrait`, `dark`, `blur`, `jpeg`, `side_light`, `nobody`.
    """
    if kind == "close_up":
        whole = int(rng.integers(96, 420))
        return Scene(kind, cv2.resize(face, (whole, whole), interpolation=cv2.INTER_CUBIC), (Box(0, 0, whole, whole),))
    if kind == "portrait":
        width, height = int(rng.integers(180, 600)), int(rng.integers(220, 700))
        side = float(rng.uniform(0.45, 0.8)) * min(width, height)
    else:
        width, height = 640, 480
        side = float(np.exp(rng.uniform(np.log(48), np.log(300))))
    gray = random_background(backgrounds, width, height, rng)
    if kind == "nobody":
        return Scene(kind, gray, ())
    roll = float(rng.uniform(15, 45) * rng.choice([-1, 1])) if kind == "tilted" else float(rng.uniform(-8, 8))
    center = rng.uniform(0.5 * side, width - 0.5 * side), rng.uniform(0.5 * side, height - 0.5 * side)
    box = paste_face(gray, face, center, side, roll)
    return Scene(kind, spoil(gray, kind, rng), (box,), roll)


def compose_several(
    kind: str, faces: list[np.ndarray], backgrounds: list[np.ndarray], rng: np.random.Generator
) -> Scene:
    """A picture of `few` (640×480, faces of 40 to 200 px) or of a `group` (24 to 120 px); no two faces overlap.

    Args:
        faces: `(48, 48)` uint8 each; those for which there is no room are left out.
    """
    width, height = (640, 480) if kind == "few" else (int(rng.integers(800, 1600)), int(rng.integers(600, 1000)))
    smallest, largest = (40, 200) if kind == "few" else (24, 120)
    gray = random_background(backgrounds, width, height, rng)
    boxes: list[Box] = []
    for face in faces:
        for _ in range(40):
            side = float(np.exp(rng.uniform(np.log(smallest), np.log(largest))))
            x, y = rng.uniform(0.6 * side, width - 0.6 * side), rng.uniform(0.6 * side, height - 0.6 * side)
            if all(max(abs(x - b.x - b.w / 2), abs(y - b.y - b.h / 2)) > 0.75 * (side + b.w) for b in boxes):
                boxes.append(paste_face(gray, face, (x, y), side, float(rng.uniform(-12, 12))))
                break
    return Scene(kind, gray, tuple(boxes))


def face_files(folder: Path, count: int, rng: np.random.Generator) -> list[Path]:
    """A seeded choice of the face pictures that no part of the detection has learned."""
    files = sorted(path for path in folder.glob("*/*") if held_out(path))
    return [files[index] for index in rng.choice(len(files), min(count, len(files)), replace=False)]


def compose_all(kinds: tuple[str, ...], folder: Path, per_kind: int, seed: int = 0) -> Iterator[Scene]:
    """`per_kind` seeded scenes of each kind, each with other faces."""
    rng = np.random.default_rng(seed)
    backgrounds = load_backgrounds(None)
    files = itertools.cycle(face_files(folder, per_kind * (len(kinds) + 20), rng))
    for kind in kinds:
        for _ in range(per_kind if kind in SEVERAL else 0):
            count = int(rng.integers(2, 5) if kind == "few" else rng.integers(5, 31))
            faces = [decode_image(next(files).read_bytes()) for _ in range(count)]
            yield compose_several(kind, faces, backgrounds, rng)
        if kind in SEVERAL:
            continue
        for _ in range(per_kind):
            yield compose(kind, decode_image(next(files).read_bytes()), backgrounds, rng)
