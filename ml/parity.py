"""Compare the served file with its Keras network: `python -m ml.parity --data DIR [--split test]`.

Compares the shipped model, through the serving code, with its Keras network on the backend that KERAS_BACKEND names.
"""

from __future__ import annotations

import sys
from pathlib import Path

from ml.arguments import check_before_imports, parity_arguments
from ml.console import before_imports, load_tensorflow_library, run

if __name__ == "__main__":  # before the slow imports
    before_imports("ml.parity")
    check_before_imports("ml.parity", parity_arguments)
    load_tensorflow_library()

import keras

from ml.calibration import Calibration
from ml.data import DataError, load_pictures
from ml.evaluation.agreement import EXACT, QUANTIZED, check_agreement
from ml.inference.classifier import Classifier
from ml.inference.contract import ModelError
from ml.serving_network import serving_network
from ml.training.runs import WHOLE_MODEL


def load_network_beside(model: Path) -> keras.Model:
    try:
        return keras.models.load_model(model.with_name(WHOLE_MODEL), compile=False)
    except OSError as error:
        expected = f"the network {WHOLE_MODEL} beside {model}, as ml.export writes it"
        raise DataError(f"expected {expected}, received none that can be read") from error


def main(arguments: list[str] | None = None) -> int:
    options = parity_arguments(arguments)
    try:
        classifier = Classifier(options.model)
        network = load_network_beside(options.model)
        pictures = load_pictures(options.data, options.split, classifier.classes)
        serving = serving_network(network, Calibration.from_card(classifier.card))
        bounds = QUANTIZED if classifier.card.quantization else EXACT
        parity = check_agreement(classifier, serving, pictures.images, bounds)
    except (DataError, ModelError, ValueError) as error:
        print(f"ml.parity: {error}", file=sys.stderr)
        return 2
    print(
        f"LiteRT and Keras on {keras.backend.backend()} give the same answer on {parity['same_answer']:.1%} of "
        f"{parity['pictures']} pictures; a probability differs by {parity['mean_difference']:.1e} on average and by "
        f"{parity['max_difference']:.1e} at most"
    )
    return 0


if __name__ == "__main__":
    run("ml.parity", main)
