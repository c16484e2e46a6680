"""What is in a folder data set and what is wrong with it: counts, unreadable files, odd sizes, duplicates."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from ml.data.folders import FOLDER_NAMES, PICTURE_SUFFIXES, DataError
from ml.data.near_duplicates import connected, near_pairs
from ml.inference.contract import AnalysisError
from ml.inference.preprocess import decode_image, fit_to_input


@dataclass(frozen=True)
class Group:
    """Pictures that are one and the same, each `SPLIT/CLASS/FILE`."""

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
    """The findings. `problems` make the data set unusable as it stands; the rest is to know.

    counts: split → label → readable pictures. sizes: "48×48" → pictures. duplicates: pictures with identical pixels.
    near_duplicates: almost identical or mirrored ones, or None when they were not looked for.
    """

    folder: str
    counts: dict[str, dict[str, int]]
    sizes: dict[str, int]
    problems: tuple[str, ...]
    ignored: tuple[str, ...]
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
    """Read every file of a folder data set.

    Args:
        folder: holds a directory per split (`train`, `test`, …), each with a directory per class.
        near: look for almost identical pictures too; the time grows with the square of their number.

    Raises:
        DataError: there is no such folder, or no split in it.
    """
    splits = _directories(folder) if folder.is_dir() else []
    if not splits:
        raise DataError(f"expected a folder with train/ and test/, received {folder}")
    labels = _labels(splits)
    counts: dict[str, dict[str, int]] = {}
    few = len(set(labels.values())) < 2
    problems = [f"expected at least two classes, received {', '.join(labels.values()) or 'none'}"] if few else []
    ignored: list[str] = []
    unreadable: list[str] = []
    files: list[str] = []
    sizes: list[tuple[int, int]] = []
    prints: list[str] = []
    images: list[np.ndarray] = []
    for split in splits:
        counts[split.name] = dict.fromkeys(labels.values(), 0)
        for path, label in tqdm(
            list(_pictures(split, labels, problems, ignored)), desc=split.name, leave=False, disable=None
        ):
            name = path.relative_to(folder).as_posix()
            try:
                gray = decode_image(path.read_bytes())
            except AnalysisError as error:
                unreadable.append(f"{name}: {error}")
                continue
            counts[split.name][label] += 1
            files.append(name)
            sizes.append((gray.shape[1], gray.shape[0]))
            prints.append(hashlib.blake2b(gray.tobytes() + bytes(str(gray.shape), "ascii"), digest_size=16).hexdigest())
            if near:
                images.append(fit_to_input(gray))
        problems += [
            f"{split.name}: expected pictures of {label}, received none"
            for label, n in counts[split.name].items()
            if not n
        ]
    usual, _ = Counter(sizes).most_common(1)[0] if sizes else ((0, 0), 0)
    odd = [f"{file}: {w}×{h}" for file, (w, h) in zip(files, sizes, strict=True) if (w, h) != usual]
    return Audit(
        folder=str(folder),
        counts=counts,
        sizes={f"{w}×{h}": n for (w, h), n in Counter(sizes).most_common()},
        problems=tuple(problems),
        ignored=tuple(ignored),
        unreadable=tuple(unreadable),
        odd_sized=tuple(odd),
        duplicates=_groups(files, prints),
        near_duplicates=_near_groups(files, prints, np.stack(images)) if near and images else None,
    )


def _directories(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))


def _labels(splits: Iterable[Path]) -> dict[str, str]:
    """Folder names, lower case, and the labels they stand for: the emotions, unless no folder names one."""
    names = {folder.name.lower() for split in splits for folder in _directories(split)}
    return FOLDER_NAMES if names & FOLDER_NAMES.keys() or not names else {name: name for name in sorted(names)}


def _pictures(
    split: Path, labels: Mapping[str, str], problems: list[str], ignored: list[str]
) -> Iterator[tuple[Path, str]]:
    """Every picture file of a split with its label; what is unexpected goes to the two lists."""
    ignored += [
        file.relative_to(split.parent).as_posix()
        for file in sorted(split.iterdir())
        if file.is_file() and not file.name.startswith(".")
    ]
    seen: dict[str, str] = {}
    for folder in _directories(split):
        label = labels.get(folder.name.lower())
        if label is None:
            problems.append(f"{split.name}: expected folders named after the emotions, received {folder.name}")
            continue
        if label in seen:
            problems.append(f"{split.name}: expected one folder for {label}, received {seen[label]} and {folder.name}")
        seen[label] = folder.name
        for path in sorted(folder.iterdir()):
            if path.suffix.lower() in PICTURE_SUFFIXES:
                yield path, label
            elif not path.name.startswith("."):
                ignored.append(path.relative_to(split.parent).as_posix())


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


def table(report: Audit) -> str:
    """The findings for a person: a count per class and split, then one line per kind of finding."""
    splits = list(report.counts)
    labels = list(report.counts[splits[0]])
    width = max(10, *(len(label) + 2 for label in labels))
    lines = [" " * width + "".join(f"{split:>12}" for split in splits)]
    lines += [
        f"{label:{width}}" + "".join(f"{report.counts[split][label]:>12,}" for split in splits) for label in labels
    ]
    lines += [f"{'all':{width}}" + "".join(f"{sum(report.counts[split].values()):>12,}" for split in splits), ""]
    lines.append("sizes: " + (", ".join(f"{n:,} of {size}" for size, n in list(report.sizes.items())[:5]) or "none"))
    lines.append(
        f"duplicates: {_extent(report.duplicates)}; {_groups_of(len(report.within_splits()))} within a split, "
        f"{len(report.across_splits()):,} across splits, {len(report.conflicting()):,} with conflicting labels"
    )
    if report.near_duplicates is not None:
        across = sum(len(group.splits) > 1 for group in report.near_duplicates)
        lines.append(f"near duplicates: {_extent(report.near_duplicates)}; {_groups_of(across)} across splits")
    for name in ("odd_sized", "unreadable", "ignored", "problems"):
        found: tuple[str, ...] = getattr(report, name)
        title = {"unreadable": "unreadable, left out", "problems": "problems that stop training"}.get(name, name)
        lines.append(f"{title.replace('_', ' ')}: {len(found):,}")
        lines += [f"  {line}" for line in found[:10]] + (["  …"] if len(found) > 10 else [])
    return "\n".join(lines)


def _extent(groups: tuple[Group, ...]) -> str:
    return f"{sum(len(group.files) for group in groups):,} pictures in {_groups_of(len(groups))}"


def _groups_of(count: int) -> str:
    return f"{count:,} group{'s' * (count != 1)}"
