"""Entries of class folders as people have them: other formats, what can't be opened, and names of every kind."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from ml.batch.rows import COLUMNS
from ml.data import DataError, TrainingSet, discover_classes, load_pictures
from ml.data.reading import advice_on_sizes, count_by_suffix, read_picture
from ml.inference.contract import RESERVED_LABELS
from tests.ml.data.conftest import Fill

PIXELS = cv2.GaussianBlur(np.random.default_rng(0).integers(0, 256, (48, 48), np.uint8), (0, 0), 2)


@pytest.mark.parametrize(
    ("name", "encoding"),
    [("a.bmp", ".bmp"), ("a.tiff", ".tiff"), ("a.TIF", ".tiff"), ("a.pgm", ".pgm"), ("a.png", ".png"), ("none", ".png")]
    + [("wrong.jpg", ".png"), ("bmp.png", ".bmp"), ("a.jfif", ".jpg"), ("a.jpe", ".jpg"), ("noname", ".jpg")]
    + [("a.jp2", ".jp2"), ("plain", ".bmp"), ("plain2", ".tiff"), ("Été.webp", ".webp")],
)
def test_every_format_that_opencv_knows_is_read_by_its_bytes(name: str, encoding: str, fill: Fill, tmp_path: Path) -> None:
    fill(tmp_path / "train")
    (tmp_path / "train/happy" / name).write_bytes(cv2.imencode(encoding, PIXELS)[1].tobytes())
    pictures = load_pictures(tmp_path, "train")
    assert pictures.left_out == pictures.skipped == ()
    image = pictures.images[pictures.files.index(f"train/happy/{name}")]
    assert np.abs(image.astype(int) - PIXELS).mean() < 4


def test_a_tiff_of_12_bits_is_scaled_by_its_range(tmp_path: Path) -> None:
    (tmp_path / "deep.tiff").write_bytes(cv2.imencode(".tiff", PIXELS.astype(np.uint16) << 4)[1].tobytes())
    assert np.array_equal(read_picture(tmp_path / "deep.tiff"), PIXELS)


def dead_link(folder: Path) -> None:
    (folder / "bad.png").symlink_to("/nonexistent/a.png")


def link_to_itself(folder: Path) -> None:
    (folder / "bad.png").symlink_to("bad.png")


def folder_named_like_a_picture(folder: Path) -> None:
    (folder / "bad.png").mkdir()


def pipe(folder: Path) -> None:
    os.mkfifo(folder / "bad.png")


def unreadable(folder: Path) -> None:
    (folder / "bad.png").symlink_to("/proc/self/mem")  # a regular file whose reading fails, for root too


def cut_off(folder: Path) -> None:
    (folder / "bad.png").write_bytes(cv2.imencode(".bmp", PIXELS)[1].tobytes()[:60])


def empty(folder: Path) -> None:
    (folder / "bad.png").touch()


def name_that_is_no_utf8(folder: Path) -> None:
    Path(os.fsdecode(os.fsencode(folder) + b"/bad\xe9.png")).write_bytes(b"no picture")


@pytest.mark.parametrize(
    "spoil",
    [dead_link, link_to_itself, folder_named_like_a_picture, pipe, unreadable, cut_off, empty, name_that_is_no_utf8],
)
def test_what_cannot_be_opened_is_skipped_and_named(spoil: Callable[[Path], None], fill: Fill, tmp_path: Path) -> None:
    fill(tmp_path / "train")
    spoil(tmp_path / "train/happy")
    pictures = load_pictures(tmp_path, "train")
    assert len(pictures) == 14
    assert [line.partition(".png: expected ")[0] for line in pictures.skipped] in (
        ["train/happy/bad"],
        ["train/happy/bad\\xe9"],
    )
    "".join(pictures.skipped).encode("utf-8")


def test_what_is_no_picture_is_left_out_and_counted(fill: Fill, tmp_path: Path) -> None:
    fill(tmp_path / "train")
    for name in ("a.heic", "b.heic", "notes.txt", "Thumbs.db", "LICENSE"):
        (tmp_path / "train/sad" / name).write_text("something else")
    (tmp_path / "train/sad/more").mkdir()
    (tmp_path / "train/sad/.DS_Store").write_text("hidden")
    left_out = load_pictures(tmp_path, "train").left_out
    assert count_by_suffix(left_out) == "6 files left out: 2 without a suffix, 2 .heic, 1 .db, 1 .txt"
    assert count_by_suffix(("a.HEIC", "b.heic")) == "2 files left out: .heic"
    assert count_by_suffix(()) == ""


@pytest.mark.parametrize("name", ["val", "validation", "Valid", "VAL"])
def test_a_folder_for_validation_is_used_for_it(name: str, fill: Fill, tmp_path: Path) -> None:
    fill(tmp_path / "Train", each=3)
    fill(tmp_path / name, each=1)
    data = TrainingSet.load(tmp_path, 0.1)
    assert len(data.training) == 21
    assert {data.pictures.files[index].split("/")[0] for index in data.validation} == {name}
    assert data.scored.files == data.held_out()[0].files


def test_names_in_either_normal_form_are_one_class(fill: Fill, tmp_path: Path) -> None:
    names = ("gêné", "joyeux", "fâché", "Überrascht", "ÉTONNÉ", "Ångström")
    for split, form in (("train", "NFC"), ("test", "NFD")):
        for index, name in enumerate(names):
            folder = tmp_path / split / unicodedata.normalize(form, name)  # type: ignore[arg-type]
            folder.mkdir(parents=True)
            for number in range(3):
                (folder / f"{number}.png").write_bytes(cv2.imencode(".png", PIXELS + 9 * index + number)[1].tobytes())
    data = TrainingSet.load(tmp_path, 0.3)
    assert data.classes == tuple(sorted(unicodedata.normalize("NFC", name.lower()) for name in names))
    assert data.scored.classes == data.classes


@pytest.mark.parametrize("name", ["confidence", "Confidence", "x", "source", "face_id", "Timestamp_s"])
def test_a_class_named_like_a_column_is_refused(name: str, tmp_path: Path) -> None:
    for folder in (name, "calm people"):
        (tmp_path / "train" / folder).mkdir(parents=True)
    with pytest.raises(DataError, match=rf"other than the columns of result tables, received {name.lower()} .*rename"):
        discover_classes(tmp_path / "train")


def test_every_column_of_the_result_table_is_reserved() -> None:
    assert set(COLUMNS) <= RESERVED_LABELS


@pytest.mark.parametrize(
    ("sizes", "advised"),
    [
        ([(48, 48)] * 100, False),
        ([(48, 48)] * 97 + [(640, 480)] * 3, False),
        ([(640, 480)] * 4, True),
        ([(120, 160)] * 4, True),
        ([(512, 512)] * 4, True),
        ([(150, 150)] * 4, False),
        ([], False),
    ],
)
def test_whole_photographs_are_recognised_by_their_sizes(sizes: list[tuple[int, int]], advised: bool) -> None:
    assert ("python -m ml.data crop" in advice_on_sizes(sizes)) == advised
