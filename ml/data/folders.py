"""Folder data sets: `SPLIT/CLASS/*.jpg` to arrays and labels."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

from ml.inference.contract import DISPLAY_NAMES, EMOTIONS, AnalysisError
from ml.inference.preprocess import decode_image, fit_to_input

PICTURE_SUFFIXES = {".jpg", ".jpeg", ".png", ".webp"}

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


class DataError(Exception):
    """A data set that can't be used as it is. The message says what was expected and what was received."""


@dataclass(frozen=True)
class Pictures:
    """One split in memory.

    images: `(n, 48, 48)` uint8 grey. labels: `(n,)` int64 indices into `classes`. files: paths relative to the data
    set, `train/happy/a.jpg`. skipped: a line for each file left out and why.
    """

    images: np.ndarray
    labels: np.ndarray
    files: tuple[str, ...]
    skipped: tuple[str, ...]
    classes: tuple[str, ...] = EMOTIONS

    def __len__(self) -> int:
        return len(self.labels)

    def subset(self, indices: np.ndarray) -> Pictures:
        files = tuple(self.files[i] for i in indices)
        return Pictures(self.images[indices], self.labels[indices], files, self.skipped, self.classes)


def class_folders(split_dir: Path, classes: tuple[str, ...] = EMOTIONS) -> dict[str, Path]:
    """Find the folder of every class, by name.

    Raises:
        DataError: no such directory, an unknown folder name, a class without a folder, or two folders for one class.
    """
    if not split_dir.is_dir():
        raise DataError(f"expected a directory with one folder per class, received {split_dir}")
    names = FOLDER_NAMES if set(classes) <= set(EMOTIONS) else {name.lower(): name for name in classes}
    found: dict[str, Path] = {}
    for folder in sorted(path for path in split_dir.iterdir() if path.is_dir() and not path.name.startswith(".")):
        label = names.get(folder.name.lower())
        if label not in classes:
            other = "" if classes != EMOTIONS else "; ml.train --from shipped learns other classes"
            raise DataError(f"expected folders named like {', '.join(classes)}, received {folder}{other}")
        if label in found:
            raise DataError(f"expected one folder for {label}, received {found[label].name} and {folder.name}")
        found[label] = folder
    missing = [name for name in classes if name not in found]
    if missing:
        raise DataError(f"expected a folder for every class in {split_dir}, received none for {', '.join(missing)}")
    return {name: found[name] for name in classes}


def discover_classes(split_dir: Path) -> tuple[str, ...]:
    """The classes that a split's folders name: emotions in label order if all are emotions, else sorted by name.

    Raises:
        DataError: no such directory, or fewer than two folders in it.
    """
    if not split_dir.is_dir():
        raise DataError(f"expected a directory with one folder per class, received {split_dir}")
    folders = [path.name.lower() for path in split_dir.iterdir() if path.is_dir() and not path.name.startswith(".")]
    if len(folders) < 2:
        raise DataError(f"expected at least two class folders in {split_dir}, received {len(folders)}")
    if all(name in FOLDER_NAMES for name in folders):
        named = {FOLDER_NAMES[name] for name in folders}
        return tuple(emotion for emotion in EMOTIONS if emotion in named)
    return tuple(sorted(folders))


def load_pictures(
    data_dir: str | Path, split: str, classes: tuple[str, ...] = EMOTIONS, limit: int | None = None
) -> Pictures:
    """Read one split of a folder data set.

    Args:
        data_dir: holds `train/` and `test/`. split: which of them. limit: at most so many pictures of each class.

    Raises:
        DataError: the folders are wrong (see `class_folders`) or a class has no readable picture.
    """
    root = Path(data_dir)
    images: list[np.ndarray] = []
    labels: list[int] = []
    files: list[str] = []
    skipped: list[str] = []
    for label, folder in enumerate(class_folders(root / split, classes).values()):
        paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in PICTURE_SUFFIXES)[:limit]
        before = len(images)
        for path in tqdm(paths, desc=f"{split}/{folder.name}", unit="picture", leave=False, disable=None):
            name = path.relative_to(root).as_posix()
            try:
                images.append(fit_to_input(decode_image(path.read_bytes())))
            except AnalysisError as error:
                skipped.append(f"{name}: {error}")
                continue
            labels.append(label)
            files.append(name)
        if len(images) == before:
            raise DataError(
                f"expected at least one readable picture in {folder}, received {len(paths)} files, none usable"
            )
    return Pictures(np.stack(images), np.asarray(labels), tuple(files), tuple(skipped), classes)
