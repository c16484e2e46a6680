"""Commands for data sets: `python -m ml.data audit DIR` and `python -m ml.data import fer2013.csv --out DIR`."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from ml.console import OutputError, answer_interrupts, check_writable, run, write_text

if __name__ == "__main__":  # before the slow imports
    answer_interrupts("ml.data")

from ml.data.audit import audit, table
from ml.data.fer2013 import import_fer2013
from ml.data.folders import DataError


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
    return top


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
    run("ml.data", main)
