"""The published CSV files become a folder data set, pixel by pixel; anything else is refused with the line named."""

from __future__ import annotations

import csv
from pathlib import Path

import cv2
import numpy as np
import pytest

from ml.data import DataError, load_pictures, load_votes
from ml.data.__main__ import main
from ml.data.fer2013 import VOTES, import_fer2013
from ml.inference.contract import EMOTIONS

USAGES = ("Training", "PublicTest", "PrivateTest")


def pixels_of(index: int) -> np.ndarray:
    return np.random.default_rng(index).integers(0, 256, (48, 48), np.uint8)


def write_fer(path: Path, header: tuple[str, ...] = ("emotion", "pixels", "Usage")) -> None:
    """Seven pictures, one of each emotion, for each usage: the form of the challenge's file."""
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(header)
        for index in range(21):
            row = {
                "emotion": index % 7,
                "pixels": " ".join(map(str, pixels_of(index).ravel())),
                "Usage": USAGES[index // 7],
            }
            writer.writerow([row[name.strip()] for name in header])


def write_votes(path: Path, rows: int = 21) -> None:
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream)
        columns = [
            "neutral",
            "happiness",
            "surprise",
            "sadness",
            "anger",
            "disgust",
            "fear",
            "contempt",
            "unknown",
            "NF",
        ]
        assert set(columns) == set(VOTES)
        writer.writerow(["Usage", "Image name", *columns])
        for index in range(rows):
            votes = dict.fromkeys(columns, 0) | {"happiness": 7, "fear": 3}
            writer.writerow([USAGES[index // 7], f"fer{index:07d}.png", *votes.values()])


def test_pictures_arrive_unchanged_in_their_place(tmp_path: Path) -> None:
    write_fer(tmp_path / "fer2013.csv")
    imported = import_fer2013(tmp_path / "fer2013.csv", tmp_path / "data")
    assert imported.pictures == {"train": 7, "test": 7, "private_test": 7}
    assert imported.votes == 0
    for split, first in (("train", 0), ("test", 7), ("private_test", 14)):
        for label, emotion in enumerate(EMOTIONS):
            file = tmp_path / "data" / split / emotion / f"fer{first + label:07d}.png"
            assert np.array_equal(cv2.imread(str(file), cv2.IMREAD_GRAYSCALE), pixels_of(first + label))
    assert load_pictures(tmp_path / "data", "train").labels.tolist() == list(range(7))


def test_the_version_with_blanks_and_another_order_of_columns_is_read_too(tmp_path: Path) -> None:
    write_fer(tmp_path / "icml_face_data.csv", header=("emotion", " Usage", " pixels"))
    assert import_fer2013(tmp_path / "icml_face_data.csv", tmp_path / "data").pictures["train"] == 7


def test_votes_are_imported_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_fer(tmp_path / "fer2013.csv")
    write_votes(tmp_path / "fer2013new.csv")
    arguments = ["import", str(tmp_path / "fer2013.csv"), "--votes", str(tmp_path / "fer2013new.csv")]
    assert main([*arguments, "--out", str(tmp_path / "data")]) == 0
    assert "21 rows" in capsys.readouterr().out
    files = load_pictures(tmp_path / "data", "train").files
    shares = load_votes(tmp_path / "data" / "ferplus_votes.csv", files).shares
    assert shares[0].tolist() == pytest.approx([0, 0, 0.3, 0.7, 0, 0, 0])
    assert np.allclose(shares.sum(1), 1)


def test_a_file_of_training_pictures_alone_leaves_no_empty_splits(tmp_path: Path) -> None:
    write_fer(tmp_path / "all.csv")
    (tmp_path / "train.csv").write_text("".join((tmp_path / "all.csv").read_text().splitlines(keepends=True)[:8]))
    import_fer2013(tmp_path / "train.csv", tmp_path / "data")
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["train"]


def test_a_folder_in_use_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_fer(tmp_path / "fer2013.csv")
    assert main(["import", str(tmp_path / "fer2013.csv"), "--out", str(tmp_path)]) == 2
    assert "new or empty folder" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("7,{pixels},Training", "emotion from 0 to 6, received '7'"),
        ("happy,{pixels},Training", "received 'happy'"),
        ("3,1 2 3,Training", "expected 2304 grey levels, received 3"),
        ("3,{pixels} 256,Training", "grey levels from 0 to 255"),
        ("3,one two,Training", "grey levels from 0 to 255"),
        ("3,{pixels},Test", "Usage to be one of"),
    ],
)
def test_a_bad_row_is_named(tmp_path: Path, line: str, message: str) -> None:
    write_fer(tmp_path / "fer2013.csv")
    with (tmp_path / "fer2013.csv").open("a") as stream:
        stream.write(line.format(pixels=" ".join(["0"] * 2304)) + "\n")
    with pytest.raises(DataError, match=rf"picture 21: .*{message}"):
        import_fer2013(tmp_path / "fer2013.csv", tmp_path / "data")
    assert [path.name for path in tmp_path.iterdir()] == ["fer2013.csv"], "a failed import leaves nothing behind"


def test_other_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    with pytest.raises(DataError, match="none named emotion, pixels, Usage"):
        import_fer2013(tmp_path / "other.csv", tmp_path / "data")
    (tmp_path / "bare.csv").write_text("emotion,pixels,Usage\n")
    with pytest.raises(DataError, match="a row per picture"):
        import_fer2013(tmp_path / "bare.csv", tmp_path / "data")
    with pytest.raises(DataError, match="No such file"):
        import_fer2013(tmp_path / "none.csv", tmp_path / "data")


@pytest.mark.parametrize("rows", [20, 22])
def test_votes_of_another_length_are_refused(tmp_path: Path, rows: int) -> None:
    write_fer(tmp_path / "fer2013.csv")
    write_votes(tmp_path / "votes.csv", min(rows, 21))
    if rows > 21:
        with (tmp_path / "votes.csv").open("a") as stream:
            stream.write("PrivateTest,,10,0,0,0,0,0,0,0,0,0\n")
    with pytest.raises(DataError, match="as many rows"):
        import_fer2013(tmp_path / "fer2013.csv", tmp_path / "data", tmp_path / "votes.csv")


def test_votes_in_another_order_are_refused(tmp_path: Path) -> None:
    write_fer(tmp_path / "fer2013.csv")
    write_votes(tmp_path / "votes.csv")
    lines = (tmp_path / "votes.csv").read_text().splitlines(keepends=True)
    (tmp_path / "votes.csv").write_text("".join([lines[0], *reversed(lines[1:])]))
    with pytest.raises(DataError, match="votes for a Training picture"):
        import_fer2013(tmp_path / "fer2013.csv", tmp_path / "data", tmp_path / "votes.csv")
