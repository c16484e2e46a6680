"""Folder data sets: `SPLIT/CLASS/*.jpg` to arrays and labels."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

from ml.console import printable
from ml.data.reading import read_or_reason, sort_entries
from ml.inference.contract import DISPLAY_NAMES, EMOTIONS, RESERVED_LABELS
from ml.inference.preprocess import fit_to_input

VARIANTS = {
    "angry": ("anger", "an"),
    "disgust": ("disgusted", "di"),
    "fear": ("fearful", "afraid", "fe", "scared"),
    "happy": ("happiness", "ha", "joy"),
    "sad": ("sadness", "sa"),
    "surprise": ("surprised", "su"),
    "neutral": ("neutrality", "ne", "calm"),
}
FOLDER_NAMES = {
    name.lower(): emotion for emotion in EMOTIONS for name in (emotion, DISPLAY_NAMES[emotion], *VARIANTS[emotion])
}
"""Every accepted folder name, lower case, and the emotion it stands for."""
CONTACT_FOLDER = "contact"
"""Contact sheets of `ml.data crop`, beside the splits."""
VALIDATION_NAMES = ("validation", "val", "valid")
"""Folders beside `train/` that are used for validation."""


class DataError(Exception):
    """A data set that can't be used as it is. The message says what was expected and what was received."""


@dataclass(frozen=True)
class Pictures:
    """One split in memory.

    images: `(n, 48, 48)` uint8 grey. labels: `(n,)` int64 indices into `classes`. files: paths relative to the data
    set, `train/happy/a.jpg`. skipped: a line for each picture that can't be read, with the reason. sizes: width and
    height of each file in pixels. left_out: files that are not pictures, by path.
    """

    images: np.ndarray
    labels: np.ndarray
    files: tuple[str, ...]
    skipped: tuple[str, ...]
    classes: tuple[str, ...] = EMOTIONS
    sizes: tuple[tuple[int, int], ...] = ()
    left_out: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.labels)

    def subset(self, indices: np.ndarray) -> Pictures:
        files = tuple(self.files[i] for i in indices)
        sizes = tuple(self.sizes[i] for i in indices) if self.sizes else ()
        return Pictures(
            self.images[indices], self.labels[indices], files, self.skipped, self.classes, sizes, self.left_out
        )

    def __add__(self, other: Pictures) -> Pictures:
        return Pictures(
            np.concatenate([self.images, other.images]),
            np.concatenate([self.labels, other.labels]),
            self.files + other.files,
            self.skipped + other.skipped,
            self.classes,
            self.sizes + other.sizes,
            self.left_out + other.left_out,
        )


def folder_label(name: str) -> str:
    """A class folder's name as a label: lower case, in Unicode normal form C."""
    return printable(unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).lower()))


def subfolders(folder: Path) -> list[Path]:
    """The folders in a folder, sorted by name, without hidden ones.

    Raises:
        DataError: it can't be listed.
    """
    try:
        return sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    except OSError as error:
        raise DataError(
            f"expected a directory with one folder per class, received {printable(str(folder))}: {error.strerror}"
        ) from error


def _require_folder(folder: Path) -> None:
    """Refuse a path that is no folder; the message says which part of it is missing.

    Raises:
        DataError: no such folder.
    """
    if folder.is_dir():
        return
    shown, parent = printable(str(folder)), printable(str(folder.parent))
    reason = "which is a file" if folder.exists() else "and there is no such folder"
    if not folder.parent.is_dir():
        reason = f"and {parent} is a file" if folder.parent.exists() else f"and there is no folder {parent}"
    raise DataError(f"expected a directory with one folder per class, received {shown}, {reason}")


def loose_files(folder: Path) -> list[Path]:
    """The files of a split that lie beside its class folders, sorted, without hidden ones."""
    return sorted(path for path in folder.iterdir() if not path.is_dir() and not path.name.startswith("."))


def find_split(data: str | Path, *names: str) -> Path | None:
    """The folder of a split under any of its names, in upper or lower case; None where there is none.

    Raises:
        DataError: two folders have such a name.
    """
    root = Path(data)
    found = [path for path in subfolders(root) if path.name.lower() in names] if root.is_dir() else []
    if len(found) > 1:
        raise DataError(f"expected one folder of {', '.join(names)} in {root}, received {found[0]} and {found[1]}")
    return found[0] if found else None


def refuse_photographs(folder: Path) -> None:
    """Refuse a folder that is no data set yet: it has no `train/`, and pictures where the splits or classes should be.

    Raises:
        DataError: with the step that comes first.
    """
    splits = [split for split in subfolders(folder) if split.name != CONTACT_FOLDER]
    if any(split.name.lower() == "train" for split in splits):
        return
    expected = f"expected a data set, a folder with train/CLASS/, received {printable(str(folder))} without train/"
    crop = "python -m ml.data crop PHOTOS --out DATA"
    if any(sort_entries(split)[0] and not subfolders(split) for split in splits):
        raise DataError(f"{expected}; if its folders are the classes of photographs, make a data set of it first: {crop}")
    if sort_entries(folder)[0]:
        raise DataError(f"{expected}; sort photographs into a folder for each class, then make a data set of them: {crop}")


def match_classes(split_dir: Path, classes: tuple[str, ...]) -> tuple[dict[str, Path], list[str]]:
    """The folder of every class by name, and a line for every folder or class without a match.

    Raises:
        DataError: no such directory, or it can't be listed.
    """
    _require_folder(split_dir)
    names = FOLDER_NAMES if set(classes) <= set(EMOTIONS) else {folder_label(name): name for name in classes}
    found: dict[str, Path] = {}
    wrong: list[str] = []
    for folder in subfolders(split_dir):
        label = names.get(folder_label(folder.name))
        shown = printable(str(folder))
        if label not in classes:
            wrong.append(f"expected folders named like {', '.join(classes)}, received {shown}")
        elif label in found:
            wrong.append(f"expected one folder for {label}, received {printable(found[label].name)} and {shown}")
        else:
            found[label] = folder
    missing = [name for name in classes if name not in found]
    if missing:
        wrong.append(
            f"expected a folder for every class in {printable(str(split_dir))}, received none for {', '.join(missing)}"
        )
    return {name: found[name] for name in classes if name in found}, wrong


def class_folders(split_dir: Path, classes: tuple[str, ...] = EMOTIONS) -> dict[str, Path]:
    """Find the folder of every class, by name.

    Raises:
        DataError: no such directory, an unknown folder name, a class without a folder, or two folders for one class.
    """
    found, wrong = match_classes(split_dir, classes)
    if wrong:
        raise DataError(wrong[0])
    return found


def discover_classes(split_dir: Path) -> tuple[str, ...]:
    """The classes that a split's folders name: emotions in label order if all are emotions, else sorted by name.

    Raises:
        DataError: no such directory, fewer than two folders in it, or a folder named like a column of result tables.
    """
    _require_folder(split_dir)
    folders = [folder_label(path.name) for path in subfolders(split_dir)]
    if len(folders) < 2:
        raise DataError(f"expected at least two class folders in {printable(str(split_dir))}, received {len(folders)}")
    reserved = sorted(set(folders) & RESERVED_LABELS)
    if reserved:
        raise DataError(
            f"expected class names other than the columns of result tables, received {', '.join(reserved)} in "
            f"{printable(str(split_dir))}: rename the folder"
        )
    if all(name in FOLDER_NAMES for name in folders):
        named = {FOLDER_NAMES[name] for name in folders}
        return tuple(emotion for emotion in EMOTIONS if emotion in named)
    return tuple(sorted(set(folders)))


def load_pictures(
    data_dir: str | Path, split: str | Path, classes: tuple[str, ...] = EMOTIONS, limit: int | None = None
) -> Pictures:
    """Read one split of a folder data set.

    Args:
        data_dir: holds `train/` and `test/`. split: which of them. limit: at most this many pictures of each class.

    Raises:
        DataError: the folders are wrong (see `class_folders`) or a class has no readable picture.
    """
    root = Path(data_dir)
    images: list[np.ndarray] = []
    labels: list[int] = []
    files: list[str] = []
    sizes: list[tuple[int, int]] = []
    skipped: list[str] = []
    folders = class_folders(root / split, classes)
    left_out = [_name(path, root) for path in loose_files(root / split)]
    for label, folder in enumerate(folders.values()):
        try:
            paths, broken, others = sort_entries(folder)
        except OSError as error:
            raise DataError(f"expected a readable folder, received {printable(str(folder))}: {error.strerror}") from error
        skipped += [f"{printable(_name(path, root))}: {reason}" for path, reason in broken.items()]
        left_out += [_name(path, root) for path in others]
        before = len(images)
        for path in tqdm(paths[:limit], desc=printable(folder.name), unit="picture", leave=False, disable=None):
            gray = read_or_reason(path)
            if isinstance(gray, str):
                skipped.append(f"{printable(_name(path, root))}: {gray}")
                continue
            images.append(fit_to_input(gray))
            labels.append(label)
            files.append(_name(path, root))
            sizes.append((gray.shape[1], gray.shape[0]))
        if len(images) == before:
            raise DataError(
                f"expected at least one readable picture in {printable(str(folder))}, received "
                f"{len(paths) + len(broken) + len(others)} files, none usable"
            )
    return Pictures(
        np.stack(images),
        np.asarray(labels),
        tuple(files),
        tuple(sorted(skipped)),
        classes,
        tuple(sizes),
        tuple(left_out),
    )


def _name(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix()
