"""Folder data sets: `SPLIT/CLASS/*.jpg` to arrays, votes, and a validation split that keeps duplicates together."""

from __future__ import annotations

import csv
import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold
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
    name.lower(): emotion
    for emotion in EMOTIONS
    for name in (emotion, DISPLAY_NAMES[emotion], *VARIANTS[emotion])
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
    names = FOLDER_NAMES if classes == EMOTIONS else {name.lower(): name for name in classes}
    found: dict[str, Path] = {}
    for folder in sorted(path for path in split_dir.iterdir() if path.is_dir() and not path.name.startswith(".")):
        label = names.get(folder.name.lower())
        if label is None:
            raise DataError(f"expected folders named like {', '.join(classes)}, received {folder}")
        if label in found:
            raise DataError(f"expected one folder for {label}, received {found[label].name} and {folder.name}")
        found[label] = folder
    missing = [name for name in classes if name not in found]
    if missing:
        raise DataError(f"expected a folder for every class in {split_dir}, received none for {', '.join(missing)}")
    return {name: found[name] for name in classes}


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
    images, labels, files, skipped = [], [], [], []
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
            raise DataError(f"expected at least one readable picture in {folder}, received {len(paths)} files, none usable")
    return Pictures(np.stack(images), np.asarray(labels), tuple(files), tuple(skipped), classes)


def fingerprints(images: np.ndarray) -> np.ndarray:
    """A hash of each picture's pixels, `(n,)` str: equal for exact duplicates."""
    return np.asarray([hashlib.blake2b(image.tobytes(), digest_size=12).hexdigest() for image in images])


def split_validation(pictures: Pictures, share: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Indices for training and validation: stratified by class, seeded, duplicates on one side.

    Args:
        share: the validation part, above 0 and at most 0.5.
    """
    if not 0 < share <= 0.5:
        raise DataError(f"expected a validation share above 0 and at most 0.5, received {share}")
    folds = StratifiedGroupKFold(n_splits=round(1 / share), shuffle=True, random_state=seed)
    train, validation = next(folds.split(pictures.labels, pictures.labels, fingerprints(pictures.images)))
    return np.sort(train), np.sort(validation)


def load_votes(votes_csv: str | Path, files: tuple[str, ...]) -> np.ndarray:
    """Read how several people saw each picture.

    Args:
        votes_csv: columns `file` and the seven emotions, votes as numbers; other columns count as none of the seven.
        files: the pictures to look up.

    Returns:
        `(n, 7)` float32: shares of the seven, or zeros where a picture has no row or most votes are for none of the seven.
    """
    with open(votes_csv, newline="") as file:
        reader = csv.DictReader(file)
        missing = {"file", *EMOTIONS} - set(reader.fieldnames or ())
        if missing:
            raise DataError(f"expected the columns file, {', '.join(EMOTIONS)} in {votes_csv}, received none of {missing}")
        others = [name for name in reader.fieldnames or () if name not in {"file", *EMOTIONS}]
        rows = {
            row["file"]: ([float(row[name] or 0) for name in EMOTIONS], sum(float(row[name] or 0) for name in others))
            for row in reader
        }
    shares = np.zeros((len(files), len(EMOTIONS)), np.float32)
    for index, name in enumerate(files):
        seven, other = rows.get(name, ([0.0] * 7, 0.0))
        if sum(seven) > other:
            shares[index] = np.asarray(seven) / sum(seven)
    return shares
