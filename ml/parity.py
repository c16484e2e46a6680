"""Does the served file answer as the network it came from? `python -m ml.parity --data DIR [--split test]`

Compares the shipped model, through the serving code, with its Keras network on whichever backend KERAS_BACKEND names.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import keras
import numpy as np

from ml.calibration import Calibration, serving_network
from ml.data import DataError, load_pictures
from ml.evaluate import keras_outputs
from ml.inference.classifier import SHIPPED_MODEL, Classifier
from ml.inference.contract import ModelError
from ml.training.runs import WHOLE_MODEL

TOLERANCE = 1e-3


def check_parity(classifier: Classifier, network: keras.Model, images: np.ndarray) -> dict[str, float]:
    """Compare the serving code on an exported file with Keras on the same pictures.

    Args:
        network: as `serving_network` makes it. images: `(n, 48, 48)` uint8.

    Raises:
        ModelError: an answer differs, or a probability by more than `TOLERANCE`.
    """
    expected = keras_outputs(network, images)
    gaps, changed = [], 0
    for start in range(0, len(images), 100):
        received = classifier.predict_outputs(images[start : start + 100])
        for name, rows in received.items():
            reference = expected[name][start : start + 100]
            gaps.append(np.abs(rows - reference).max())
            changed += int((rows.argmax(axis=1) != reference.argmax(axis=1)).sum())
    worst = float(np.max(gaps))
    if changed or not worst <= TOLERANCE:  # not a number is no parity either
        raise ModelError(
            f"expected the same answers within {TOLERANCE} from Keras and LiteRT on {len(images)} pictures, "
            f"received {changed} different answers and a largest difference of {worst:.2g}"
        )
    return {"pictures": len(images), "max_difference": worst, "same_answer": 1.0}


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m ml.parity", description="Compare a served file with the Keras network beside it."
    )
    parser.add_argument("--data", required=True, help="directory with SPLIT/CLASS/*.jpg")
    parser.add_argument("--split", default="test")
    parser.add_argument("--model", type=Path, default=SHIPPED_MODEL, help=f".tflite beside its card and {WHOLE_MODEL}")
    options = parser.parse_args(arguments)
    try:
        classifier = Classifier(options.model)
        network = keras.models.load_model(options.model.with_name(WHOLE_MODEL), compile=False)
        pictures = load_pictures(options.data, options.split, classifier.classes)
        serving = serving_network(network, Calibration.from_card(classifier.card))
        parity = check_parity(classifier, serving, pictures.images)
    except (DataError, ModelError, OSError) as error:
        print(f"ml.parity: {error}", file=sys.stderr)
        return 2
    print(
        f"LiteRT and Keras on {keras.backend.backend()} agree on all {parity['pictures']} pictures; "
        f"largest difference of a probability {parity['max_difference']:.1e}"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
