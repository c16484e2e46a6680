"""Votes: what several people saw in each picture, as a table beside a data set."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from ml.data.folders import DataError
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
        DataError: the file can't be read or lacks a column.
    """
    try:
        table = pd.read_csv(votes_csv, index_col="file")
    except (OSError, ValueError) as error:
        raise DataError(f"expected a table of votes with a column 'file', received: {error}") from error
    missing = set(EMOTIONS) - set(table.columns)
    if missing:
        raise DataError(f"expected a column for each emotion in {votes_csv}, received none for {', '.join(missing)}")
    others = [name for name in table.columns if name not in EMOTIONS]
    votes = table.reindex(list(files))[[*EMOTIONS, *others]].fillna(0).to_numpy(np.float32)
    top = votes.argmax(axis=1)
    known = (top < len(EMOTIONS)) & votes.any(axis=1)
    seven = votes[:, : len(EMOTIONS)] * known[:, np.newaxis]
    return Votes(seven / np.maximum(seven.sum(axis=1, keepdims=True), 1), np.where(known, top, -1))
