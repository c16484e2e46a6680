"""Train the network that finds faces of one size anywhere in a picture, for `ml.inference.scan`.

    python -m ml.scan --data DIR [--backgrounds DIR] [--steps 4000] [--seed 0] [--out ml/artifacts]

It learns from pictures composed of the faces of `DIR/train` and of pictures without a person (scikit-image's, and a
folder's): for every fourth pixel whether a face of about 24 px lies there, and how far its window is from there. Faces
much smaller, larger or upside down count as none. Writes `scan.tflite` and `scan.json`. An interrupted run
continues when it is started again with the same arguments, and is refused with others.

One file in ten is never trained on (`held_out`), so that detection can be measured on faces it has not learned.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ml.arguments import check_before_imports, scan_arguments
from ml.console import (
    OutputError,
    before_imports,
    check_writable,
    load_tensorflow_library,
    run,
    write_text,
)

if __name__ == "__main__":  # before the slow imports
    before_imports("ml.scan")
    check_before_imports("ml.scan", scan_arguments)
    load_tensorflow_library()

import keras
import numpy as np
from keras import layers, ops

from ml.data import DataError
from ml.inference.geometry import Window
from ml.inference.scan import FACE_PX, FIRST_CENTER_PX, STRIDE_PX, even_contrast
from ml.training.composed import compose, load_backgrounds, load_faces
from ml.training.provenance import provenance, write_detector_card

CROP_PX = 96
CELLS = CROP_PX // STRIDE_PX
BATCH = 32
STEPS_PER_EPOCH = 250
CHANNELS = (16, 24, 32, 40, 48, 48)
NEAR = Window(0.2, 0.2, 0.3, 45.0)
"""A cell stands for a face that differs by at most this much (shares of the side, log of the scale, degrees)."""
FAR = Window(0.45, 0.45, 0.6, 80.0)
"""A face that differs more in any way counts as none. Between the two, the probability has no weight in the loss."""


def scan_model(size_hw: tuple[int | None, int | None] = (None, None)) -> keras.Model:
    """Even contrast `(n, h, w, 1)` to `(n, h/4, w/4, 5)`: logit of a face, right, down, log scale, turn."""
    picture = keras.Input((*size_hw, 1), name="picture")
    x = picture
    for index, channels in enumerate(CHANNELS):
        x = layers.Conv2D(
            channels, 3, strides=2 if index < 2 else 1, padding="same", use_bias=False, name=f"conv_{index}"
        )(x)
        x = layers.ReLU()(layers.BatchNormalization(momentum=0.98, name=f"norm_{index}")(x))
    answers = layers.Conv2D(5, 1, name="answers", bias_initializer=_rare)(x)
    return keras.Model(picture, answers, name="scan")


def _rare(shape: Sequence[int], dtype: str | None = None) -> Any:
    """Initial bias: a face in one cell of a hundred."""
    return ops.convert_to_tensor([math.log(0.01)] + [0.0] * (shape[0] - 1), dtype=dtype or "float32")


def targets(faces: Sequence[Window]) -> np.ndarray:
    """The wanted answers of the cells of a crop, `(24, 24, 6)` float32.

    They are: a face (1, 0, or -1 for either); right, down, log scale and turn of its window from the cell; whether
    those four count.
    """
    centers = FIRST_CENTER_PX + STRIDE_PX * np.arange(CELLS)
    wanted = np.zeros((CELLS, CELLS, 6), np.float32)
    best: np.ndarray = np.full((CELLS, CELLS), np.inf)
    for face in faces:
        right = np.broadcast_to((face.x - centers[None, :]) / FACE_PX, (CELLS, CELLS))
        down = np.broadcast_to((face.y - centers[:, None]) / FACE_PX, (CELLS, CELLS))
        log_scale = math.log(face.side / FACE_PX)
        roll = (face.roll_deg + 180) % 360 - 180
        distance = np.maximum(np.abs(right), np.abs(down))
        near = (distance < NEAR.x) & (abs(log_scale) < NEAR.side) & (abs(roll) < NEAR.roll_deg)
        close = (distance < FAR.x) & (abs(log_scale) < FAR.side) & (abs(roll) < FAR.roll_deg)
        nearer = close & (distance < best)
        best = np.where(nearer, distance, best)
        wanted[nearer, 0] = np.where(near, 1.0, -1.0)[nearer]
        values = np.stack([right, down, np.full_like(right, log_scale), np.full_like(right, math.radians(roll))], -1)
        wanted[nearer, 1:5] = values[nearer]
        wanted[nearer, 5] = 1.0
    return wanted


def batches(
    faces: np.ndarray, backgrounds: Sequence[np.ndarray], seed: int, first_step: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Endless batches: pictures `(32, 96, 96, 1)` float32 and `targets`; each depends on the seed and its number."""
    step = first_step
    while True:
        rng = np.random.default_rng((seed, step))
        made = [compose(faces, backgrounds, CROP_PX, FACE_PX, rng) for _ in range(BATCH)]
        yield (
            np.stack([even_contrast(one.gray) for one in made])[..., np.newaxis],
            np.stack([targets(one.faces) for one in made]),
        )
        step += 1


def loss(wanted: Any, answers: Any) -> Any:
    """Focal cross-entropy (Lin et al. 2017) of the faces and Huber loss of the windows, both per face cell."""
    is_face = ops.cast(wanted[..., 0] > 0.5, "float32")
    counts = ops.cast(wanted[..., 0] > -0.5, "float32")
    logit = answers[..., 0]
    entropy = ops.softplus(ops.where(is_face > 0.5, -logit, logit))
    missed = 1 - ops.exp(-entropy)
    focal = counts * missed * missed * entropy * (0.5 + is_face)
    off = ops.abs(answers[..., 1:] - wanted[..., 1:5])
    huber = ops.where(off < 0.2, 0.5 * off * off, 0.2 * (off - 0.1))
    placed = wanted[..., 5]
    faces = ops.maximum(ops.sum(is_face), 1.0)
    return ops.sum(focal) / faces + 10 * ops.sum(huber * placed[..., None]) / ops.maximum(ops.sum(placed), 1.0)


def train(options: argparse.Namespace) -> tuple[keras.Model, dict[str, Any]]:
    """The trained network, and what it was trained on."""
    faces, backgrounds = load_faces(options.data / "train"), load_backgrounds(options.backgrounds)
    model = scan_model((CROP_PX, CROP_PX))
    schedule = keras.optimizers.schedules.CosineDecay(2e-3, options.steps)
    model.compile(keras.optimizers.AdamW(schedule, weight_decay=1e-4), loss=loss)
    options.out.mkdir(parents=True, exist_ok=True)
    settings = {"seed": options.seed, "of": options.steps, "faces": len(faces), "backgrounds": len(backgrounds)}
    state_file = options.out / "scan.training.json"
    state = json.loads(state_file.read_text()) if state_file.exists() else settings | {"steps": 0, "loss": None}
    if others := {name: state.get(name) for name in settings if state.get(name) != settings[name]}:
        raise DataError(f"expected {settings} as in the run to continue, received {others} in {state_file}")
    if state["steps"]:
        model = keras.models.load_model(
            _checkpoint(options.out, state["steps"]), custom_objects={"loss": loss, "_rare": _rare}
        )
        model.optimizer.learning_rate = schedule
    while (done := state["steps"]) < options.steps:
        steps = min(STEPS_PER_EPOCH, options.steps - done)
        made = batches(faces, backgrounds, options.seed, done)
        fitted = model.fit(made, steps_per_epoch=steps, shuffle=False, verbose=0)
        state |= {"steps": done + steps, "loss": fitted.history["loss"][0]}
        print(f"{state['steps']} of {options.steps} steps: loss {state['loss']:.4f}", flush=True)
        model.save(_checkpoint(options.out, state["steps"]))
        write_text(state_file, json.dumps(state))  # from here on the new checkpoint counts
        _checkpoint(options.out, done).unlink(missing_ok=True)
    facts = provenance() | {"faces": len(faces), "backgrounds": len(backgrounds), "loss": state["loss"]}
    return model, facts | {name: getattr(options, name) for name in ("steps", "seed")}


def _checkpoint(folder: Path, steps: int) -> Path:
    return folder / f"scan.training-{steps}.keras"


def export(model: keras.Model, folder: Path, pictures: np.ndarray, training: dict[str, Any]) -> None:
    """Write `scan.tflite`, whose input takes pictures of any size, and the card beside it.

    Args:
        pictures: `(n, 96, 96)` float32 as from `even_contrast`, by which the ranges of the integers are chosen.
    """
    folder.mkdir(parents=True, exist_ok=True)
    signature = [keras.InputSpec(shape=(1, CROP_PX, CROP_PX, 1), dtype="float32", name="picture")]
    path = folder / "scan.tflite"
    model.export(path, format="litert", input_signature=signature, verbose=False)
    quantize(path, pictures)
    write_detector_card(path, model.count_params(), training)


def quantize(path: Path, pictures: np.ndarray) -> None:
    """Let the convolutions of an exported network calculate in 8-bit integers, in place; the answers stay float."""
    # Only an export needs the quantiser; importing this module must not.
    from ai_edge_quantizer import qtyping, quantizer  # type: ignore[import-untyped]

    recipe = quantizer.Quantizer(path.read_bytes())
    recipe.add_static_config(
        regex=r"^(?!.*answers).*$",
        operation_name=qtyping.TFLOperationName.CONV_2D,
        activation_num_bits=8,
        weight_num_bits=8,
        weight_granularity=qtyping.QuantGranularity.CHANNELWISE,
    )
    batches = [{"picture": picture[np.newaxis, :, :, np.newaxis]} for picture in pictures]
    ranges = recipe.calibrate({"serving_default": batches}, num_threads=1)
    recipe.quantize(ranges, enable_progress_bar=False).export_model(str(path), overwrite=True)


def main(arguments: Sequence[str] | None = None) -> int:
    options = scan_arguments(arguments)
    try:
        check_writable(options.out, folder=True)
        keras.utils.set_random_seed(options.seed)
        model, training = train(options)
        faces, backgrounds = load_faces(options.data / "train"), load_backgrounds(options.backgrounds)
        pictures, _ = next(batches(faces, backgrounds, options.seed, options.steps))
        export(model, options.out, pictures[..., 0], training)
    except (DataError, OutputError, ValueError) as error:
        print(f"ml.scan: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    run("ml.scan", main)
