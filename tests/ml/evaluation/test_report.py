"""The files of a report, and the worst mistakes among them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ml.data import Pictures
from ml.evaluation.report import write_report
from ml.evaluation.scoring import score


def test_worst_mistakes_are_the_mistakes_with_the_least_likely_label_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[list[str]] = []
    monkeypatch.setattr("ml.evaluation.plots.contact_sheet", lambda images, captions, *_: shown.append(captions))
    files = ("test/a/a.png", "test/b/b.png", "test/c/c.png")
    pictures = Pictures(np.zeros((3, 48, 48), np.uint8), np.array([0, 1, 2]), files, (), ("a", "b", "c"))
    rows = np.array([[0.8, 0.1, 0.1], [0.6, 0.3, 0.1], [0.1, 0.8, 0.1]])
    write_report(score({"original": rows}, pictures), {"original": rows}, pictures, None, tmp_path)
    assert shown == [["c → b 80%", "b → a 60%"]]

    (tmp_path / "mistakes.png").touch()
    write_report(score({"original": np.eye(3)}, pictures), {"original": np.eye(3)}, pictures, None, tmp_path)
    assert not (tmp_path / "mistakes.png").exists(), "the sheet of an earlier report is removed"
