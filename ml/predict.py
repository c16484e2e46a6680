"""Faces and emotions of photos, folders and videos, as one table.

    python -m ml.predict PATH... --out results.csv|results.json|results.jsonl [--model FILE] [--jobs N] [--step N]

One row per face per frame. Photos are searched thoroughly; videos are followed frame by frame as in the live page, with
ids that last as long as a face does and the timestamps of the video itself. What can't be read is listed, never the end
of the run: in the JSON document under `errors`, otherwise in a second file beside the first (`results.errors.csv`).

Exit code: 0 everything was read, 1 something could not be read (the rest is written), 2 nothing to do or bad arguments.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from ml.batch.engines import predict
from ml.batch.sources import find_sources
from ml.batch.writers import write
from ml.inference.card import load_card
from ml.inference.classifier import SHIPPED_MODEL
from ml.inference.contract import ModelError


def _table_path(text: str) -> Path:
    path = Path(text)
    if path.suffix not in {".csv", ".json", ".jsonl"}:
        raise argparse.ArgumentTypeError(f"expected a name ending in .csv, .json or .jsonl, received {text}")
    return path


def _positive(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number of at least 1, received {text}")
    return int(text)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m ml.predict", description="Faces and emotions of photos and videos."
    )
    parser.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="photo, video, or folder of them")
    parser.add_argument("--out", required=True, type=_table_path, help="results.csv, .json or .jsonl")
    parser.add_argument("--model", type=Path, default=SHIPPED_MODEL, help="a .tflite with its card beside it")
    parser.add_argument("--jobs", type=_positive, default=os.cpu_count() or 1, help="processes for photos")
    parser.add_argument("--step", type=_positive, default=1, help="analyse every STEP-th frame of a video")
    options = parser.parse_args(arguments)
    sources = find_sources(options.paths)
    if not sources:
        parser.error(f"expected photos or videos, received folders without any: {', '.join(map(str, options.paths))}")
    try:
        classes = load_card(options.model).labels
    except ModelError as error:
        parser.error(str(error))
    outcomes = predict(sources, options.model, options.jobs, options.step)
    rows, failures = write(outcomes, options.out, classes)
    counts = f"{rows} face{'s' * (rows != 1)} in {len(sources)} file{'s' * (len(sources) != 1)}"
    print(f"{counts}, {len(failures)} unreadable → {options.out}", file=sys.stderr)
    for failure in failures:
        print(f"  {failure.source}: {failure.message}", file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
