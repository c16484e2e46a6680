"""What is in a folder data set and what is wrong with it: counts, unreadable files, odd sizes, duplicates."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from ml.console import printable
from ml.data.folders import (
    CONTACT_FOLDER,
    FOLDER_NAMES,
    VALIDATION_NAMES,
    DataError,
    discover_classes,
    find_split,
    folder_label,
    loose_files,
    match_classes,
    refuse_photographs,
    subfolders,
)
from ml.data.near_duplicates import connected, near_pairs
from ml.data.reading import advice_on_sizes, count_by_suffix, read_or_reason, sort_entries
from ml.data.training_set import require_variety
from ml.inference.contract import EMOTIONS
from ml.inference.preprocess import fit_to_input


@dataclass(frozen=True)
class Group:
    """Files with the same picture, each `SPLIT/CLASS/FILE`."""

    files: tuple[str, ...]

    @property
    def splits(self) -> frozenset[str]:
        return frozenset(file.partition("/")[0] for file in self.files)

    @property
    def labels(self) -> frozenset[str]:
        folders = (file.split("/")[1].lower() for file in self.files)
        return frozenset(FOLDER_NAMES.get(folder, folder) for folder in folders)


@dataclass(frozen=True)
class Audit:
    """The findings.

    counts: split → class → readable pictures. sizes: "48×48" → pictures. problems: what stops `ml.train`. remarks: what
    a user should know before training. left_out: files that are not pictures. unreadable, odd_sized: a line for each such
    picture. duplicates: pictures with identical pixels. near_duplicates: almost identical or mirrored ones, or None when
    they were not looked for.
    """

    folder: str
    counts: dict[str, dict[str, int]]
    sizes: dict[str, int]
    problems: tuple[str, ...]
    remarks: tuple[str, ...]
    left_out: tuple[str, ...]
    unreadable: tuple[str, ...]
    odd_sized: tuple[str, ...]
    duplicates: tuple[Group, ...]
    near_duplicates: tuple[Group, ...] | None

    def within_splits(self) -> list[Group]:
        return [group for group in self.duplicates if len(group.splits) < len(group.files)]

    def across_splits(self) -> list[Group]:
        return [group for group in self.duplicates if len(group.splits) > 1]

    def conflicting(self) -> list[Group]:
        return [group for group in self.duplicates if len(group.labels) > 1]

    def to_dict(self) -> dict[str, Any]:
        """Everything found, file by file, ready for JSON."""
        near = self.near_duplicates
        return asdict(self) | {
            "pictures": sum(sum(counts.values()) for counts in self.counts.values()),
            "duplicates": [list(group.files) for group in self.duplicates],
            "duplicates_within_splits": len(self.within_splits()),
            "duplicates_across_splits": len(self.across_splits()),
            "conflicting_labels": [list(group.files) for group in self.conflicting()],
            "near_duplicates": near if near is None else [list(group.files) for group in near],
        }


def audit(folder: Path, near: bool = False) -> Audit:
    """Read every file of a folder data set, by the rules of `TrainingSet.load`.

    Args:
        folder: holds a directory per split (`train`, `test`, …), each with a directory per class.
        near: look for almost identical pictures too; the time grows with the square of their number.

    Raises:
        DataError: there is no such folder, or no split in it.
    """
    if not folder.is_dir():
        received = "which is a file" if folder.exists() else "and there is no such folder"
        raise DataError(f"expected a data set, a folder with train/CLASS/, received {printable(str(folder))}, {received}")
    splits = [split for split in subfolders(folder) if split.name != CONTACT_FOLDER]
    refuse_photographs(folder)
    if not splits:
        raise DataError(f"expected a data set, a folder with train/CLASS/, received {printable(str(folder))} without folders")
    found = _Findings(folder, near)
    train, held_out = found.attempt(lambda: _trained_splits(folder)) or (None, None)
    classes = found.attempt(lambda: discover_classes(train or folder / "train")) or _all_labels(splits)
    for split in splits:
        is_trained = split in (train, held_out) or split.name.lower() == "test"
        found.read_split(split, classes, found.problems if is_trained else found.remarks)
    if train and not held_out:
        mine = [index for index, file in enumerate(found.files) if file.startswith(f"{train.name}/")]
        labels = np.array([found.files[index].split("/")[1] for index in mine])
        found.attempt(lambda: require_variety(labels, np.array([found.input_prints[index] for index in mine])))
    if classes != EMOTIONS:
        found.remarks.append(f"the classes are {', '.join(classes)}: presets that learn from votes need the seven emotions")
    if advice := advice_on_sizes(found.sizes):
        found.remarks.append(advice)
    return found.summary()


class _Findings:
    """What has been found so far, split by split."""

    def __init__(self, folder: Path, near: bool) -> None:
        self.folder, self.near = folder, near
        self.counts: dict[str, dict[str, int]] = {}
        self.problems: list[str] = []
        self.remarks: list[str] = []
        self.left_out: list[str] = []
        self.unreadable: list[str] = []
        self.files: list[str] = []
        self.sizes: list[tuple[int, int]] = []
        self.prints: list[str] = []
        self.input_prints: list[str] = []
        self.images: list[np.ndarray] = []

    def attempt(self, rule: Callable[[], Any]) -> Any:
        """The value of a rule of training. If the rule raises DataError: None, and the message becomes a problem."""
        try:
            return rule()
        except DataError as error:
            self.problems.append(str(error))
            return None

    def read_split(self, split: Path, classes: tuple[str, ...], complaints: list[str]) -> None:
        name = printable(split.name)
        counts = self.counts[name] = dict.fromkeys(classes, 0)
        try:
            folders, wrong = match_classes(split, classes)
        except DataError as error:
            complaints.append(str(error))
            return
        complaints += wrong
        self.left_out += map(self._name, loose_files(split))
        for label, folder in folders.items():
            try:
                paths, broken, others = sort_entries(folder)
            except OSError as error:
                complaints.append(f"expected a readable folder, received {printable(str(folder))}: {error.strerror}")
                continue
            self.left_out += map(self._name, others)
            self.unreadable += [f"{self._name(path)}: {reason}" for path, reason in broken.items()]
            for path in tqdm(paths, desc=f"{name}/{label}", leave=False, disable=None):
                counts[label] += self._read(path)
            if not counts[label]:
                complaints.append(f"{name}: expected at least one readable picture of {label}, received none")

    def _read(self, path: Path) -> bool:
        gray = read_or_reason(path)
        if isinstance(gray, str):
            self.unreadable.append(f"{self._name(path)}: {gray}")
            return False
        self.files.append(self._name(path))
        self.sizes.append((gray.shape[1], gray.shape[0]))
        self.prints.append(hashlib.blake2b(gray.tobytes() + str(gray.shape).encode(), digest_size=16).hexdigest())
        image = fit_to_input(gray)
        self.input_prints.append(hashlib.blake2b(image.tobytes(), digest_size=12).hexdigest())
        if self.near:
            self.images.append(image)
        return True

    def _name(self, path: Path) -> str:
        return printable(path.relative_to(self.folder).as_posix())

    def summary(self) -> Audit:
        usual, _ = Counter(self.sizes).most_common(1)[0] if self.sizes else ((0, 0), 0)
        odd = [f"{file}: {w}×{h}" for file, (w, h) in zip(self.files, self.sizes, strict=True) if (w, h) != usual]
        near = _near_groups(self.files, self.prints, np.stack(self.images)) if self.images else ()
        return Audit(
            folder=printable(str(self.folder)),
            counts=self.counts,
            sizes={f"{w}×{h}": n for (w, h), n in Counter(self.sizes).most_common()},
            problems=tuple(self.problems),
            remarks=tuple(self.remarks),
            left_out=tuple(self.left_out),
            unreadable=tuple(sorted(self.unreadable)),
            odd_sized=tuple(odd),
            duplicates=_groups(self.files, self.prints),
            near_duplicates=near if self.near else None,
        )


def _trained_splits(folder: Path) -> tuple[Path | None, Path | None]:
    """The folders that are trained on and validated on."""
    return find_split(folder, "train"), find_split(folder, *VALIDATION_NAMES)


def _all_labels(splits: Iterable[Path]) -> tuple[str, ...]:
    """The classes of a data set that can't be trained on: emotions if a folder names one, else all folder names."""
    names = {folder_label(folder.name) for split in splits for folder in subfolders(split)}
    return EMOTIONS if names & FOLDER_NAMES.keys() or not names else tuple(sorted(names))


def _groups(files: Iterable[str], keys: Iterable[str]) -> tuple[Group, ...]:
    """Files that share a key, where at least two do."""
    by_key: dict[str, list[str]] = defaultdict(list)
    for file, key in zip(files, keys, strict=True):
        by_key[key].append(file)
    return tuple(Group(tuple(group)) for group in by_key.values() if len(group) > 1)


def _near_groups(files: list[str], prints: list[str], images: np.ndarray) -> tuple[Group, ...]:
    """Almost identical pictures, without the groups that are exact duplicates already."""
    groups = connected(len(files), near_pairs(images))
    return tuple(
        Group(tuple(files[index] for index in group)) for group in groups if len({prints[index] for index in group}) > 1
    )
