"""Votes: what several people saw in each picture, as a table beside a data set."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ml.console import printable
from ml.data.folders import DataError
from ml.data.tables import read_rows
from ml.inference.contract import EMOTIONS


@dataclass(frozen=True)
class Votes:
    """What several people saw in each picture.

    shares: `(n, 7)` float32, the seven emotions' part of the votes for any of them. majority: `(n,)` int64, the label
    with most votes (ties go to the label order), or -1 where the picture has no votes or the top vote is something
    else, such as contempt or not a face; such rows of `shares` are zero.
    """

    shares: np.ndarray
    majority: np.ndarray

    def subset(self, indices: np.ndarray) -> Votes:
        return Votes(self.shares[indices], self.majority[indices])

    def frequencies(self) -> np.ndarray:
        """How frequent each emotion is among all votes, `(7,)`, summing to 1."""
        total = self.shares.sum(axis=0)
        return total / total.sum()


def load_votes(votes_csv: str | Path, files: tuple[str, ...]) -> Votes:
    """Read a table of votes: a column `file`, one for each of the seven emotions, any others for other answers.

    Args:
        files: the pictures to look up, as paths relative to the data set; one that is not in the table has no votes.

    Raises:
        DataError: the file can't be read, lacks a column, has a row that is cut off, a picture twice, or a field that is
            no number of votes.
    """
    wanted = {file: index for index, file in enumerate(files)}
    votes: np.ndarray | None = None
    seen: set[str] = set()
    for line, row in read_rows(Path(votes_csv), ("file", *EMOTIONS)):
        place = f"{printable(str(votes_csv))}, line {line}"
        file = row.pop("file")
        if file in seen:
            raise DataError(f"{place}: expected one row per picture, received {printable(file)} again")
        seen.add(file)
        counts = [_count(row[emotion], place) for emotion in EMOTIONS]
        counts += [_count(value, place) for name, value in row.items() if name not in EMOTIONS]
        if votes is None:
            votes = np.zeros((len(files), len(counts)), np.float32)
        if file in wanted:
            votes[wanted[file]] = counts
    if votes is None:
        votes = np.zeros((len(files), len(EMOTIONS)), np.float32)
    top = votes.argmax(axis=1)
    known = (top < len(EMOTIONS)) & votes.any(axis=1)
    seven = votes[:, : len(EMOTIONS)] * known[:, np.newaxis]
    return Votes(seven / np.maximum(seven.sum(axis=1, keepdims=True), 1e-9), np.where(known, top, -1))


def _count(text: str, place: str) -> float:
    """A field as a number of votes or a share, from 0 up; an empty one is 0."""
    try:
        count = float(text or 0)
    except ValueError:
        count = math.nan
    if not 0 <= count < math.inf:
        raise DataError(f"{place}: expected a number of votes, received {printable(text)!r}")
    return count
