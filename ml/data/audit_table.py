"""The findings of an audit as text."""

from __future__ import annotations

from ml.data.audit import Audit, Group
from ml.data.reading import count_by_suffix


def table(report: Audit) -> str:
    """The findings as text: a count per class and split, then one line per kind of finding."""
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
    titles = {
        "odd_sized": "odd sized",
        "unreadable": "unreadable, skipped",
        "left_out": "not pictures, left out",
        "remarks": "remarks",
        "problems": "problems that stop training",
    }
    for name, title in titles.items():
        found: tuple[str, ...] = getattr(report, name)
        kinds = count_by_suffix(found).partition(": ")[2] if name == "left_out" else ""
        lines.append(f"{title}: {len(found):,}" + (f" ({kinds})" if kinds else ""))
        lines += [f"  {line}" for line in found[:10]] + (["  …"] if len(found) > 10 else [])
    return "\n".join(lines)


def _extent(groups: tuple[Group, ...]) -> str:
    return f"{sum(len(group.files) for group in groups):,} pictures in {_groups_of(len(groups))}"


def _groups_of(count: int) -> str:
    return f"{count:,} group{'s' * (count != 1)}"
