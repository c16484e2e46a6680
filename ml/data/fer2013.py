"""Writes FER-2013 and the votes of FER+ as a folder data set, from the CSV files that their authors distribute.

`fer2013.csv` (ICML 2013 challenge) has a row per picture: `emotion` 0 to 6, `pixels` (2,304 grey levels) and `Usage`.
`fer2013new.csv` (FER+, Barsoum et al. 2016) has ten people's votes for the picture of the same row.
"""

from __future__ import annotations

import csv
import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from ml.console import scratch_directory
from ml.data.folders import DataError
from ml.data.tables import read_rows
from ml.inference.contract import EMOTIONS, INPUT_SIZE

SPLITS = {"Training": "train", "PublicTest": "test", "PrivateTest": "private_test"}
VOTES = {
    "anger": "angry",
    "disgust": "disgust",
    "fear": "fear",
    "happiness": "happy",
    "sadness": "sad",
    "surprise": "surprise",
    "neutral": "neutral",
    "contempt": "contempt",
    "unknown": "unknown",
    "NF": "not_face",
}
"""Columns of FER+ and what they are called in the votes file of a folder data set."""

VOTE_COLUMNS = (*EMOTIONS, "contempt", "unknown", "not_face")


@dataclass(frozen=True)
class Imported:
    """How many pictures went to each split, and how many rows of votes were written."""

    pictures: dict[str, int]
    votes: int


def import_fer2013(fer_csv: Path, out: Path, votes_csv: Path | None = None) -> Imported:
    """Write `SPLIT/CLASS/ferNNNNNNN.png` below `out`, and `ferplus_votes.csv` if votes are given.

    Pictures are numbered by row, as FER+ names them. `Usage` decides the split: Training → train, PublicTest → test,
    PrivateTest → private_test.

    Raises:
        DataError: `out` has something in it, or a file is not of the expected form; the line is named.
        OSError: the disk is full, or `out` can't be written; nothing is left behind.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise DataError(f"expected a new or empty folder to import into, received {out}")
    # Written beside its final place first, so that an import that fails or is stopped leaves nothing behind.
    with scratch_directory(out) as scratch:
        imported = _write(fer_csv, votes_csv, scratch / "data")
        if out.exists():
            out.rmdir()
        (scratch / "data").rename(out)
    return imported


def _write(fer_csv: Path, votes_csv: Path | None, out: Path) -> Imported:
    for split in SPLITS.values():
        for emotion in EMOTIONS:
            (out / split / emotion).mkdir(parents=True)
    pictures: Counter[str] = Counter()
    votes: list[dict[str, str | int]] = []
    for index, (row, vote) in enumerate(tqdm(_pairs(fer_csv, votes_csv), unit="picture", disable=None)):
        folder, pixels = _picture(row, f"{fer_csv}, picture {index}")
        file = f"{folder}/fer{index:07d}.png"
        (out / file).write_bytes(cv2.imencode(".png", pixels)[1].tobytes())  # cv2.imwrite does not report a full disk
        pictures[folder.partition("/")[0]] += 1
        if vote is not None:
            votes.append({"file": file, **_votes(vote, row["Usage"], f"{votes_csv}, picture {index}")})
    if not pictures:
        raise DataError(f"expected a row per picture in {fer_csv}, received none")
    for split in set(SPLITS.values()) - set(pictures):
        shutil.rmtree(out / split)
    if votes:
        with (out / "ferplus_votes.csv").open("w", newline="", encoding="utf-8") as stream:
            writer = csv.DictWriter(stream, ("file", *VOTE_COLUMNS))
            writer.writeheader()
            writer.writerows(votes)
    return Imported(dict(pictures), len(votes))


def _pairs(fer_csv: Path, votes_csv: Path | None) -> Iterator[tuple[dict[str, str], dict[str, str] | None]]:
    """The rows of both files side by side; None for the votes where none are given."""
    fer_rows = (row for _, row in read_rows(fer_csv, ("emotion", "pixels", "Usage")))
    if votes_csv is None:
        yield from ((row, None) for row in fer_rows)
        return
    vote_rows = (row for _, row in read_rows(votes_csv, ("Usage", *VOTES)))
    for index, (row, vote) in enumerate(zip_longest(fer_rows, vote_rows)):
        if row is None or vote is None:
            longer, shorter = (votes_csv, fer_csv) if row is None else (fer_csv, votes_csv)
            raise DataError(f"expected as many rows in {shorter} as in {longer}, received {index}")
        yield row, vote


def _picture(row: dict[str, str], place: str) -> tuple[str, np.ndarray]:
    """The folder a row's picture belongs to, `SPLIT/CLASS`, and its `(48, 48)` uint8 pixels."""
    split = SPLITS.get(row["Usage"])
    if split is None:
        raise DataError(f"{place}: expected Usage to be one of {', '.join(SPLITS)}, received {row['Usage']!r}")
    if row["emotion"] not in {str(number) for number in range(len(EMOTIONS))}:
        raise DataError(f"{place}: expected an emotion from 0 to 6, received {row['emotion']!r}")
    try:
        pixels = np.array(row["pixels"].split(), np.uint8)
    except (ValueError, OverflowError) as error:
        raise DataError(f"{place}: expected grey levels from 0 to 255, received: {error}") from None
    if pixels.size != INPUT_SIZE**2:
        raise DataError(f"{place}: expected {INPUT_SIZE**2} grey levels, received {pixels.size}")
    return f"{split}/{EMOTIONS[int(row['emotion'])]}", pixels.reshape(INPUT_SIZE, INPUT_SIZE)


def _votes(row: dict[str, str], usage: str, place: str) -> dict[str, int]:
    """The votes of a row under the names of a votes file."""
    if row["Usage"] != usage:
        raise DataError(f"{place}: expected the votes for a {usage} picture, received {row['Usage']!r}")
    try:
        return {ours: int(row[theirs]) for theirs, ours in VOTES.items()}
    except ValueError as error:
        raise DataError(f"{place}: expected whole numbers of votes, received: {error}") from None
