"""Files that are no valid CSV (archives, other encodings, truncated rows) give one sentence with file and line."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
from pathlib import Path

import pytest

from ml.data import DataError, load_votes
from ml.data.tables import read_rows

TEXT = "file,a,b\nx.png,1,2\ny.png,3,4\n"


def tar(text: bytes) -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        entry = tarfile.TarInfo("table.csv")
        entry.size = len(text)
        archive.addfile(entry, io.BytesIO(text))
    return content.getvalue()


def zipped(text: bytes) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("table.csv", text)
    return content.getvalue()


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress, tar, zipped])
def test_an_archive_is_named_as_such(pack: object, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(pack(TEXT.encode()))  # type: ignore[operator]
    with pytest.raises(DataError, match=r"t\.csv, which is an? .*archive: unpack or convert it first"):
        list(read_rows(tmp_path / "t.csv", ("file",)))


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "latin-1"])
def test_another_encoding_is_one_sentence(encoding: str, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(TEXT.replace("x.png", "é.png").encode(encoding))
    with pytest.raises(DataError, match="expected a CSV file of UTF-8 text, received"):
        list(read_rows(tmp_path / "t.csv", ("file",)))


def test_utf8_with_and_without_mark_is_read(tmp_path: Path) -> None:
    for encoding in ("utf-8", "utf-8-sig"):
        (tmp_path / "t.csv").write_text(TEXT, encoding)
        assert list(read_rows(tmp_path / "t.csv", ("file",)))[1] == (3, {"file": "y.png", "a": "3", "b": "4"})


@pytest.mark.parametrize(("row", "received"), [("z.png,1", 2), ("z.png", 1), ("z.png,1,2,3", 4)])
def test_a_row_of_another_length_is_named(row: str, received: int, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(TEXT + row)
    with pytest.raises(DataError, match=rf"t\.csv, line 4: expected 3 fields, received {received}"):
        list(read_rows(tmp_path / "t.csv", ("file",)))


@pytest.mark.parametrize("path", ["missing.csv", "."])
def test_a_missing_file_and_a_folder_are_one_sentence(path: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="expected a CSV file, received"):
        list(read_rows(tmp_path / path, ("file",)))


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("b.jpg,0,0,0,7,0", "line 3: expected 8 fields, received 6"),
        ("b.jpg,0,0,0,seven,0,0,2", "line 3: expected a number of votes, received 'seven'"),
        ("b.jpg,0,0,0,-7,0,0,2", "line 3: expected a number of votes, received '-7'"),
        ("b.jpg,0,0,0,nan,0,0,2", "line 3: expected a number of votes, received 'nan'"),
        ("a.jpg,0,0,0,7,0,0,2", "line 3: expected one row per picture, received a.jpg again"),
    ],
)
def test_bad_rows_of_votes_are_named(row: str, words: str, tmp_path: Path) -> None:
    header = "file,angry,disgust,fear,happy,sad,surprise,neutral\na.jpg,0,0,0,7,0,0,2\n"
    (tmp_path / "votes.csv").write_text(header + row)
    with pytest.raises(DataError, match=words):
        load_votes(tmp_path / "votes.csv", ("a.jpg",))
