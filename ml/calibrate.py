"""Compare ways to make the served answer: `python -m ml.calibrate --data DIR --votes CSV [--model FILE]`.

Prints one row for each share of the output `people` and each expected share of neutral faces, by cross-validation on
the validation pictures, and the best expected share for each (`ml.calibration.NEUTRAL_SHARE`). Writes nothing.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from ml.data import DataError, TrainingSet
from ml.evaluation.outputs import load_predict
from ml.inference.classifier import SHIPPED_MODEL
from ml.inference.contract import ModelError
from ml.serving_choice import NEUTRAL_SHARES, PEOPLE_SHARES, choose, cross_validate
from ml.training.presets import PRESETS


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m ml.calibrate", description="Compare ways to make the answer that is served."
    )
    parser.add_argument("--data", required=True, help="the directory that the model was trained on")
    parser.add_argument("--votes", required=True, metavar="CSV", help="what several people saw in each picture")
    parser.add_argument("--model", type=Path, default=SHIPPED_MODEL, help="default: shipped")
    options = parser.parse_args(arguments)
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
    print(f"{'people':>6}{'neutral':>9}{'mean recall':>13}{'camera':>8}{'both':>7}{'neutral as sad':>16}{'ECE':>7}")
    best = []
    for people in PEOPLE_SHARES:
        alternatives = []
        for neutral in NEUTRAL_SHARES:
            row = cross_validate(views, held_out.labels, votes.majority, data.frequencies(), people, neutral)
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
    return 0


if __name__ == "__main__":
    sys.exit(main())
