from __future__ import annotations

import keras
import numpy as np
import pytest

from ml.model import best_network, document_network, multiply_adds


@pytest.fixture(scope="module")
def faces() -> np.ndarray:
    return np.random.default_rng(0).uniform(0, 255, (3, 48, 48, 1)).astype(np.float32)


def test_document_network_gives_one_distribution_per_face(faces: np.ndarray) -> None:
    outputs = document_network()(faces).numpy()
    assert outputs.shape == (3, 7)
    assert outputs.sum(axis=1) == pytest.approx(1, abs=1e-5)


def test_document_network_has_the_documented_layers() -> None:
    kinds = {type(layer) for layer in document_network().layers}
    layers = keras.layers
    expected = {layers.Conv2D, layers.BatchNormalization, layers.MaxPooling2D, layers.Dropout, layers.Dense}
    assert expected | {layers.Rescaling} <= kinds


def test_best_network_gives_a_distribution_per_label_set(faces: np.ndarray) -> None:
    outputs = best_network()(faces)
    assert set(outputs) == {"original", "people"}
    for rows in outputs.values():
        assert rows.numpy().sum(axis=1) == pytest.approx(1, abs=1e-5)


def test_best_network_stays_within_its_cost() -> None:
    network = best_network()
    assert multiply_adds(network) <= 70e6
    assert network.count_params() <= 2.5e6


def test_other_class_counts(faces: np.ndarray) -> None:
    assert document_network(3)(faces).shape == (3, 3)


def test_multiply_adds_by_hand() -> None:
    inputs = keras.Input((8, 8, 2))
    x = keras.layers.Conv2D(4, 3, padding="same", strides=2)(inputs)
    network = keras.Model(inputs, keras.layers.Dense(5)(keras.layers.Flatten()(x)))
    assert multiply_adds(network) == 4 * 4 * 3 * 3 * 2 * 4 + 4 * 4 * 4 * 5
