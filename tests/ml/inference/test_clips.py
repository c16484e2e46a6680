"""Recordings of one person each, in one of them with a skull printed on the shirt: one face in every frame."""

from __future__ import annotations

from pathlib import Path

import pytest

from ml.inference.analyzer import Analyzer
from tests.bench.analyzer import one_face, read_clip, run_full, run_tracked

STEP = 2


@pytest.mark.parametrize("name", ["sorry.mkv", "again.mkv"])
def test_one_face_in_every_frame(analyzer: Analyzer, test_data: Path, name: str) -> None:
    frames, times_s = read_clip(test_data / "video" / name)
    tracked = run_tracked(analyzer, frames[::STEP], times_s[::STEP])
    assert one_face(tracked) >= 0.98
    assert sum(analysis.full_search for analysis in tracked) <= 0.25 * len(tracked)
    full = run_full(analyzer, frames[:: 6 * STEP], times_s[:: 6 * STEP])
    assert one_face(full) >= 0.9
    assert one_face(tracked) >= one_face(full)


def test_two_people_keep_their_faces(analyzer: Analyzer, test_data: Path) -> None:
    frames, times_s = read_clip(test_data / "video" / "two-people-turning-heads.gif")
    counts = [len(analysis.faces) for analysis in run_tracked(analyzer, frames, times_s)]
    assert max(counts) <= 2
    assert min(counts[5:]) >= 1
