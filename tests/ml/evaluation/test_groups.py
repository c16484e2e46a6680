"""Figures by group of people: what is counted, the intervals, and the photographs that are read."""

from __future__ import annotations

import shutil
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest

from ml.data import DataError
from ml.evaluation.groups import Readings, auc, groups_of, load_people, measure_groups, read_people
from ml.inference.analyzer import Analyzer
from ml.inference.classifier import Classifier

PORTRAIT = Path(__file__).resolve().parents[3] / "static" / "examples" / "portrait.jpg"
PEOPLE = pd.DataFrame(
    {"id": ["a", "b", "c", "d"], "age": ["19", "30", "47", "NA"], "gender": ["female", "male", "male", "female"]}
)


def test_everybody_and_every_value_of_every_column_is_a_group() -> None:
    groups = groups_of(PEOPLE)
    assert {name: int(rows.sum()) for name, rows in groups.items()} == {
        "all": 4,
        "age below 25": 1,
        "age 25–34": 1,
        "age from 35": 1,
        "age unknown": 1,
        "female": 2,
        "male": 2,
    }


def test_auc_counts_pairs() -> None:
    assert auc(np.array([0.1, 0.2]), np.array([0.3, 0.4])) == 1
    assert auc(np.array([0.3, 0.4]), np.array([0.1, 0.2])) == 0
    assert auc(np.array([0.5, 0.5]), np.array([0.5, 0.5])) == 0.5
    rng = np.random.default_rng(0)
    neutral, smiling = rng.normal(0, 1, 40), rng.normal(0.7, 1, 30)
    assert auc(neutral, smiling) == pytest.approx(np.mean(smiling[:, None] > neutral[None]))


def test_figures_of_a_group() -> None:
    happy = np.array([[0.1, 0.9], [0.3, 0.2], [0.4, np.nan], [0.0, 1.0]])
    readings = Readings(PEOPLE, ~np.isnan(happy), happy, np.array([True, True, False, True]))
    table = measure_groups(readings)
    assert table["all"]["faces_found"][0] == 7 / 8
    assert table["all"]["neutral_as_neutral"][0] == 3 / 4
    assert table["all"]["happy_rises"][0] == 2 / 3
    assert table["female"]["auc_happy"] == [1, 1, 1]
    assert table["male"]["happy_rises"][0] == 0
    assert table["age from 35"]["auc_happy"] is None
    for key in ("faces_found", "neutral_as_neutral", "auc_happy", "happy_rises"):
        value, low, high = table["all"][key]
        assert 0 <= low <= value <= high <= 1


def test_photographs_are_read_as_the_page_reads_them(tmp_path: Path) -> None:
    for condition in ("neutral", "smiling"):
        (tmp_path / condition).mkdir()
    shutil.copy(PORTRAIT, tmp_path / "smiling" / "a.jpg")
    cv2.imwrite(str(tmp_path / "neutral" / "a.png"), np.full((120, 120), 128, np.uint8))
    (tmp_path / "people.csv").write_text("id,gender\na,female\n")
    readings = read_people(tmp_path / "people.csv", Analyzer(Classifier()))
    assert readings.found.tolist() == [[False, True]]
    assert readings.happy[0, 1] > 0.9
    table = measure_groups(readings)
    assert table["all"]["faces_found"][0] == 0.5
    assert table["all"]["neutral_as_neutral"] is None


def test_a_table_that_cannot_be_used_is_refused_in_one_sentence(tmp_path: Path) -> None:
    table = tmp_path / "people.csv"
    with pytest.raises(
        DataError, match=r"expected a table of people \(CSV\), received .*people.csv: No such file or directory$"
    ):
        load_people(table)
    table.write_text("id\na\n")
    with pytest.raises(DataError, match=r"at least two columns .* received the columns .id. with 1 below"):
        load_people(table)
    table.write_text("id,gender\na,female\n")
    with pytest.raises(DataError, match=r"expected a photograph .*neutral/a\.jpg or \.png for every row"):
        load_people(table)
