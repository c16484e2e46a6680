"""Columns with the change from a person's neutral."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from ml.batch.baseline import BaselineTable, baseline_columns
from ml.batch.rows import Row, columns_for
from ml.batch.sources import Failure
from ml.inference.contract import EMOTIONS
from ml.predict import main
from tests.support.tables import read

PORTRAIT = Path(__file__).resolve().parents[3] / "static" / "examples" / "portrait.jpg"
CAT = PORTRAIT.with_name("cat.jpg")
NEUTRAL = 6


class Kept:
    """A table in memory."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.failures: list[Failure] = []
        self.closed = False

    def add(self, rows: Sequence[Row], failures: Sequence[Failure]) -> None:
        self.rows += rows
        self.failures += failures

    def flush(self) -> None: ...

    def publish(self) -> None: ...

    def close(self) -> None:
        self.closed = True

    def discard(self) -> None: ...


def row(source: str, time_s: float | None, face: int | None, happy: float) -> Row:
    rest = 0.7 * (1 - happy)
    emotions = [0.3 * (1 - happy) / 5] * 3 + [happy] + [0.3 * (1 - happy) / 5] * 2 + [rest]
    return (source, 0, time_s, face, 0, 0, 50, 50, "happy", happy, False, *emotions)


def test_each_face_of_a_video_is_compared_with_its_own_quiet_stretch() -> None:
    table = Kept()
    rows = []
    for frame in range(80):
        smiles = frame >= 50
        rows.append(row("a.mp4", frame / 10, 1, 0.9 if smiles else 0.1))
        rows.append(row("a.mp4", frame / 10, 2, 0.3))
    longer = BaselineTable(table, None, NEUTRAL)
    longer.add(rows[:100], [])
    longer.add(rows[100:], [])
    assert table.rows == [], "kept until the video has ended"
    longer.add([row("b.jpg", None, None, 0.5)], [Failure("c.jpg", "bad_image", "")])
    assert [kept[: len(rows[0])] for kept in table.rows] == rows
    longer.close()
    assert table.closed
    assert len(table.failures) == 1
    change = baseline_columns(columns_for(EMOTIONS)).index("baseline_happy")
    first = [kept[change] for kept in table.rows if kept[3] == 1]
    assert first[0] == pytest.approx(0, abs=1e-9)
    assert first[-1] == pytest.approx(4.394, abs=0.001), "ln 9 + ln 9"
    assert [kept[change] for kept in table.rows if kept[3] == 2] == pytest.approx([0] * 80, abs=1e-9)
    assert table.rows[-1][change] is None, "a photo has no stretch"


def test_the_command_compares_with_a_photo(tmp_path: Path) -> None:
    out = tmp_path / "r.csv"
    assert main([str(PORTRAIT), "--out", str(out), "--jobs", "1", "--quiet", "--baseline", str(PORTRAIT)]) == 0
    (found,) = read(out)
    assert [float(found[f"baseline_{name}"]) for name in EMOTIONS] == pytest.approx([0] * 7, abs=1e-6)


@pytest.mark.parametrize(
    ("baseline", "message"),
    [
        ("nowhere.jpg", "nowhere.jpg: expected a readable file or folder, received: no such file"),
        (str(CAT), f"{CAT}: expected a neutral face, received none"),
        (str(CAT.parent), f"{CAT.parent}: expected one photo or video, received a folder"),
        (__file__, f"{__file__}: expected a photo or video in a supported format, received a .py file"),
    ],
)
def test_a_baseline_without_a_face_exits_with_two_and_names_the_file(
    baseline: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "r.csv"
    assert main([str(PORTRAIT), "--out", str(out), "--jobs", "1", "--baseline", baseline]) == 2
    assert f": --baseline {message}\n" in capsys.readouterr().err
    assert not out.exists()
