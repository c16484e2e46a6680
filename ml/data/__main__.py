"""Commands for data sets: audit one, import FER-2013, or create one from photographs.

    python -m ml.data audit DIR
    python -m ml.data import fer2013.csv --out DIR
    python -m ml.data crop PHOTOS --out DIR
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from ml.console import OutputError, before_imports, check_writable, run, write_text

if __name__ == "__main__":  # before the slow imports
    before_imports("ml.data")

from ml.data.audit import audit
from ml.data.audit_table import table
from ml.data.fer2013 import import_fer2013
from ml.data.folders import DataError
from ml.data.reading import count_by_suffix


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="python -m ml.data", description=__doc__)
    commands = top.add_subparsers(dest="command", required=True)
    look = commands.add_parser(
        "audit", help="report counts, unreadable files, odd sizes, duplicates, conflicting labels"
    )
    look.add_argument("folder", type=Path, help="data set: a folder per split, in each a folder per class")
    look.add_argument("--near", action="store_true", help="also find almost identical and mirrored pictures")
    look.add_argument("--json", type=Path, metavar="FILE", help="write all findings, file by file")
    fill = commands.add_parser("import", help="turn fer2013.csv, and FER+ votes, into a folder data set")
    fill.add_argument("csv", type=Path, help="fer2013.csv")
    fill.add_argument("--votes", type=Path, metavar="CSV", help="fer2013new.csv, the votes of FER+")
    fill.add_argument("--out", type=Path, required=True, metavar="DIR", help="a new folder")
    cut = commands.add_parser("crop", help="crop the faces of photographs with the server's code; continues an interrupted run")
    cut.add_argument("photos", type=Path, help="a folder per class, or train/ and test/ with a folder per class in each")
    cut.add_argument("--out", type=Path, required=True, metavar="DIR", help="a new data set, or one to continue")
    return top


def advice() -> str:
    """How to go on after an interruption."""
    again = "run the same command again"
    return f"{again}; it continues" if sys.argv[1:2] == ["crop"] else again


def _crop(photos: Path, out: Path) -> int:
    """Crop, and print the result; returns 1 if a class has no face."""
    from ml.data.crop import RECORD_FILE, crop
    from ml.data.folders import CONTACT_FOLDER

    check_writable(out, folder=True)
    found = crop(photos, out)
    for label in found.classes:
        count = sum(bool(one.file) and one.file.split("/")[1] == label for one in found.crops)
        print(f"{label}: {count:,} face{'s' * (count != 1)}")
    for title, crops in (("without a face", found.without_face()), ("with several faces", found.with_several())):
        print(f"{title}: {len(crops):,} of {len(found.crops):,} photographs")
        for one in crops[:10]:
            print(f"  {one.photo}: {one.remark}")
        if len(crops) > 10:
            print(f"  … all of them in {out / RECORD_FILE}")
    if deleted := len(found.deleted()):
        print(f"deleted since: {deleted:,}; they are not made again while {out / RECORD_FILE} lists them")
    if found.left_out:
        print(count_by_suffix(found.left_out))
    if found.loose:
        names = ", ".join(found.loose[:5]) + (", …" if len(found.loose) > 5 else "")
        count = len(found.loose)
        print(f"{count} file{'s' * (count != 1)} left out, not in the folder of a class: {names}")
    print(f"Look through {out / CONTACT_FOLDER}, delete wrong faces, then: python -m ml.data audit {out}")
    has_faces = {one.file.split("/")[1] for one in found.crops if one.file}
    return 0 if has_faces == set(found.classes) else 1


def main(arguments: list[str] | None = None) -> int:
    """Run one command; 0 when the data set can be used, 1 when it cannot, 2 when the command cannot run."""
    options = parser().parse_args(arguments)
    try:
        if options.command == "import":
            check_writable(options.out, folder=True)
            imported = import_fer2013(options.csv, options.out, options.votes)
            for split, count in imported.pictures.items():
                print(f"{options.out / split}: {count:,} pictures")
            if options.votes:
                print(f"{options.out / 'ferplus_votes.csv'}: {imported.votes:,} rows")
            return 0
        if options.command == "crop":
            return _crop(options.photos, options.out)
        if options.json:
            check_writable(options.json)
        report = audit(options.folder, options.near)
    except (DataError, OutputError) as error:
        print(f"ml.data: {error}", file=sys.stderr)
        return 2
    print(table(report))
    if options.json:
        write_text(options.json, json.dumps(report.to_dict(), indent=1, ensure_ascii=False))
    return 1 if report.problems else 0


if __name__ == "__main__":
    run("ml.data", main, advice)
