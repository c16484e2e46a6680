"""Train the small network that tells whether a window holds a face, and how to move the window onto it.

    python -m ml.align --data DIR [--backgrounds DIR] [--windows 160000] [--epochs 9] [--seed 0] [--out ml/artifacts]
    python -m ml.align --data DIR --measure

Haar cascades propose windows; this network decides and brings each window to the framing of the training pictures:
position, size and roll. It learns from the faces of `DIR/train`, seen through windows displaced by known amounts, and
from windows of pictures without a face; in two further rounds also from those that it took for faces. Writes
`align.tflite` and `align.json`. `--measure` trains nothing: it measures the file in `--out` and updates its card.

One file in ten is never trained on (`held_out`), so that detection can be measured on faces it has not learned.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ml.arguments import align_arguments, check_before_imports
from ml.console import OutputError, before_imports, check_writable, load_tensorflow_library, run

if __name__ == "__main__":  # before the slow imports
    before_imports("ml.align")
    check_before_imports("ml.align", align_arguments)
    load_tensorflow_library()

import keras
import numpy as np
from keras import layers, ops

from ml.data import DataError
from ml.inference.align import PATCH_SHARE, PATCH_SIZE, FaceAligner
from ml.inference.card import read_checked_card
from ml.inference.contract import ModelError
from ml.inference.geometry import Window
from ml.training import torch_kernels
from ml.training.composed import load_backgrounds, load_faces
from ml.training.provenance import provenance, write_detector_card
from ml.training.windows import Windows, hard_negatives, make_windows

MEASURED_WINDOWS, MEASURED_SEED = 6000, 9
"""Windows of held-out faces on which an exported file is measured."""


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


def export(model: keras.Model, folder: Path) -> Path:
    """Write `align.tflite`, one output `(1, 5)` (face, right, down, log scale, turn); returns its path."""
    joined = keras.Model(model.input, ops.concatenate([model.output["face"], model.output["pose"]], axis=-1))
    folder.mkdir(parents=True, exist_ok=True)
    signature = [keras.InputSpec(shape=(1, PATCH_SIZE, PATCH_SIZE, 1), dtype="float32", name="pixels")]
    joined.export(folder / "align.tflite", format="litert", input_signature=signature, verbose=False)
    return folder / "align.tflite"


def measure(model: Path, windows: Windows) -> dict[str, Any]:
    """The figures of an exported file on windows that it was not trained on.

    Returns:
        `windows`; `faces_accepted` and `others_refused`, shares of the windows on a face and of those on none, at a
        probability of 0.5; the median errors of a window that was moved once: `position_error` in sides,
        `log_scale_error` and `turn_error_deg`.
    """
    aligner = FaceAligner(model)
    middle = Window(PATCH_SIZE / 2, PATCH_SIZE / 2, PATCH_SIZE / PATCH_SHARE)
    answers = [aligner.look(patch[..., 0], middle) for patch in windows.pixels]
    accepted = np.array([face > 0.5 for face, _ in answers])
    moved = [((to.x - middle.x) / middle.side, (to.y - middle.y) / middle.side) for _, to in answers]
    sizes = [(math.log(to.side / middle.side), math.radians(to.roll_deg)) for _, to in answers]
    errors = (np.hstack([moved, sizes]) - windows.pose)[windows.pose_weight > 0]
    on_face, counted = windows.face[:, 0] == 1, windows.face_weight > 0
    return {
        "windows": len(answers),
        "faces_accepted": round(float(accepted[on_face & counted].mean()), 4),
        "others_refused": round(float((~accepted[~on_face & counted]).mean()), 4),
        "position_error": round(float(np.median(np.hypot(errors[:, 0], errors[:, 1]))), 4),
        "log_scale_error": round(float(np.median(np.abs(errors[:, 2]))), 4),
        "turn_error_deg": round(math.degrees(float(np.median(np.abs(errors[:, 3])))), 2),
    }


def measure_held_out(model: Path, data: Path, backgrounds: Path | None) -> dict[str, Any]:
    """`measure` on `MEASURED_WINDOWS` windows of the held-out faces, and the command that did it."""
    faces = load_faces(data / "train", to_measure=True)
    windows = make_windows(faces, load_backgrounds(backgrounds), MEASURED_WINDOWS, MEASURED_SEED)
    return provenance() | {"faces": len(faces)} | measure(model, windows)


def train(options: argparse.Namespace) -> tuple[keras.Model, dict[str, Any]]:
    """The trained network, and what it was trained on."""
    faces, backgrounds = load_faces(options.data / "train"), load_backgrounds(options.backgrounds)
    windows = make_windows(faces, backgrounds, options.windows, options.seed)
    model = align_model()
    fit(model, windows, options.epochs, 2e-3)
    for round_seed in (1, 2):
        windows += hard_negatives(
            model, backgrounds, options.windows // 8, options.windows // 2, options.seed + round_seed
        )
        fit(model, windows, max(1, options.epochs // 3), 1e-3)
    facts = provenance() | {"faces": len(faces), "backgrounds": len(backgrounds)}
    return model, facts | {name: getattr(options, name) for name in ("windows", "epochs", "seed")}


def main(arguments: Sequence[str] | None = None) -> int:
    options = align_arguments(arguments)
    try:
        check_writable(options.out, folder=True)
        make(options)
    except (DataError, ModelError, OutputError, ValueError) as error:
        print(f"ml.align: {error}", file=sys.stderr)
        return 2
    return 0


def make(options: argparse.Namespace) -> None:
    """Train, export or only measure the network, as the options say; write its card.

    Raises:
        DataError: there are no faces. ModelError, ValueError: the file or the weights to use are not of this network.
    """
    if options.measure:
        path = options.out / "align.tflite"
        card = read_checked_card(path)
        parameters, training = card["parameters"], card["training"]
    elif options.weights:
        model, training = align_model(), json.loads(options.weights.with_suffix(".json").read_text())
        model.load_weights(options.weights)
        parameters, path = model.count_params(), export(model, options.out)
    else:
        keras.utils.set_random_seed(options.seed)
        if keras.backend.backend() == "torch":
            torch_kernels.install()
        model, training = train(options)
        if keras.backend.backend() != "tensorflow":  # only TensorFlow can convert
            options.out.mkdir(parents=True, exist_ok=True)
            model.save_weights(options.out / "align.weights.h5")
            (options.out / "align.weights.json").write_text(json.dumps(training))
            weights = options.out / "align.weights.h5"
            print(f"now: KERAS_BACKEND=tensorflow python -m ml.align --data {options.data} --weights {weights}")
            return
        parameters, path = model.count_params(), export(model, options.out)
    metrics = measure_held_out(path, options.data, options.backgrounds)
    write_detector_card(path, parameters, training, metrics)
    print(json.dumps(metrics, indent=1))


if __name__ == "__main__":
    run("ml.align", main)
