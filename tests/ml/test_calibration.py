"""Temperatures, the threshold of uncertain answers, and the served answer."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ml.calibration import (
    NEUTRAL_SHARE,
    SERVED_SHARES,
    Calibration,
    apply_temperature,
    calibrate,
    confidence_of_even_odds,
    expected_shares,
    fit_offset,
    fit_temperature,
    mix,
    served_answer,
)
from ml.evaluation.metrics import calibration_error_by_chance, expected_calibration_error
from ml.inference.classifier import Classifier
from ml.inference.contract import ModelError
from ml.model import best_network, document_network
from ml.serving_network import serving_network


def test_a_network_with_one_output_serves_it() -> None:
    serving = serving_network(document_network(), Calibration({"original": 2.0, "served": 1.0}))
    faces = np.zeros((2, 48, 48, 1), np.float32)
    outputs = serving(faces)
    assert set(outputs) == {"original", "served"}
    assert np.allclose(outputs["served"], outputs["original"], atol=1e-6)


def test_temperature_calibrates_an_overconfident_model() -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 1, (20_000, 7))
    honest = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    labels = np.array([rng.choice(7, p=row) for row in honest])
    loud = apply_temperature(honest, 1 / 3)
    temperature = fit_temperature(loud, labels)
    assert temperature == pytest.approx(3, rel=0.05)
    assert expected_calibration_error(loud, labels) > 0.2
    assert expected_calibration_error(apply_temperature(loud, temperature), labels) < 0.02


def test_a_perfectly_calibrated_network_has_the_calibration_error_of_chance() -> None:
    random = np.random.default_rng(3)
    true = random.dirichlet([0.3] * 7, 3000)
    low, high = calibration_error_by_chance(true.max(axis=1))
    within = 0
    for _ in range(100):
        labels = (random.random((len(true), 1)) > true.cumsum(axis=1)).sum(axis=1)
        within += low <= expected_calibration_error(true, labels) <= high
    assert 80 <= within <= 98, within
    few = calibration_error_by_chance(true[:300].max(axis=1))
    assert few[1] > few[0] > high, "fewer pictures have a larger error by chance"
    assert expected_calibration_error(apply_temperature(true, 0.5), labels) > high


def test_the_uncertain_threshold_is_where_half_are_right() -> None:
    rng = np.random.default_rng(0)
    confidence = rng.uniform(0.15, 1, 50_000)
    probabilities = np.column_stack([confidence, *[(1 - confidence) / 6] * 6])
    labels = np.where(rng.random(50_000) < confidence, 0, 1)
    assert confidence_of_even_odds(probabilities, labels) == pytest.approx(0.5, abs=0.05)


def test_calibration_fits_each_output_to_its_own_labels() -> None:
    rng = np.random.default_rng(0)
    outputs = {name: rng.dirichlet(np.ones(7), 500) for name in ("original", "people")}
    labels, majority = outputs["original"].argmax(1), outputs["people"].argmax(1)
    result = calibrate(outputs, labels, majority)
    assert isinstance(result, Calibration)
    assert set(result.temperatures) == {"original", "people", "served"}
    assert result.temperatures["original"] < 0.2, "always right: as sharp as allowed"
    assert result.shares == SERVED_SHARES


def test_the_offset_exchanges_the_training_frequencies_for_the_expected_ones() -> None:
    """A picture that tells nothing is answered with the training frequencies; after the offset with the expected."""
    prior = np.array([0.1, 0.01, 0.04, 0.25, 0.15, 0.15, 0.3])
    expected = expected_shares(7, NEUTRAL_SHARE)
    nothing_known = fit_offset(prior[np.newaxis], np.array([-1]), prior, expected)
    assert apply_temperature(prior[np.newaxis], 1.0, nothing_known) == pytest.approx(expected[np.newaxis], abs=1e-5)
    assert expected[6] == NEUTRAL_SHARE
    assert expected.sum() == pytest.approx(1)


def test_the_offset_corrects_a_network_that_calls_neutral_faces_sad() -> None:
    rng = np.random.default_rng(0)
    seen = rng.integers(0, 7, 20_000)
    logits = rng.normal(0, 1, (len(seen), 7)) + 2 * np.eye(7)[seen]
    logits[:, 4] += 1.5  # sad by far too often
    answers = apply_temperature(np.exp(logits), 1.0)
    even = np.full(7, 1 / 7)
    corrected = apply_temperature(answers, 1.0, fit_offset(answers, seen, even, even))
    neutral = seen == 6
    assert np.mean(answers[neutral].argmax(1) == 4) > 0.25
    assert np.mean(corrected[neutral].argmax(1) == 4) < 0.1
    few = fit_offset(answers[:20], seen[:20], even, even)
    assert np.abs(few).max() < 0.5, "twenty pictures change little"


def test_a_card_without_this_calibration_is_refused() -> None:
    card = Classifier().card
    assert Calibration.from_card(card).shares == SERVED_SHARES
    for other in ({}, {"temperatures": {}, "prior_weight": 1.0}):
        with pytest.raises(ModelError, match=r"expected a calibration as this version of ml\.export writes it"):
            Calibration.from_card(replace(card, calibration=other))


def test_the_graph_calculates_what_was_fitted() -> None:
    rng = np.random.default_rng(0)
    frequencies = {name: rng.dirichlet(np.ones(7)) for name in ("original", "people")}
    outputs = {name: rng.dirichlet(np.ones(7), 300) for name in ("original", "people")}
    labels = outputs["people"].argmax(1)
    calibration = calibrate(outputs, labels, labels, frequencies)
    network = best_network()
    faces = rng.uniform(0, 255, (3, 48, 48, 1)).astype(np.float32)
    assert calibration.offset is not None
    answers = {name: np.asarray(rows) for name, rows in network(faces).items()}
    received = serving_network(network, calibration)(faces)
    assert np.asarray(received["served"]) == pytest.approx(served_answer(answers, calibration), abs=1e-5)
    people = apply_temperature(answers["people"], calibration.temperatures["people"])
    assert np.asarray(received["people"]) == pytest.approx(people, abs=1e-5)


def test_a_mixture_lies_between_its_parts() -> None:
    parts = {"people": np.array([[0.8, 0.2]]), "original": np.array([[0.2, 0.8]])}
    assert mix(parts, {"people": 1.0}) == pytest.approx(parts["people"])
    assert mix(parts, {"people": 0.5, "original": 0.5}) == pytest.approx(np.array([[0.4, 0.4]]))


def test_few_pictures_make_no_model_sure_and_one_output_is_served_as_it_is() -> None:
    answers = np.array([[0.7, 0.2, 0.1]] * 8)
    result = calibrate({"original": answers}, np.zeros(8, np.int64), None)
    assert 0.5 < result.temperatures["original"] < 1, "always right, but eight times only"
    assert result.temperatures["served"] == 1
