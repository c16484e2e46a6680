"""Tables of votes: shares, majorities and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from ml.data import DataError, load_votes
from ml.inference.contract import EMOTIONS


def test_votes_become_shares_of_the_seven_and_a_majority(tmp_path: Path) -> None:
    (tmp_path / "votes.csv").write_text(
        "file,angry,disgust,fear,happy,sad,surprise,neutral,contempt,unknown,not_face\n"
        "a.jpg,0,0,0,7,0,0,2,1,0,0\n"
        "b.jpg,0,0,0,1,0,0,1,0,2,6\n"
    )
    votes = load_votes(tmp_path / "votes.csv", ("a.jpg", "b.jpg", "c.jpg"))
    assert votes.shares[0].tolist() == pytest.approx([0, 0, 0, 7 / 9, 0, 0, 2 / 9])
    assert votes.shares[1:].tolist() == [[0] * 7] * 2, "mostly no face; no row at all"
    assert votes.majority.tolist() == [EMOTIONS.index("happy"), -1, -1]


def test_votes_without_a_column_are_an_error(tmp_path: Path) -> None:
    (tmp_path / "votes.csv").write_text("file,angry\na.jpg,1\n")
    with pytest.raises(DataError, match="surprise"):
        load_votes(tmp_path / "votes.csv", ("a.jpg",))
    with pytest.raises(DataError, match=r"none\.csv"):
        load_votes(tmp_path / "none.csv", ("a.jpg",))
