"""Compare ways to make the served answer: `python -m ml.calibrate --data DIR --votes CSV [--model FILE]`.

Prints one row for each share of the output `people` and each expected share of neutral faces, by cross-validation on
the validation pictures, and the best expected share for each (`ml.calibration.NEUTRAL_SHARE`); then a row for each set
of framings in which photographs could be read (`ml.inference.analyzer.PHOTO_FRAMINGS`). Writes nothing.
"""

from __future__ import annotations

import sys

from ml.arguments import calibrate_arguments, check_before_imports
from ml.console import before_imports, load_tensorflow_library, run

if __name__ == "__main__":  # before the slow imports
    before_imports("ml.calibrate")
    check_before_imports("ml.calibrate", calibrate_arguments)
    load_tensorflow_library()

import numpy as np

from ml.data import DataError, Pictures, TrainingSet, Votes
from ml.evaluation.metrics import measure
from ml.evaluation.outputs import Predict, load_predict
from ml.evaluation.views import averaged
from ml.inference.contract import EMOTIONS, ModelError
from ml.serving_choice import FRAMINGS, NEUTRAL_SHARES, PEOPLE_SHARES, choose, cross_validate
from ml.training.presets import PRESETS


def main(arguments: list[str] | None = None) -> int:
    options = calibrate_arguments(arguments)
    try:
        predict, _ = load_predict(options.model)
        data = TrainingSet.load(options.data, PRESETS["best"].validation_share, options.votes)
        held_out, votes = data.held_out()
        if votes is None:
            raise DataError(f"expected votes for the pictures of {options.data}, received none in {options.votes}")
        views = [predict(images) for images in (held_out.images, held_out.images[:, :, ::-1])]
        if "people" not in views[0]:
            raise ModelError(f"expected a model with the output people, received {options.model} without it")
    except (DataError, ModelError) as error:
        print(f"ml.calibrate: {error}", file=sys.stderr)
        return 2
    _print_shares(views, held_out.labels, votes.majority, data.frequencies())
    _print_framings(predict, held_out, votes)
    return 0


def _print_shares(
    views: list[dict[str, np.ndarray]], labels: np.ndarray, majority: np.ndarray, frequencies: dict[str, np.ndarray]
) -> None:
    print(f"{'people':>6}{'neutral':>9}{'mean recall':>13}{'camera':>8}{'both':>7}{'neutral as sad':>16}{'ECE':>7}")
    best = []
    for people in PEOPLE_SHARES:
        alternatives = []
        for neutral in NEUTRAL_SHARES:
            row = cross_validate(views, labels, majority, frequencies, people, neutral)
            alternatives.append(row)
            print(
                f"{people:6.0%}{neutral:9.0%}{row.mean_recall:13.3f}{row.camera_accuracy:8.3f}{row.both_uses:7.3f}"
                f"{row.neutral_as_sad:16.1%}{row.ece:7.3f}",
                flush=True,
            )
        best.append(choose(alternatives))
    print()
    for row in best:
        print(f"people by {row.people_share:.0%}: expect neutral in {row.neutral_share:.0%} of the faces")


def _print_framings(predict: Predict, held_out: Pictures, votes: Votes) -> None:
    print("\nframings of a photograph, with mirror images (output served)")
    print(f"{'framings':<22}{'accuracy':>9}{'balanced':>10}{'both':>7}{'cross-entropy':>15}")
    for framings in FRAMINGS:
        figures = measure(
            averaged(predict, held_out.images, framings, True)["served"], votes.majority, EMOTIONS, votes.shares
        )
        accuracy, balanced, loss = (figures[key] for key in ("accuracy", "balanced_accuracy", "cross_entropy"))
        names = ", ".join(f"{factor:g}" for factor in framings)
        print(
            f"{names:<22}{accuracy:9.3f}{balanced:10.3f}{(accuracy + balanced) / 2:7.3f}{loss:15.3f}",
            flush=True,
        )


if __name__ == "__main__":
    run("ml.calibrate", main)
