"""Train the small network that tells whether a window holds a face, and how to move the window onto it.

    python -m ml.align --data DIR [--backgrounds DIR] [--windows 200000] [--epochs 10] [--seed 0] [--out ml/artifacts]

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

import cv2
import keras
import numpy as np
from keras import layers, ops

from ml.inference.align import PATCH_SHARE, PATCH_SIZE, held_out
from ml.inference.contract import INPUT_SIZE
from ml.inference.geometry import Window, cut_window
from ml.training import torch_kernels

CANVAS = 112
"""Side of the canvas in whose middle a training face lies, with something round it."""
NEAR = Window(0.22, 0.22, 0.3, 45.0)
"""A window displaced by at most this much (shares of the side, logarithm of the scale, degrees) is on the face."""
FAR = Window(0.45, 0.45, 0.6, 80.0)
"""One displaced by more than this in any way is not; between the two the network is asked only where the face is."""
BETWEEN = Window(0.32, 0.32, 0.45, 60.0)
ANYWHERE = Window(0.9, 0.9, 1.1, 180.0)
BACKGROUNDS = ("coffee", "chelsea", "rocket", "grass", "gravel", "brick", "moon", "text", "page", "clock")
"""Pictures of scikit-image without a person."""


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


def load_faces(folder: Path) -> np.ndarray:
    """The faces in the class folders of a folder, but the held out, `(n, 48, 48)` uint8."""
    files = sorted(path for path in folder.glob("*/*") if path.suffix.lower() in {".jpg", ".png"})
    read = (cv2.imread(str(path), cv2.IMREAD_GRAYSCALE) for path in files if not held_out(path))
    faces = [face for face in read if face is not None and face.shape == (INPUT_SIZE, INPUT_SIZE)]
    if not faces:
        raise SystemExit(f"expected 48×48 face pictures in class folders of {folder}, received none")
    return np.stack(faces)


def load_backgrounds(folder: Path | None) -> list[np.ndarray]:
    """Grey pictures without a person: those of scikit-image, and those of a folder."""
    from skimage import data

    pictures = [getattr(data, name)() for name in BACKGROUNDS]
    loaded = [cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY) if picture.ndim == 3 else picture for picture in pictures]
    for path in sorted(folder.rglob("*")) if folder else ():
        picture = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE) if path.is_file() else None
        if picture is not None and min(picture.shape) >= 100:
            loaded.append(picture)
    return loaded


def random_window(picture: np.ndarray, rng: np.random.Generator) -> Window:
    """Any window of a picture, from small to nearly all of it."""
    height, width = picture.shape
    side = float(np.exp(rng.uniform(np.log(24), np.log(0.9 * min(height, width)))))
    return Window(rng.uniform(0, width), rng.uniform(0, height), side, rng.uniform(-60, 60))


def face_canvas(face: np.ndarray, backgrounds: Sequence[np.ndarray], rng: np.random.Generator) -> np.ndarray:
    """A face amid its own repeated border, or amid a background with a hard or soft edge; `(CANVAS, CANVAS)` uint8."""
    margin = (CANVAS - INPUT_SIZE) // 2
    border = cv2.BORDER_REPLICATE if rng.random() < 0.5 else cv2.BORDER_REFLECT_101
    canvas = cv2.copyMakeBorder(face, margin, margin, margin, margin, border)
    kind = rng.random()
    if kind < 0.35:
        return canvas
    picture = backgrounds[int(rng.integers(len(backgrounds)))]
    background = cut_window(picture, random_window(picture, rng), CANVAS)
    if kind < 0.5:
        background[margin:-margin, margin:-margin] = face
        return background
    mask: np.ndarray = np.zeros((CANVAS, CANVAS), np.float32)
    axes = round(INPUT_SIZE * rng.uniform(0.48, 0.7)), round(INPUT_SIZE * rng.uniform(0.55, 0.8))
    cv2.ellipse(mask, (CANVAS // 2, CANVAS // 2), axes, 0, 0, 360, 1.0, -1)
    mask = cv2.GaussianBlur(mask, (0, 0), rng.uniform(0.5, 4))
    return (canvas * mask + background * (1 - mask)).astype(np.uint8)


def spoil(patch: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The light, coarseness and noise that cameras have."""
    if rng.random() < 0.25:
        coarse = int(rng.integers(14, PATCH_SIZE))
        small = cv2.resize(patch, (coarse, coarse), interpolation=cv2.INTER_AREA)
        patch = cv2.resize(small, (PATCH_SIZE, PATCH_SIZE), interpolation=cv2.INTER_LINEAR)
    values: np.ndarray = patch.astype(np.float32)
    if rng.random() < 0.3:
        along, across = np.meshgrid(*[np.linspace(-1, 1, PATCH_SIZE)] * 2)
        direction = rng.uniform(0, 2 * math.pi)
        values = values * (1 + rng.uniform(0, 0.8) * (along * math.cos(direction) + across * math.sin(direction)))
    values = 255 * np.clip(values / 255, 0, 1) ** rng.uniform(0.6, 1.7)
    values = values * rng.uniform(0.15, 1.1) + rng.uniform(-15, 25) + rng.normal(0, rng.uniform(0, 5), values.shape)
    return np.clip(values, 0, 255).astype(np.uint8)


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
            true = Window(CANVAS / 2, CANVAS / 2, INPUT_SIZE)
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
