"""Faces and emotions of photos, folders and videos, as one table.

    python -m ml.predict PATH... --out results.csv|results.json|results.jsonl [--model FILE] [--jobs N] [--step N]

One row per face per frame. Photos are searched thoroughly; videos are followed frame by frame as in the live page, with
ids that last as long as a face does and the timestamps of the video itself. What can't be read is listed, never the end
of the run: in the JSON document under `errors`, otherwise in a second file beside the first (`results.errors.csv`).

Exit code: 0 everything was read, 1 something could not be read (the rest is written), 2 nothing to do or bad arguments.
"""

from __future__ import annotations

import argparse
import csv
import json
import mimetypes
import multiprocessing
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2
from tqdm import tqdm

from ml.inference.analyzer import Analyzer
from ml.inference.classifier import SHIPPED_MODEL, Classifier
from ml.inference.contract import EMOTIONS, AnalysisError, Face, ModelError, NotAnImage, Request, load_card
from ml.inference.tracks import Tracker

PHOTO_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp"})
VIDEO_SUFFIXES = frozenset({".mp4", ".mkv", ".avi", ".mov", ".webm", ".m4v", ".mpg", ".mpeg", ".gif"})
COLUMNS = (
    *("source", "frame", "timestamp_s", "face_id", "x", "y", "width", "height"),
    *("dominant_emotion", "confidence", "uncertain"),
)
"""The columns before those of the model's classes."""


@dataclass(frozen=True)
class Failure:
    """A source, or the rest of it, that could not be read, and why."""

    source: str
    code: str
    message: str


Outcome = dict[str, Any] | Failure
"""One row of the table, keyed by `COLUMNS` and the model's classes, or what went wrong."""


def find_sources(paths: Sequence[Path]) -> list[Path]:
    """The files to read: a file stands for itself, a folder for all pictures and videos in it, sorted by name.

    Kinds that can't be read are among them, so that they are named as such.
    """
    sources: list[Path] = []
    for path in paths:
        if path.is_dir():
            sources += sorted(file for file in path.rglob("*") if is_visual(file) and file.is_file())
        else:
            sources.append(path)
    return sources


def is_visual(path: Path) -> bool:
    """Whether a file's name says that it holds a picture or a video, of a kind that is read here or of another."""
    kind, _ = mimetypes.guess_type(path.name, strict=False)
    known = path.suffix.lower() in PHOTO_SUFFIXES | VIDEO_SUFFIXES
    return known or (kind is not None and kind.startswith(("image/", "video/")))


def row_of(face: Face, source: str, frame: int, timestamp_s: float | None) -> dict[str, Any]:
    """One face as a row of the table; `timestamp_s` and `face_id` are None for photos."""
    values = (
        *(source, frame, timestamp_s, face.id, face.box.x, face.box.y, face.box.w, face.box.h),
        *(face.dominant_emotion, face.confidence, face.uncertain),
    )
    return dict(zip(COLUMNS, values, strict=True)) | dict(zip(face.labels, face.emotions, strict=True))


def predict_photo(analyzer: Analyzer, path: Path) -> list[Outcome]:
    """The rows of a photo, largest face first; or its failure."""
    try:
        analysis = analyzer.analyze(Request(path.read_bytes(), thorough=True))
    except OSError as error:
        return [Failure(str(path), "unreadable", f"expected a readable file, received: {error.strerror}")]
    except AnalysisError as error:
        return [Failure(str(path), error.code, str(error))]
    return [row_of(face, str(path), 0, None) for face in analysis.faces]


def predict_video(analyzer: Analyzer, path: Path, step: int = 1) -> Iterator[list[Outcome]]:
    """The rows of a video, a list for each frame that was read, skipped frames included (with no row).

    Args:
        step: analyse every step-th frame.
    """
    video = cv2.VideoCapture(str(path)) if path.is_file() else None
    frames_read = 0
    if video is not None:
        tracker = Tracker(smoothing_s=0)
        while video.grab():
            frame, frames_read = frames_read, frames_read + 1
            if frame % step:
                yield []
                continue
            # The time of the frame just grabbed: right for variable frame rates too.
            now_s = round(video.get(cv2.CAP_PROP_POS_MSEC) / 1000, 6)
            decoded, picture = video.retrieve()
            if not decoded:
                yield [Failure(str(path), "bad_image", f"expected a picture in frame {frame}, received no pixels")]
                continue
            gray = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY) if picture.ndim == 3 else picture
            analysis = analyzer.analyze_gray(gray, tracker.near(now_s), tracker.full_search_due(now_s))
            yield [row_of(face, str(path), frame, now_s) for face in tracker.update(analysis, now_s)]
        video.release()
    if not frames_read:
        received = f"a file of {path.stat().st_size} bytes without any" if path.is_file() else "no such file"
        yield [Failure(str(path), "unreadable", f"expected a video with frames, received {received}")]


_analyzer: Analyzer | None = None  # one per process of the pool: neither cascade nor interpreter can be shared


def _start_process(model: Path) -> None:
    global _analyzer
    _analyzer = Analyzer(Classifier(model))
    _analyzer.warm_up()


def _predict_photo_in_process(path: Path) -> list[Outcome]:
    assert _analyzer is not None
    return predict_photo(_analyzer, path)


def predict(sources: Sequence[Path], model: Path = SHIPPED_MODEL, jobs: int = 1, step: int = 1) -> Iterator[Outcome]:
    """Read all sources, photos first, with a progress bar on stderr; yields rows and failures in order.

    Args:
        model: a `.tflite` with its card beside it.
        jobs: processes for the photos; a video is followed by one.
        step: analyse every step-th frame of a video.
    """
    videos = [path for path in sources if path.suffix.lower() in VIDEO_SUFFIXES]
    photos = [path for path in sources if path.suffix.lower() in PHOTO_SUFFIXES]
    for path in sources:
        if path not in videos and path not in photos:
            expected = ", ".join(sorted(PHOTO_SUFFIXES | VIDEO_SUFFIXES))
            received = path.name if path.exists() else "no such file"
            yield Failure(str(path), NotAnImage.code, f"expected a photo or video ({expected}), received {received}")
    for outcomes in tqdm(_predict_photos(photos, model, jobs), "photos", len(photos), unit="photo", disable=not photos):
        yield from outcomes
    if videos:
        analyzer = Analyzer(Classifier(model))
        analyzer.warm_up()
    for path in videos:
        total = count_frames(path)
        for outcomes in tqdm(predict_video(analyzer, path, step), path.name, total, unit="frame"):
            yield from outcomes


def _predict_photos(photos: Sequence[Path], model: Path, jobs: int) -> Iterator[list[Outcome]]:
    if jobs <= 1 or len(photos) <= 1:
        if photos:
            _start_process(model)
        yield from map(_predict_photo_in_process, photos)
        return
    # Spawned, not forked: OpenCV's threads do not survive a fork.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(jobs, len(photos)), context, _start_process, (model,)) as pool:
        yield from pool.map(_predict_photo_in_process, photos, chunksize=4)


def count_frames(path: Path) -> int | None:
    """How many frames a video says it has, for the progress bar; None where it does not say."""
    count = int(cv2.VideoCapture(str(path)).get(cv2.CAP_PROP_FRAME_COUNT)) if path.is_file() else 0
    return count if count > 0 else None


def write(outcomes: Iterable[Outcome], out: Path, classes: Sequence[str] = EMOTIONS) -> tuple[int, list[Failure]]:
    """Write the table in the format of the file's suffix, row by row where the format allows it.

    Returns:
        The number of rows, and the failures (also written, see the module).
    """
    failures: list[Failure] = []
    rows = 0

    def only_rows() -> Iterator[dict[str, Any]]:
        nonlocal rows
        for outcome in outcomes:
            if isinstance(outcome, Failure):
                failures.append(outcome)
            else:
                rows += 1
                yield outcome

    out.parent.mkdir(parents=True, exist_ok=True)
    if out.suffix == ".json":
        document = {"faces": list(only_rows()), "errors": [asdict(failure) for failure in failures]}
        out.write_text(json.dumps(document, indent=1) + "\n")
        return rows, failures
    write_table = _write_csv if out.suffix == ".csv" else _write_jsonl
    write_table(out, (*COLUMNS, *classes), only_rows())
    beside = out.with_suffix(f".errors{out.suffix}")
    if failures:
        write_table(beside, tuple(asdict(failures[0])), map(asdict, failures))
    else:
        beside.unlink(missing_ok=True)
    return rows, failures


def _write_csv(path: Path, columns: Sequence[str], rows: Iterable[dict[str, Any]]) -> None:
    with path.open("w", newline="") as file:
        table = csv.DictWriter(file, columns)
        table.writeheader()
        table.writerows(rows)


def _write_jsonl(path: Path, _columns: Sequence[str], rows: Iterable[dict[str, Any]]) -> None:
    with path.open("w") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)


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
        classes = load_card(options.model)["labels"]
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
