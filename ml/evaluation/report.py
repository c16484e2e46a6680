"""The report of an evaluation: a printed table, `report.json` and the plots."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from ml.console import write_text
from ml.data import Pictures, Votes
from ml.evaluation import plots
from ml.evaluation.metrics import reliability

REPORT_FILE = "report.json"
CONFUSION_FILE = "confusionmatrix.png"


def print_table(report: dict[str, Any]) -> None:
    """Print accuracy by output and label set, then precision, recall and F1 by class."""
    print(f"On {report['split']}:")
    if report["split"] == "validation":
        print("(There is no test folder. These pictures helped to choose the weights, so the figures are optimistic.)")
    head = f"{'output':<10}{'labels':<9}{'n':>6}  {'accuracy':>8}  {'95 % interval':<15}{'macro F1':>9}"
    print(f"{head}{'ECE':>7}  by chance")
    for name, by_labels in report["outputs"].items():
        for kind, row in by_labels.items():
            low, high = row["accuracy_ci95"]
            least, most = row["ece_by_chance"]
            figures = f"{row['accuracy']:8.2%}  {low:.1%}–{high:.1%}    {row['macro_f1']:>9.3f}"
            figures += f"{row['ece']:>7.3f}  {least:.3f}–{most:.3f}"
            print(f"{name:<10}{kind:<9}{row['n']:>6}  {figures}{'  served' if name == report['served'] else ''}")
    width = max(10, *(len(name) + 1 for name in report["per_class"]))
    print(
        f"\n{'class':<{width}}{'precision':>10}{'recall':>8}{'F1':>7}{'n':>7}   "
        f"(output {report['output']}, folder labels)"
    )
    for name, row in report["per_class"].items():
        print(f"{name:<{width}}{row['precision']:>10.3f}{row['recall']:>8.3f}{row['f1']:>7.3f}{row['n']:>7}")


def write_report(
    report: dict[str, Any], outputs: dict[str, np.ndarray], pictures: Pictures, votes: Votes | None, out: Path
) -> None:
    """Write `report.json`, confusion matrices, the reliability diagram and the worst mistakes to a directory."""
    out.mkdir(parents=True, exist_ok=True)
    plots.confusion_matrices(report, out / CONFUSION_FILE, f"Output {report['output']}, folder labels")
    diagrams = {f"{name}, folder labels": reliability(rows, pictures.labels) for name, rows in outputs.items()}
    if votes and "people" in report["outputs"][report["served"]]:
        known = votes.majority >= 0
        plots.confusion_matrices(
            report["outputs"][report["served"]]["people"],
            out / "confusionmatrix_people.png",
            f"Output {report['served']}, what most people see",
        )
        diagrams = {
            "original, folder labels": reliability(outputs[report["output"]], pictures.labels),
            f"{report['served']}, what most people see": reliability(
                outputs[report["served"]][known], votes.majority[known]
            ),
        }
    plots.reliability_diagram(diagrams, out / "reliability.png")
    _worst_mistakes(outputs[report["output"]], pictures, out / "mistakes.png")
    write_text(out / REPORT_FILE, json.dumps(report, indent=2) + "\n")  # last: a run with a report is finished


def _worst_mistakes(rows: np.ndarray, pictures: Pictures, path: Path, count: int = 60) -> None:
    """Draw the misclassified pictures whose label has the lowest probability; without mistakes, remove the file."""
    given = rows[np.arange(len(rows)), pictures.labels]
    worst = [i for i in np.argsort(given) if rows[i].argmax() != pictures.labels[i]][:count]
    if not worst:
        path.unlink(missing_ok=True)
        return
    captions = [
        f"{pictures.classes[pictures.labels[i]]} → {pictures.classes[rows[i].argmax()]} {rows[i].max():.0%}"
        for i in worst
    ]
    plots.contact_sheet(pictures.images[worst], captions, path, "Worst mistakes: label → prediction")
