"""The processes that read the files of a run."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from tqdm import tqdm

from ml.batch.rows import Failure, Outcome, predict_photo, predict_video
from ml.batch.sources import PHOTO_SUFFIXES, VIDEO_SUFFIXES, count_frames
from ml.inference.analyzer import Analyzer
from ml.inference.classifier import SHIPPED_MODEL, Classifier
from ml.inference.contract import NotAnImage

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
