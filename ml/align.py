"""Train the small network that tells whether a window holds a face, and how to move the window onto it.

    python -m ml.align --data DIR [--backgrounds DIR] [--windows 160000] [--epochs 9] [--seed 0] [--out ml/artifacts]

Haar cascades propose windows; this network decides and brings each window to the framing of the training pictures:
position, size and roll. It learns from the faces of `DIR/train`, seen through windows displaced by known amounts, and
from windows of pictures without a face; in two further rounds also from those that deceived it before. Writes
`align.tflite` and `align.json`.

One file in ten is never trained on (`held_out`), so that detection can be measured on faces it has not learned.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from ml.inference.align import PATCH_SHARE, PATCH_SIZE
from ml.inference.contract import INPUT_SIZE
from ml.inference.geometry import Window, cut_window
from ml.training import torch_kernels
from ml.training.composed import CANVAS_PX, face_canvas, load_backgrounds, load_faces, random_window, spoil

NEAR = Window(0.22, 0.22, 0.3, 45.0)
"""A window displaced by at most this much (shares of the side, logarithm of the scale, degrees) is on the face."""
FAR = Window(0.45, 0.45, 0.6, 80.0)
"""One displaced by more than this in any way is not; between the two the network is asked only where the face is."""
BETWEEN = Window(0.32, 0.32, 0.45, 60.0)
ANYWHERE = Window(0.9, 0.9, 1.1, 180.0)


@dataclass(frozen=True)
class Windows:
    """`pixels` `(n, P, P, 1)` uint8 · `face` `(n, 1)` 0 or 1, weighed by `face_weight` `(n,)` · `pose` `(n, 4)`: how
    far to move right and down in sides, logarithm of the scale, clockwise turn in radians, weighed by `pose_weight`."""

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
        pixels[index, :, :, 0] = spoil(patch, rng)
    return Windows(pixels, face, face_weight, pose, pose_weight)


def align_model() -> keras.Model:
    """Grey levels `(n, 32, 32, 1)` to `face` `(n, 1)`, a probability, and `pose` `(n, 4)`; evens out light itself."""
    pixels = keras.Input((PATCH_SIZE, PATCH_SIZE, 1), name="pixels")
    mean = ops.mean(pixels, axis=(1, 2), keepdims=True)
    deviation = ops.sqrt(ops.mean(ops.square(pixels - mean), axis=(1, 2), keepdims=True))
    x = (pixels - mean) / (deviation + 4.0)
    for index, (channels, strides) in enumerate([(12, 2), (24, 1), (32, 2), (48, 2)]):
        x = layers.Conv2D(channels, 3, strides=strides, padding="same", use_bias=False, name=f"conv_{index}")(x)
        x = layers.ReLU()(layers.BatchNormalization()(x))
    x = layers.Dropout(0.2)(layers.Flatten()(x))
    x = layers.Dense(64, activation="relu")(x)
    face = layers.Dense(1, activation="sigmoid", name="face")(x)
    pose = layers.Dense(4, name="pose")(x)
    return keras.Model(pixels, {"face": face, "pose": pose}, name="align")


def fit(model: keras.Model, windows: Windows, epochs: int, learning_rate: float) -> None:
    steps = epochs * math.ceil(len(windows.pixels) / 256)
    schedule = keras.optimizers.schedules.CosineDecay(learning_rate, steps)
    model.compile(
        keras.optimizers.Adam(schedule),
        loss={"face": "binary_crossentropy", "pose": keras.losses.Huber(delta=0.2)},
        loss_weights={"face": 1.0, "pose": 20.0},
    )
    model.fit(
        windows.pixels,
        {"face": windows.face, "pose": windows.pose},
        sample_weight={"face": windows.face_weight, "pose": windows.pose_weight},
        batch_size=256,
        epochs=epochs,
        verbose=2,
    )


def deceiving_windows(
    model: keras.Model, backgrounds: Sequence[np.ndarray], count: int, tries: int, seed: int
) -> Windows:
    """Windows without a face that the model takes for one after moving them, the worst `count` of `tries`."""
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
    print(f"{(faces > 0.5).mean():.2%} of {tries} windows without a face deceive; learning {len(worst)} of them again")
    none = np.zeros((len(worst), 1), np.float32)
    return Windows(pixels[worst], none, np.ones(len(worst), np.float32), np.repeat(none, 4, 1), none[:, 0])


def export(model: keras.Model, folder: Path, training: dict[str, Any]) -> None:
    """Write `align.tflite`, one output `(1, 5)` (face, right, down, log scale, turn), and the card beside it."""
    joined = keras.Model(model.input, ops.concatenate([model.output["face"], model.output["pose"]], axis=-1))
    folder.mkdir(parents=True, exist_ok=True)
    signature = [keras.InputSpec(shape=(1, PATCH_SIZE, PATCH_SIZE, 1), dtype="float32", name="pixels")]
    joined.export(folder / "align.tflite", format="litert", input_signature=signature, verbose=False)
    digest = hashlib.sha256((folder / "align.tflite").read_bytes()).hexdigest()
    card = {"name": "align", "sha256": digest, "parameters": model.count_params(), "training": training}
    (folder / "align.json").write_text(json.dumps(card, indent=1) + "\n")


def train(options: argparse.Namespace) -> tuple[keras.Model, dict[str, Any]]:
    """The trained network, and what it was trained on."""
    faces, backgrounds = load_faces(options.data / "train"), load_backgrounds(options.backgrounds)
    windows = make_windows(faces, backgrounds, options.windows, options.seed)
    model = align_model()
    fit(model, windows, options.epochs, 2e-3)
    for round_seed in (1, 2):
        windows += deceiving_windows(
            model, backgrounds, options.windows // 8, options.windows // 2, options.seed + round_seed
        )
        fit(model, windows, max(1, options.epochs // 3), 1e-3)
    facts = {"faces": len(faces), "backgrounds": len(backgrounds)}
    return model, facts | {name: getattr(options, name) for name in ("windows", "epochs", "seed")}


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m ml.align", description="Train the network that aligns windows to faces."
    )
    parser.add_argument("--data", type=Path, metavar="DIR", help="folder whose train/ holds 48×48 faces")
    parser.add_argument("--backgrounds", type=Path, metavar="DIR", help="more pictures without a person")
    parser.add_argument("--windows", type=int, default=160_000)
    parser.add_argument("--epochs", type=int, default=9)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--weights", type=Path, metavar="FILE", help="train nothing, export these (.weights.h5)")
    parser.add_argument("--out", type=Path, default=Path("ml/artifacts"))
    options = parser.parse_args(arguments)
    if options.weights:
        model, training = align_model(), json.loads(options.weights.with_suffix(".json").read_text())
        model.load_weights(options.weights)
        export(model, options.out, training)
    elif options.data is None:
        parser.error("expected --data DIR or --weights FILE, received neither")
    else:
        keras.utils.set_random_seed(options.seed)
        if keras.backend.backend() == "torch":
            torch_kernels.install()
        model, training = train(options)
        if keras.backend.backend() == "tensorflow":
            export(model, options.out, training)
            return
        # Only TensorFlow can convert.
        options.out.mkdir(parents=True, exist_ok=True)
        model.save_weights(options.out / "align.weights.h5")
        (options.out / "align.weights.json").write_text(json.dumps(training))
        print(f"now: KERAS_BACKEND=tensorflow python -m ml.align --weights {options.out / 'align.weights.h5'}")


if __name__ == "__main__":
    main()
