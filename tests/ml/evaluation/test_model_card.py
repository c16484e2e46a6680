"""The model card as a page: every figure is that of the report or of the model's card."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from jinja2 import UndefinedError

from ml.data import Pictures, Votes
from ml.evaluation.model_card import write_card
from ml.evaluation.scoring import score
from ml.inference.card import load_card
from ml.inference.classifier import SHIPPED_MODEL
from ml.inference.contract import EMOTIONS


def report_of(votes: Votes | None) -> dict[str, Any]:
    """Eight pictures of the class angry and of others; `original` is right on all, `served` on the first half."""
    labels = np.array([0, 0, 1, 2, 3, 4, 5, 6])
    files = tuple(f"test/{EMOTIONS[label]}/{index}.png" for index, label in enumerate(labels))
    pictures = Pictures(np.zeros((8, 48, 48), np.uint8), labels, files, ())
    right = np.eye(7)[labels]
    served = np.where(np.arange(8)[:, None] < 4, right, np.roll(right, 1, axis=1))
    return score({"original": right, "people": right, "served": served}, pictures, votes)


def test_figures_are_those_of_the_report_and_the_card(tmp_path: Path) -> None:
    majority = np.array([0, 0, 1, 2, 6, 6, 6, -1])
    votes = Votes(np.eye(7, dtype=np.float32)[majority] * (majority >= 0)[:, None], majority)
    shipped = load_card(SHIPPED_MODEL)
    calibration = {**shipped.calibration, "neutral_share": 0.24}
    card = replace(shipped, calibration_pictures=1234, uncertain_below=0.31, calibration=calibration)
    report = report_of(votes) | {
        "robustness": {"upside down": 0.625},
        "views": {"two views": report_of(votes)["outputs"]},
    }
    write_card(report, card, tmp_path / "new" / "card.md")
    page = " ".join((tmp_path / "new" / "card.md").read_text("utf-8").split())
    assert f"# Model card: emotion `{card.sha256[:8]}`" in page
    assert "1,234 training pictures are held out" in page
    assert "The two sets agree on 57% of the pictures" in page, "four of the seven with a majority"
    assert "A reading below 31% is marked `uncertain`" in page
    assert "expected ones: 24% of the faces neutral, the other six emotions equally frequent" in page
    assert "| `original` | original labels | 8 | **100.0%**" in page
    assert "| `served` | original labels | 8 | **50.0%**" in page
    assert "| upside down | 62.5% |" in page
    assert "| two views | 100.0% | 57.1% | 100.0% | 57.1% | 50.0% |" in page
    assert "Not tested by age" in page
    assert "Groups of people" not in page


def test_what_was_not_measured_is_left_out(tmp_path: Path) -> None:
    card = replace(load_card(SHIPPED_MODEL), quantization={})
    write_card(report_of(None), card, tmp_path / "card.md")
    page = (tmp_path / "card.md").read_text("utf-8")
    for left_out in (
        "The two sets agree",
        "Under camera faults",
        "One view or several",
        "Groups of people",
        "integers",
    ):
        assert left_out not in page


def test_groups_of_people_have_a_row_each_and_a_dash_where_nothing_was_measured(tmp_path: Path) -> None:
    everybody = {
        "people": 51,
        "faces_found": [0.99, 0.94, 1.0],
        "neutral_as_neutral": [0.5, 0.375, 0.625],
        "auc_happy": [0.944, 0.9, 0.98],
        "happy_rises": [1.0, 0.93, 1.0],
    }
    groups = {"all": everybody, "age unknown": everybody | {"people": 0, "auc_happy": None}}
    write_card(report_of(None), load_card(SHIPPED_MODEL), tmp_path / "card.md", groups)
    page = (tmp_path / "card.md").read_text("utf-8")
    assert "Photographs of 51 adults" in page
    assert "| all | 51 | 0.990 (0.94–1.00) | 0.500 (0.38–0.62) | 0.944 (0.90–0.98) | 1.000 (0.93–1.00) |" in page
    assert "| age unknown | 0 | 0.990 (0.94–1.00) | 0.500 (0.38–0.62) | – | 1.000 (0.93–1.00) |" in page
    assert "Tested by age, gender and ethnic group on a smile alone" in page


def test_the_page_in_the_documents_is_about_the_shipped_model(root: Path) -> None:
    card, page = load_card(SHIPPED_MODEL), (root / "docs" / "model-card.md").read_text("utf-8")
    assert f"`{card.version}`" in page
    assert f"{card.calibration_pictures:,} training pictures are held out" in page
    assert f"{card.metrics['accuracy']:.1%}" in page


def test_a_figure_that_the_report_lacks_is_an_error(tmp_path: Path) -> None:
    report = report_of(None)
    del report["split"]
    with pytest.raises(UndefinedError, match="split"):
        write_card(report, load_card(SHIPPED_MODEL), tmp_path / "card.md")
