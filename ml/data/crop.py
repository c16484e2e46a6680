"""Crops the faces of photographs into a data set, with the code that serves. The folder of a photograph is its label.

    DATA/SPLIT/CLASS/PHOTO.png   one face, 48×48 grey, as the network sees it when the photograph is analysed
    DATA/crops.csv               every photograph: how many faces it has, and which file was cut from it
    DATA/contact/…png            contact sheets of each class, to find wrong crops

A run that was interrupted continues: photographs that are in `crops.csv` unchanged are not searched again. A crop that
somebody deleted stays deleted.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import astuple, dataclass, fields, replace
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from ml.console import printable, write_file
from ml.data.folders import (
    CONTACT_FOLDER,
    VALIDATION_NAMES,
    DataError,
    class_folders,
    discover_classes,
    find_split,
    loose_files,
)
from ml.data.reading import read_picture, sort_entries
from ml.inference.analyzer import PHOTO_SIDE_PX, crop_window
from ml.inference.contract import AnalysisError
from ml.inference.decode import decode
from ml.inference.faces import FaceDetector
from ml.inference.photos import PhotoDetector
from ml.inference.preprocess import as_served

RECORD_FILE = "crops.csv"
DELETED = "its crop was deleted"
TILE_PX, CAPTION_PX, COLUMNS, PER_SHEET = 96, 16, 10, 200
"""A sheet: side of a face, height of its caption, faces in a row and on a sheet."""


@dataclass(frozen=True)
class Crop:
    """One photograph: its path and size in bytes, the number of faces found, the file that was cut, and a remark."""

    photo: str
    bytes: int
    faces: int
    file: str
    remark: str


@dataclass(frozen=True)
class Cropped:
    """The result for all photographs.

    classes: in the order of training. left_out: files of class folders that are no pictures. loose: files beside the
    class folders, which have no label.
    """

    crops: tuple[Crop, ...]
    classes: tuple[str, ...]
    left_out: tuple[str, ...]
    loose: tuple[str, ...]

    def without_face(self) -> list[Crop]:
        return [crop for crop in self.crops if not crop.file and crop.remark != DELETED]

    def deleted(self) -> list[Crop]:
        """Those whose crop somebody deleted since."""
        return [crop for crop in self.crops if crop.remark == DELETED]

    def with_several(self) -> list[Crop]:
        return [crop for crop in self.crops if crop.faces > 1]


class FaceCutter:
    """Finds the faces of a photograph and cuts the largest, as the analyzer does for a thorough request."""

    def __init__(self) -> None:
        self._detector = PhotoDetector(FaceDetector())

    def cut(self, path: Path) -> tuple[np.ndarray | None, int]:
        """The largest face, `(48, 48)` uint8, or None, and the number of faces.

        Raises:
            AnalysisError: the file is no picture, or can't be read.
        """
        gray = _decoded(path)
        found = sorted(self._detector.search(gray), key=lambda detection: detection.window.side, reverse=True)
        return (crop_window(gray, found[0].window) if found else None), len(found)


def crop(photos: Path, out: Path, cutter: FaceCutter | None = None) -> Cropped:
    """Cut the faces of photographs into a data set.

    Args:
        photos: a folder per class with photographs, or one such folder for each of `train`, `test`, `validation`.
        out: a new data set, or one that was begun by this function.

    Raises:
        DataError: the folders are wrong, or `out` holds something else.
        OSError: the disk is full; what is written stays usable.
    """
    if out.exists() and any(out.iterdir()) and not (out / RECORD_FILE).exists():
        raise DataError(f"expected a new folder, or one with {RECORD_FILE}, received {printable(str(out))}")
    if out.resolve() == photos.resolve():
        raise DataError(f"expected --out beside the photographs, received the same folder, {printable(str(photos))}")
    splits = _splits(photos)
    classes = discover_classes(splits["train"])
    cutter = cutter or FaceCutter()
    done = {row.photo: row for row in _read_record(out / RECORD_FILE)}
    work: list[tuple[Path, str]] = []
    crops: list[Crop] = []
    left_out: list[str] = []
    loose: list[str] = []
    for split, folder in splits.items():
        loose += [_shown(path, photos) for path in loose_files(folder)]
        for label, class_folder in class_folders(folder, classes).items():
            pictures, broken, others = sort_entries(class_folder)
            left_out += [path.relative_to(photos).as_posix() for path in others]
            crops += [Crop(_shown(path, photos), 0, 0, "", reason) for path, reason in broken.items()]
            work += [(path, f"{split}/{label}/{printable(path.name)}.png") for path in pictures]
    record = _Record(out / RECORD_FILE, done.values())
    for path, target in tqdm(work, unit="photo", disable=None):
        known = done.get(_shown(path, photos))
        if known and known.bytes == path.stat().st_size:
            is_deleted = known.file and not (out / known.file).exists()
            crops.append(replace(known, file="", remark=DELETED) if is_deleted else known)
            continue
        crops.append(_cut_one(cutter, path, _shown(path, photos), out, target))
        record.add(crops[-1])
    for label in classes:
        _write_sheets([crop for crop in crops if crop.file and crop.file.split("/")[1] == label], label, out)
    return Cropped(tuple(crops), classes, tuple(left_out), tuple(loose))


def _splits(photos: Path) -> dict[str, Path]:
    """Split names of the data set to the folders of the photographs; a folder without splits is for training."""
    train = find_split(photos, "train")
    if train is None:
        return {"train": photos}
    others = {"test": find_split(photos, "test"), "validation": find_split(photos, *VALIDATION_NAMES)}
    return {"train": train} | {name: folder for name, folder in others.items() if folder}


def _cut_one(cutter: FaceCutter, path: Path, name: str, out: Path, target: str) -> Crop:
    size = path.stat().st_size
    try:
        face, count = cutter.cut(path)
    except AnalysisError as error:
        return Crop(name, size, 0, "", str(error))
    if face is None:
        return Crop(name, size, 0, "", "no face found")
    write_file(out / target, cv2.imencode(".png", face)[1].tobytes())
    return Crop(name, size, count, target, "the largest of several faces" if count > 1 else "")


def _decoded(path: Path) -> np.ndarray:
    """A photograph as the analyzer decodes it."""
    return decode(as_served(path.read_bytes()), PHOTO_SIDE_PX)[0]


def _shown(path: Path, photos: Path) -> str:
    return printable(path.relative_to(photos).as_posix())


def _read_record(path: Path) -> Iterator[Crop]:
    """The whole rows of a record; a row that was cut off by an interruption is left out."""
    if not path.exists():
        return
    rows = csv.reader(io.StringIO(path.read_text("utf-8", errors="replace"), newline=""))
    for row in list(rows)[1:]:
        if len(row) == len(fields(Crop)) and row[1].isdigit() and row[2].isdigit():
            yield Crop(row[0], int(row[1]), int(row[2]), row[3], row[4])


class _Record:
    """`crops.csv`, rewritten whole at the start and then one row longer with every photograph."""

    def __init__(self, path: Path, known: Iterable[Crop]) -> None:
        self._path = path
        write_file(path, (_row([field.name for field in fields(Crop)]) + "".join(map(_row, map(astuple, known)))).encode())

    def add(self, crop: Crop) -> None:
        with self._path.open("ab") as file:
            file.write(_row(astuple(crop)).encode())


def _row(values: Iterable[object]) -> str:
    text = io.StringIO(newline="")
    csv.writer(text).writerow(list(values))
    return text.getvalue()


def _write_sheets(crops: list[Crop], label: str, out: Path) -> None:
    """The faces of a class, `PER_SHEET` on a picture, each with the beginning of its name."""
    for page, start in enumerate(range(0, len(crops), PER_SHEET), 1):
        shown = crops[start : start + PER_SHEET]
        rows = -(-len(shown) // COLUMNS)
        sheet = np.full((rows * (TILE_PX + CAPTION_PX), COLUMNS * TILE_PX), 255, np.uint8)
        for index, one in enumerate(shown):
            top, left = index // COLUMNS * (TILE_PX + CAPTION_PX), index % COLUMNS * TILE_PX
            face = read_picture(out / one.file)
            sheet[top : top + TILE_PX, left : left + TILE_PX] = cv2.resize(face, (TILE_PX, TILE_PX))
            name = Path(one.file).stem[:15].encode("ascii", "replace").decode()
            cv2.putText(sheet, name, (left + 2, top + TILE_PX + 12), cv2.FONT_HERSHEY_SIMPLEX, 0.32, 0, 1, cv2.LINE_AA)
        write_file(out / CONTACT_FOLDER / f"{label}-{page}.png", cv2.imencode(".png", sheet)[1].tobytes())
