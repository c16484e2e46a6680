"""Score a model on a folder data set: `python -m ml.evaluate --data DIR [--split test] [--model FILE] --out DIR`.

`--groups PEOPLE.csv` scores photographs of people by group (see `ml.evaluation.groups`), alone or beside `--data`.
Without `--model` the shipped model is scored. A `.tflite` model is run by the code that serves it.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from ml.console import OutputError, before_imports, check_writable, printable, run

if __name__ == "__main__":  # before the slow imports
    before_imports("ml.evaluate")

from ml.data import DataError, find_split, load_pictures, load_votes
from ml.data.folders import CONTACT_FOLDER, refuse_photographs, subfolders
from ml.data.reading import count_by_suffix
from ml.evaluation.groups import measure_groups, print_groups, read_people
from ml.evaluation.model_card import write_card
from ml.evaluation.outputs import load_predict
from ml.evaluation.report import print_table, write_report
from ml.evaluation.scoring import robustness, score
from ml.evaluation.views import compare_views
from ml.inference.analyzer import Analyzer
from ml.inference.card import load_card
from ml.inference.classifier import SHIPPED_MODEL, Classifier
from ml.inference.contract import EMOTIONS, ModelError


def evaluate(
    data: str | Path,
    split: str,
    model: Path,
    out: Path,
    votes_csv: str | None = None,
    with_robustness: bool = False,
    with_views: bool = False,
) -> dict[str, Any]:
    """Score a model on one split; write report.json and the plots to `out`."""
    predict, classes = load_predict(model)
    folder = find_split(data, split.lower())
    if folder is None and Path(data).is_dir():
        raise _without_split(Path(data), split)
    pictures = load_pictures(data, folder.name if folder else split, classes)
    if votes_csv and classes != EMOTIONS:
        raise DataError(f"expected a model of the seven emotions with --votes, received {', '.join(classes)}")
    votes = load_votes(votes_csv, pictures.files) if votes_csv else None
    outputs = predict(pictures.images)
    report = score(outputs, pictures, votes)
    report |= {
        "split": split,
        "model": model.name,
        "skipped": list(pictures.skipped),
        "left_out": count_by_suffix(pictures.left_out),
    }
    if with_robustness:
        report["robustness"] = robustness(predict, pictures, votes, report["served"])
    if with_views:
        report["views"] = compare_views(predict, pictures, votes)
    write_report(report, outputs, pictures, votes, out)
    return report


def _without_split(data: Path, split: str) -> DataError:
    """An error that names what can be scored instead of a split that is not there.

    Raises:
        DataError: none, since it is a folder of photographs.
    """
    refuse_photographs(data)
    splits = [printable(path.name) for path in subfolders(data) if path.name != CONTACT_FOLDER]
    way_out = ""
    if others := [name for name in splits if name.lower() != "train"]:
        way_out = f"; choose --split {' or '.join(others)}"
    elif splits:
        way_out = (
            f"; --split {splits[0]} scores every picture in it, also those that a run was trained on, and the run's "
            "report.json has the figures on the pictures that it held out"
        )
    missing = printable(str(data / split))
    return DataError(
        f"expected a directory with one folder per class, received {missing}, and there is no such folder{way_out}"
    )


def evaluate_groups(people_csv: Path, model: Path, out: Path) -> dict[str, dict[str, Any]]:
    """Measure a served model on photographs of people; print the table and write it as groups.json to `out`."""
    groups = measure_groups(read_people(people_csv, Analyzer(Classifier(model))))
    print_groups(groups)
    out.mkdir(parents=True, exist_ok=True)
    (out / "groups.json").write_text(json.dumps(groups, indent=2) + "\n")
    return groups


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m ml.evaluate", description="Score a model on a folder data set.")
    parser.add_argument("--data", help="directory with SPLIT/CLASS/*.jpg")
    parser.add_argument("--split", default="test")
    parser.add_argument("--model", type=Path, default=SHIPPED_MODEL, help=".tflite, .h5, .keras; default: shipped")
    parser.add_argument("--votes", metavar="CSV", help="score against what most people see as well")
    parser.add_argument("--robustness", action="store_true", help="also under blur, compression, darkness, small faces")
    parser.add_argument("--views", action="store_true", help="also for the mean over mirror image and framings")
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("runs/evaluation"),
        help="directory for report.json and the plots; default runs/evaluation",
    )
    parser.add_argument(
        "--groups",
        type=Path,
        metavar="PEOPLE.csv",
        help="a row per person; beside it neutral/ID.jpg and smiling/ID.jpg: figures by each of its columns",
    )
    parser.add_argument("--card", type=Path, metavar="FILE.md", help="write the model card, of a .tflite model")
    options = parser.parse_args(arguments)
    if options.data is None and (options.groups is None or options.card is not None):
        print("ml.evaluate: expected --data DIR, or --groups PEOPLE.csv without --card, received none", file=sys.stderr)
        return 2
    if options.card and options.model.suffix != ".tflite":
        parser.error(f"expected a .tflite model, which has a card, with --card, received {options.model}")
    try:
        check_writable(options.out, folder=True)
        if options.card:
            check_writable(options.card)
        groups = evaluate_groups(options.groups, options.model, options.out) if options.groups else None
        if options.data is None:
            print(f"\nResults in {options.out}")
            return 0
        report = evaluate(
            options.data, options.split, options.model, options.out, options.votes, options.robustness, options.views
        )
    except (DataError, ModelError, OutputError) as error:
        print(f"ml.evaluate: {error}", file=sys.stderr)
        return 2
    for line in (*report["skipped"], report["left_out"]):
        if line:
            print(f"skipped {line}" if line in report["skipped"] else line, file=sys.stderr)
    print_table(report)
    if options.card:
        write_card(report, load_card(options.model), options.card, groups)
    for name, outputs in report.get("views", {}).items():
        row = outputs[report["served"]]
        print(f"{name:<32}" + "  ".join(f"{kind} {figures['accuracy']:.2%}" for kind, figures in row.items()))
    for name, accuracy in report.get("robustness", {}).items():
        print(f"{name:<28}{accuracy:8.2%}")
    print(f"\nResults in {options.out}")
    return 0


if __name__ == "__main__":
    run("ml.evaluate", main)
