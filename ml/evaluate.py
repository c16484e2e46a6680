"""Score a model on a folder data set: `python -m ml.evaluate --data DIR [--split test] [--model FILE] --out DIR`.

Without `--model` it measures the shipped model through the very code that serves it.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from ml.data import DataError, Pictures, load_pictures, load_votes
from ml.evaluation import plots
from ml.evaluation.metrics import measure, reliability
from ml.evaluation.model_card import write_card
from ml.evaluation.robustness import CONDITIONS
from ml.inference.card import load_card
from ml.inference.classifier import SHIPPED_MODEL, Classifier
from ml.inference.contract import EMOTIONS, ModelError
from ml.inference.preprocess import to_batch

REPORT_FILE = "report.json"

Predict = Callable[[np.ndarray], dict[str, np.ndarray]]
"""Images `(n, 48, 48)` uint8 to each output's probabilities `(n, classes)`."""


def load_predict(model_path: Path) -> tuple[Predict, tuple[str, ...]]:
    """A model file's predict function and its classes.

    Args:
        model_path: `.tflite` with its card beside it, or a whole Keras model (`.h5`, `.keras`).

    Raises:
        ModelError: the file is missing, not a whole model, or does not fit its card.
    """
    if model_path.suffix == ".tflite":
        classifier = Classifier(model_path)

        def predict_litert(images: np.ndarray) -> dict[str, np.ndarray]:
            parts = [classifier.predict_outputs(images[i : i + 64]) for i in range(0, len(images), 64)]
            return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

        return predict_litert, classifier.classes

    if not model_path.is_file():
        raise ModelError(
            f"expected a whole model (.tflite, .h5 or .keras), received {model_path}: there is no such file"
        )

    import keras

    try:
        network = keras.models.load_model(model_path, compile=False)
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise ModelError(f"expected a whole model (.tflite, .h5 or .keras), received {model_path}: {error}") from error

    def predict_keras(images: np.ndarray) -> dict[str, np.ndarray]:
        return keras_outputs(network, images)

    count = network.outputs[0].shape[-1]
    return predict_keras, EMOTIONS if count == len(EMOTIONS) else tuple(f"class {i}" for i in range(count))


def keras_outputs(network: Any, images: np.ndarray) -> dict[str, np.ndarray]:
    """Every output of a Keras network by name, whether it has one output or several."""
    outputs = network.predict(to_batch(images), batch_size=256, verbose=0)
    return outputs if isinstance(outputs, dict) else {"original": outputs}


def make_report(
    outputs: dict[str, np.ndarray], pictures: Pictures, majority: np.ndarray | None = None
) -> dict[str, Any]:
    """All figures of an evaluation. The top level is output `original` on the folders' labels.

    Args:
        outputs: output name to `(n, classes)` probabilities. majority: `(n,)` what most people see, -1 where unknown.
    """
    label_sets = {"folder": pictures.labels} | ({} if majority is None else {"people": majority})
    by_output = {
        name: {kind: measure(rows, labels, pictures.classes) for kind, labels in label_sets.items()}
        for name, rows in outputs.items()
    }
    main = "original" if "original" in outputs else next(iter(outputs))
    served = "served" if "served" in outputs else main
    return by_output[main]["folder"] | {"output": main, "served": served, "outputs": by_output}


def scored_pictures(data: str | Path, validation: Pictures) -> Pictures:
    """The test split of a data set, or, where it has none, the pictures kept aside for validation."""
    return load_pictures(data, "test", validation.classes) if (Path(data) / "test").is_dir() else validation


def split_of(pictures: Pictures) -> str:
    """The split that pictures were read from; training pictures that are scored were kept aside for validation."""
    split = pictures.files[0].partition("/")[0]
    return "validation" if split == "train" else split


def print_table(report: dict[str, Any]) -> None:
    flattered = ": there is no test folder, and these helped to choose the weights, which flatters"
    print(f"On {report['split']}{flattered if report['split'] == 'validation' else ':'}")
    print(f"{'output':<10}{'labels':<9}{'n':>6}  {'accuracy':>8}  {'95 % interval':<15}{'macro F1':>9}{'ECE':>7}")
    for name, by_labels in report["outputs"].items():
        for kind, row in by_labels.items():
            low, high = row["accuracy_ci95"]
            figures = f"{row['accuracy']:8.2%}  {low:.1%}–{high:.1%}    {row['macro_f1']:>9.3f}{row['ece']:>7.3f}"
            print(f"{name:<10}{kind:<9}{row['n']:>6}  {figures}{'  served' if name == report['served'] else ''}")
    print(
        f"\n{'class':<10}{'precision':>10}{'recall':>8}{'F1':>7}{'n':>7}   (output {report['output']}, folder labels)"
    )
    for name, row in report["per_class"].items():
        print(f"{name:<10}{row['precision']:>10.3f}{row['recall']:>8.3f}{row['f1']:>7.3f}{row['n']:>7}")


def robustness(predict: Predict, pictures: Pictures, majority: np.ndarray | None, output: str) -> dict[str, float]:
    """Accuracy of one output under each camera fault, against the people's majority where known, else the folders."""
    labels = pictures.labels if majority is None else majority
    return {
        name: measure(predict(np.stack([spoil(image) for image in pictures.images]))[output], labels, pictures.classes)[
            "accuracy"
        ]
        for name, spoil in CONDITIONS.items()
    }


def worst_mistakes(rows: np.ndarray, pictures: Pictures, out: Path, count: int = 60) -> None:
    """`mistakes.png`: of the pictures that the model got wrong, those whose label it thought least likely."""
    given = rows[np.arange(len(rows)), pictures.labels]
    worst = [i for i in np.argsort(given) if rows[i].argmax() != pictures.labels[i]][:count]
    if not worst:
        (out / "mistakes.png").unlink(missing_ok=True)
        return
    captions = [
        f"{pictures.classes[pictures.labels[i]]} → {pictures.classes[rows[i].argmax()]} {rows[i].max():.0%}"
        for i in worst
    ]
    plots.contact_sheet(pictures.images[worst], captions, out / "mistakes.png", "Worst mistakes: label → prediction")


def evaluate(
    data: str | Path, split: str, model: Path, out: Path, votes: str | None = None, with_robustness: bool = False
) -> dict[str, Any]:
    """Measure a model on one split; write report.json and the plots to `out`."""
    predict, classes = load_predict(model)
    pictures = load_pictures(data, split, classes)
    majority = load_votes(votes, pictures.files).majority if votes else None
    outputs = predict(pictures.images)
    report = make_report(outputs, pictures, majority)
    report |= {"split": split, "model": model.name, "skipped": list(pictures.skipped)}
    if with_robustness:
        report["robustness"] = robustness(predict, pictures, majority, report["served"])
    write_report(report, outputs, pictures, majority, out)
    return report


def write_report(
    report: dict[str, Any], outputs: dict[str, np.ndarray], pictures: Pictures, majority: np.ndarray | None, out: Path
) -> None:
    out.mkdir(parents=True, exist_ok=True)
    (out / REPORT_FILE).write_text(json.dumps(report, indent=2) + "\n")
    plots.confusion_matrices(report, out / "confusionmatrix.png", f"Output {report['output']}, folder labels")
    diagrams = {f"{name}, folder labels": reliability(rows, pictures.labels) for name, rows in outputs.items()}
    if majority is not None:
        known = majority >= 0
        plots.confusion_matrices(
            report["outputs"][report["served"]]["people"],
            out / "confusionmatrix_people.png",
            f"Output {report['served']}, what most people see",
        )
        diagrams = {
            "original, folder labels": reliability(outputs[report["output"]], pictures.labels),
            f"{report['served']}, what most people see": reliability(outputs[report["served"]][known], majority[known]),
        }
    plots.reliability_diagram(diagrams, out / "reliability.png")
    worst_mistakes(outputs[report["output"]], pictures, out)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m ml.evaluate", description="Score a model on a folder data set.")
    parser.add_argument("--data", required=True, help="directory with SPLIT/CLASS/*.jpg")
    parser.add_argument("--split", default="test")
    parser.add_argument("--model", type=Path, default=SHIPPED_MODEL, help=".tflite, .h5, .keras; default: shipped")
    parser.add_argument("--votes", metavar="CSV", help="score against what most people see as well")
    parser.add_argument("--robustness", action="store_true", help="also under blur, compression, darkness, small faces")
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("runs/evaluation"),
        help="directory for report.json and the plots; default runs/evaluation",
    )
    parser.add_argument("--card", type=Path, metavar="FILE.md", help="write the model card, of a .tflite model")
    options = parser.parse_args(arguments)
    try:
        report = evaluate(options.data, options.split, options.model, options.out, options.votes, options.robustness)
    except (DataError, ModelError) as error:
        print(f"ml.evaluate: {error}", file=sys.stderr)
        return 2
    print_table(report)
    if options.card:
        write_card(report, load_card(options.model), options.card)
    for name, accuracy in report.get("robustness", {}).items():
        print(f"{name:<28}{accuracy:8.2%}")
    print(f"\nResults in {options.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
