"""The report of outputs on labelled pictures: which figures it contains, and what is left out."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ml.data import Pictures, Votes
from ml.evaluation.scoring import robustness, score, split_of
from ml.inference.contract import EMOTIONS


def pictures_of(*labels: int, split: str = "test") -> Pictures:
    images = np.random.default_rng(0).integers(0, 256, (len(labels), 48, 48), dtype=np.uint8)
    files = tuple(f"{split}/{EMOTIONS[label]}/{index}.png" for index, label in enumerate(labels))
    return Pictures(images, np.array(labels), files, ())


def test_top_level_figures_are_those_of_the_folder_labels() -> None:
    right, wrong = np.eye(7)[[0, 1, 2, 3]], np.eye(7)[[6, 6, 6, 6]]
    votes = Votes(np.eye(7, dtype=np.float32)[[6, 6, 6, 6]] * [[1], [1], [0], [0]], np.array([6, 6, -1, -1]))
    report = score({"served": wrong, "original": right}, pictures_of(0, 1, 2, 3), votes)
    assert (report["split"], report["output"], report["served"]) == ("test", "original", "served")
    assert report["accuracy"] == 1
    people = report["outputs"]["served"]["people"]
    assert (people["accuracy"], people["n"]) == (1.0, 2), "pictures without a majority are left out"


def test_cross_entropy_is_that_of_the_shares_of_the_votes() -> None:
    outputs = np.full((1, 7), 0.5 / 6)
    outputs[0, 3] = 0.5
    shares = np.zeros((1, 7), np.float32)
    shares[0, [3, 4]] = 0.8, 0.2
    report = score({"people": outputs}, pictures_of(3), Votes(shares, np.array([3])))
    by_labels = report["outputs"]["people"]
    assert by_labels["folder"]["cross_entropy"] == pytest.approx(math.log(2))
    assert by_labels["people"]["cross_entropy"] == pytest.approx(0.8 * math.log(2) + 0.2 * math.log(12))


def test_votes_for_none_of_the_pictures_add_no_figures() -> None:
    votes = Votes(np.zeros((2, 7), np.float32), np.array([-1, -1]))
    assert set(score({"original": np.eye(7)[[0, 1]]}, pictures_of(0, 1), votes)["outputs"]["original"]) == {"folder"}


@pytest.mark.parametrize(
    ("split", "named"), [("train", "validation"), ("test", "test"), ("private_test", "private_test")]
)
def test_the_split_is_named(split: str, named: str) -> None:
    assert split_of(pictures_of(0, split=split)) == named


def test_robustness_scores_the_degraded_pictures() -> None:
    """A network that tells light from dark fails in the dark only."""
    pictures = Pictures(np.full((4, 48, 48), 200, np.uint8), np.zeros(4, int), ("test/angry/a.png",) * 4, ())

    def predict(images: np.ndarray) -> dict[str, np.ndarray]:
        return {"original": np.eye(7)[(images.mean(axis=(1, 2)) < 128).astype(int)]}

    found = robustness(predict, pictures, None, "original")
    assert {name for name, accuracy in found.items() if accuracy == 0} == {"dark (30 % of the light)"}
    assert found["as they are"] == 1
