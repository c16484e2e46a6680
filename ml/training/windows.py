"""Windows on a face, beside one, and without one: what `ml.align` learns from."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import keras
import numpy as np

from ml.inference.align import PATCH_SHARE, PATCH_SIZE
from ml.inference.contract import INPUT_SIZE
from ml.inference.geometry import Window, cut_window
from ml.training.composed import CANVAS_PX, degrade, face_canvas, random_window

NEAR = Window(0.22, 0.22, 0.3, 45.0)
"""A window displaced by at most this much (shares of the side, logarithm of the scale, degrees) is on the face."""
FAR = Window(0.45, 0.45, 0.6, 80.0)
"""A window displaced by more than this in any way is not on the face. Between the two only the pose is learned."""
BETWEEN = Window(0.32, 0.32, 0.45, 60.0)
ANYWHERE = Window(0.9, 0.9, 1.1, 180.0)
"""Largest displacements of the windows beside a face, close to it and anywhere around it."""


@dataclass(frozen=True)
class Windows:
    """Training windows with what the network should answer.

    pixels: `(n, 32, 32, 1)` uint8. face: `(n, 1)`, 1 on a face, else 0. pose: `(n, 4)`, how far to move right and down
    in sides, logarithm of the scale, clockwise turn in radians. face_weight, pose_weight: `(n,)`, 0 for an answer that
    is not learned.
    """

    pixels: np.ndarray
    face: np.ndarray
    face_weight: np.ndarray
    pose: np.ndarray
    pose_weight: np.ndarray

    def __add__(self, other: Windows) -> Windows:
        return Windows(*(np.concatenate(pair) for pair in zip(vars(self).values(), vars(other).values(), strict=True)))


def displaced(limit: Window, rng: np.random.Generator) -> Window:
    """A random displacement, uniform up to a limit, in the units of `NEAR`."""
    return Window(*(float(bound * rng.uniform(-1, 1)) for bound in (limit.x, limit.y, limit.side, limit.roll_deg)))


def exceeds(move: Window, limit: Window) -> bool:
    """Whether a displacement is larger than a limit in any way."""
    return any(abs(vars(move)[name]) > vars(limit)[name] for name in vars(limit))


def make_windows(faces: np.ndarray, backgrounds: Sequence[np.ndarray], count: int, seed: int) -> Windows:
    """Seeded training windows: a third on a face, a third beside one, a third without one."""
    rng = np.random.default_rng(seed)
    pixels = np.empty((count, PATCH_SIZE, PATCH_SIZE, 1), np.uint8)
    face, pose = np.zeros((count, 1), np.float32), np.zeros((count, 4), np.float32)
    face_weight, pose_weight = np.ones(count, np.float32), np.zeros(count, np.float32)
    for index in range(count):
        kind = rng.random()
        if kind < 0.3:
            picture = backgrounds[int(rng.integers(len(backgrounds)))]
            patch = cut_window(picture, random_window(picture, rng), PATCH_SIZE, PATCH_SHARE)
        else:
            chosen = faces[rng.integers(len(faces))]
            canvas = face_canvas(chosen[:, ::-1] if rng.random() < 0.5 else chosen, backgrounds, rng)
            limit = NEAR if kind < 0.65 else BETWEEN if kind < 0.85 else ANYWHERE
            move = displaced(limit, rng)
            true = Window(CANVAS_PX / 2, CANVAS_PX / 2, INPUT_SIZE)
            # Displacing the true window by the inverse of a move makes the move its correction.
            roll_rad = math.radians(move.roll_deg)
            side = INPUT_SIZE * math.exp(-move.side)
            cos, sin = math.cos(-roll_rad), math.sin(-roll_rad)
            window = Window(
                true.x - side * (cos * move.x - sin * move.y),
                true.y - side * (sin * move.x + cos * move.y),
                side,
                -move.roll_deg,
            )
            patch = cut_window(canvas, window, PATCH_SIZE, PATCH_SHARE)
            near, far = not exceeds(move, NEAR), exceeds(move, FAR)
            face[index], face_weight[index] = float(near), float(near or far)
            pose[index], pose_weight[index] = (move.x, move.y, move.side, roll_rad), float(limit is not ANYWHERE)
        pixels[index, :, :, 0] = degrade(patch, rng)
    return Windows(pixels, face, face_weight, pose, pose_weight)


def hard_negatives(model: keras.Model, backgrounds: Sequence[np.ndarray], count: int, tries: int, seed: int) -> Windows:
    """The `count` of `tries` windows without a face, moved by the model, that it is most sure are faces."""
    rng = np.random.default_rng(seed)
    pixels = np.empty((tries, PATCH_SIZE, PATCH_SIZE, 1), np.uint8)
    places = []
    for _ in range(tries):
        picture = backgrounds[int(rng.integers(len(backgrounds)))]
        places.append((picture, random_window(picture, rng)))
    for step in range(4):
        for index, (picture, window) in enumerate(places):
            pixels[index, :, :, 0] = cut_window(picture, window, PATCH_SIZE, PATCH_SHARE)
        answers = model.predict(pixels, batch_size=1024, verbose=0)
        if step < 3:
            poses = np.asarray(answers["pose"]).tolist()
            places = [(picture, window.moved(*pose)) for (picture, window), pose in zip(places, poses, strict=True)]
    faces = np.asarray(answers["face"])[:, 0]
    worst = np.argsort(-faces)[:count]
    worst = worst[faces[worst] > 0.02]
    print(
        f"{(faces > 0.5).mean():.2%} of {tries} windows without a face are taken for one; learning {len(worst)} of them"
    )
    none = np.zeros((len(worst), 1), np.float32)
    return Windows(pixels[worst], none, np.ones(len(worst), np.float32), np.repeat(none, 4, 1), none[:, 0])
