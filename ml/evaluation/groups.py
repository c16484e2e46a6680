"""How well a model reads groups of people: `python -m ml.evaluate --groups PEOPLE.csv`.

The folder of the table holds `neutral/ID.jpg` and `smiling/ID.jpg`, two photographs of each person. Every photograph
goes through the code that reads photographs for the page and the API; the largest face counts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import binomtest, rankdata
from tqdm import tqdm

from ml.console import printable, reason
from ml.data import DataError
from ml.inference.analyzer import Analyzer
from ml.inference.contract import AnalysisError, Request

CONDITIONS = ("neutral", "smiling")
SUFFIXES = (".jpg", ".jpeg", ".png")
AGE_BOUNDS = (25, 35)
"""Ages are grouped as below the first, between the two, and from the second on."""
RESAMPLES = 2000


@dataclass(frozen=True)
class Readings:
    """What was read from the two photographs of each person.

    people: the table, one row per person. found: `(people, 2)` whether a face was found, neutral first. happy:
    `(people, 2)` probability of happy, NaN where no face was found. neutral_read: `(people,)` whether the dominant
    emotion of the neutral photograph is neutral.
    """

    people: pd.DataFrame
    found: np.ndarray
    happy: np.ndarray
    neutral_read: np.ndarray


def load_people(people_csv: Path) -> pd.DataFrame:
    """Read the table of people; its first column is the name of their photographs, the others group them.

    Raises:
        DataError: the table can't be read, has no column to group by, or a photograph is missing.
    """
    try:
        people = pd.read_csv(people_csv, dtype=str, keep_default_na=False)
    except (OSError, ValueError) as error:
        received = f"{printable(str(people_csv))}: {reason(error)}"
        raise DataError(f"expected a table of people (CSV), received {received}") from error
    if len(people.columns) < 2 or not len(people):
        expected = "a header with at least two columns and a row for each person"
        received = f"the columns {', '.join(map(repr, people.columns))} with {len(people)} below"
        raise DataError(f"expected {expected} in {printable(str(people_csv))}, received {received}")
    for condition in CONDITIONS:
        for name in people.iloc[:, 0]:
            _photograph(people_csv.parent / condition, name)
    return people


def read_people(people_csv: Path, analyzer: Analyzer) -> Readings:
    """Analyse both photographs of every person in the table.

    Raises:
        DataError: as `load_people`, or a photograph can't be read.
    """
    people = load_people(people_csv)
    happy = np.full((len(people), len(CONDITIONS)), np.nan)
    neutral_read = np.zeros(len(people), bool)
    for row, name in enumerate(tqdm(people.iloc[:, 0], unit="person", disable=None)):
        for column, condition in enumerate(CONDITIONS):
            path = _photograph(people_csv.parent / condition, name)
            try:
                faces = analyzer.analyze(Request(image=path.read_bytes(), thorough=True)).faces
            except AnalysisError as error:
                raise DataError(f"expected a photograph, received {path}: {error}") from error
            if faces:
                emotions = dict(zip(faces[0].labels, faces[0].emotions, strict=True))
                happy[row, column] = emotions["happy"]
                if condition == "neutral":
                    neutral_read[row] = max(emotions, key=emotions.__getitem__) == "neutral"
    return Readings(people, ~np.isnan(happy), happy, neutral_read)


def groups_of(people: pd.DataFrame) -> dict[str, np.ndarray]:
    """Name of each group to the rows of its people, `(people,)` bool: everybody, and every value of every column."""
    groups = {"all": np.ones(len(people), bool)}
    for column in people.columns[1:]:
        values = [_value(column, text) for text in people[column]]
        for value in sorted(set(values)):
            groups[value] = np.asarray([other == value for other in values])
    return groups


def measure_groups(readings: Readings) -> dict[str, dict[str, Any]]:
    """The figures of every group, each with its 95 % interval `[value, low, high]`; None where it has no people.

    `people`, `faces_found` (of both photographs), `neutral_as_neutral` (of neutral faces that were found), `auc_happy`
    (probability that happy is higher on a smiling than on a neutral photograph, of any two people), `happy_rises` (of
    people whose two faces were found).
    """
    return {name: _measure(readings, rows) for name, rows in groups_of(readings.people).items()}


def print_groups(table: Mapping[str, Mapping[str, Any]]) -> None:
    titles = ("faces found", "neutral as neutral", "AUC of happy", "happy rises")
    print(f"{'group':<20}{'n':>4}" + "".join(f"{title:>22}" for title in titles))
    for name, row in table.items():
        cells = [row[key] for key in ("faces_found", "neutral_as_neutral", "auc_happy", "happy_rises")]
        text = ["–" if cell is None else f"{cell[0]:.3f} ({cell[1]:.2f}–{cell[2]:.2f})" for cell in cells]
        print(f"{name:<20}{row['people']:>4}" + "".join(f"{cell:>22}" for cell in text))


def auc(neutral: np.ndarray, smiling: np.ndarray) -> float:
    """Probability that a smiling value is higher than a neutral one, ties by half (area under the ROC curve)."""
    ranks = rankdata(np.concatenate([neutral, smiling]))[len(neutral) :]
    return float((ranks.sum() - len(smiling) * (len(smiling) + 1) / 2) / (len(neutral) * len(smiling)))


def _measure(readings: Readings, rows: np.ndarray) -> dict[str, Any]:
    found, happy = readings.found[rows], readings.happy[rows]
    both = found.all(axis=1)
    rises = happy[both, 1] > happy[both, 0]
    return {
        "people": int(rows.sum()),
        "faces_found": _share(int(found.sum()), found.size),
        "neutral_as_neutral": _share(int(readings.neutral_read[rows][found[:, 0]].sum()), int(found[:, 0].sum())),
        "auc_happy": _resampled(happy[both], lambda pairs: auc(pairs[:, 0], pairs[:, 1])),
        "happy_rises": _share(int(rises.sum()), len(rises)),
    }


def _share(count: int, total: int) -> list[float] | None:
    if not total:
        return None
    interval = binomtest(count, total).proportion_ci(method="wilson")
    return [count / total, interval.low, interval.high]


def _resampled(pairs: np.ndarray, figure: Callable[[np.ndarray], float]) -> list[float] | None:
    """A figure of people, with the interval of `RESAMPLES` bootstrap samples of them."""
    if not len(pairs):
        return None
    rng = np.random.default_rng(0)
    values = [figure(pairs[rng.integers(0, len(pairs), len(pairs))]) for _ in range(RESAMPLES)]
    low, high = np.quantile(values, [0.025, 0.975])
    return [figure(pairs), float(low), float(high)]


def _photograph(folder: Path, name: str) -> Path:
    for suffix in SUFFIXES:
        if (path := folder / f"{name}{suffix}").is_file():
            return path
    raise DataError(f"expected a photograph {folder / name}.jpg or .png for every row, received none")


def _value(column: str, text: str) -> str:
    """The group that a cell of the table stands for."""
    if text.strip().upper() in ("", "NA"):
        return f"{column} unknown"
    if not text.strip().isdigit():
        return text.strip()
    young, old = AGE_BOUNDS
    age = int(text)
    span = f"below {young}" if age < young else f"{young}–{old - 1}" if age < old else f"from {old}"
    return f"{column} {span}"
