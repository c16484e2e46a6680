"""Faces and emotions of photos, folders and videos, as one table.

    python -m ml.predict PATH... --out results.csv|.json|.jsonl|.parquet [--jobs N] [--resume] [--step N] [--quiet]
                         [--model FILE] [--thorough] [--engine local|dask] [--scheduler tcp://HOST:PORT]
                         [--baseline FILE|auto]

One row per face per frame, in the order of the paths and of the names in folders. Faces in videos are tracked as in the
live page; their rows have ids and the timestamps of the video. Files that cannot be read do not end the run. They are
listed: in the JSON document under `errors`, otherwise in a second file beside the first (`results.errors.csv`).
`results.csv.progress` records finished work until the run ends; `--resume` continues from it.

`--baseline` adds the columns `baseline_*`: the change from a person's neutral face as a difference of log-odds. With a
photo or video of that face, every row is compared with it; with `auto`, each face of a video is compared with its own
quietest three seconds.

Exit code: 0 everything was read, 1 something could not be read (the rest is written), 2 nothing to do, bad arguments,
or a table that can't be written, 130 interrupted (143 by SIGTERM).
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from ml.batch.interrupts import Interrupts, end_at_interrupt

if __name__ == "__main__":  # before the slow imports
    end_at_interrupt("ml.predict: stopped")

from ml.batch.baseline import AUTO, BaselineError, BaselineTable, baseline_columns, read_baseline
from ml.batch.engines import Engine, EngineError, LocalEngine
from ml.batch.job import Job
from ml.batch.progress import Progress
from ml.batch.record import Record, RecordError
from ml.batch.rows import columns_for
from ml.batch.sources import find_sources, shown
from ml.batch.table import Table, errors_path
from ml.batch.tasks import Settings, code_fingerprint, parts_of
from ml.batch.writers import open_table
from ml.console import OutputError, check_writable, count
from ml.inference.card import load_card
from ml.inference.contract import ModelError, NotAnImage
from ml.inference.formats import PICTURES, VIDEOS

SHIPPED_MODEL = Path(__file__).resolve().parent / "artifacts" / "emotion.tflite"
LISTED = 5
"""Most paths that a message lists."""
SUFFIXES = (".csv", ".json", ".jsonl", ".parquet")


def _table_path(text: str) -> Path:
    path = Path(text)
    if path.suffix.lower() not in SUFFIXES:
        raise argparse.ArgumentTypeError(f"expected a name ending in {', '.join(SUFFIXES)}, received {shown(text)}")
    return path


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m ml.predict", description="Faces and emotions of photos and videos, as one table."
    )
    parser.add_argument("paths", nargs="+", metavar="PATH", help="photo, video, or folder of them")
    parser.add_argument("--out", required=True, type=_table_path, help="results.csv, .json, .jsonl or .parquet")
    parser.add_argument("--model", type=Path, default=SHIPPED_MODEL, help="a .tflite with its card beside it")
    parser.add_argument("--jobs", type=count, default=os.cpu_count() or 1, help="processes; default: one a core")
    parser.add_argument("--step", type=count, default=1, help="analyse every STEP-th frame of a video")
    parser.add_argument(
        "--thorough", action="store_true", help="search photos more thoroughly; takes twenty times as long"
    )
    parser.add_argument("--resume", action="store_true", help="continue an earlier run; keep the record")
    parser.add_argument(
        "--engine", choices=("local", "dask"), default="local", help="local processes or a Dask cluster"
    )
    parser.add_argument("--scheduler", metavar="ADDRESS", help="a running Dask scheduler, tcp://HOST:PORT")
    parser.add_argument(
        "--baseline",
        metavar="FILE|auto",
        help="add the change from a neutral face: a photo or video of it, or auto",
    )
    parser.add_argument("--quiet", action="store_true", help="print only errors that prevent a start")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # no name of a file can end a run
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.scheduler is not None and options.engine != "dask":
        parser.error("expected --engine dask beside --scheduler, received --engine local")
    with Interrupts(lambda: _stopped(options.out)) as interrupts:
        try:
            return _run(parser, options, interrupts)
        except (BaselineError, ModelError, EngineError, OutputError, RecordError, OSError, ImportError) as error:
            print(f"{parser.prog}: error: {_sentence(error)}", file=sys.stderr)
            return 2
        except KeyboardInterrupt:
            print("Interrupted before anything was read.", file=sys.stderr)
            return interrupts.exit_code


def _run(parser: argparse.ArgumentParser, options: argparse.Namespace, interrupts: Interrupts) -> int:
    card = load_card(options.model)
    for place in (options.out, errors_path(options.out)):
        check_writable(place)
    if not any(map(os.path.lexists, options.paths)):
        parser.error(f"expected photos or videos, received paths that do not exist: {_listed(options.paths)}")
    sources = find_sources(options.paths)
    first = next(sources, None)
    if first is None:
        parser.error(f"expected photos or videos, received folders without any: {_listed(options.paths)}")
    model = str(options.model.resolve())
    settings = Settings(model, card.version, options.step, options.thorough)
    table = _open_table(options, columns_for(card.labels), settings, card.labels)
    with contextlib.ExitStack() as opened:
        opened.callback(table.discard)
        engine = _engine(options)
        opened.callback(engine.kill)
        record = opened.enter_context(_record(options))
        progress = Progress(None if options.quiet else lambda: find_sources(options.paths), options.jobs)
        parts = parts_of(itertools.chain([first], sources), settings, code_fingerprint())
        job = Job(parts, settings, engine, record, table, progress, interrupts)
        interrupts.deferred = True
        try:
            complete = job.run()
        finally:
            progress.clear()
        if job.caught_up:
            table.close()
        if complete and not options.resume:
            record.remove()
    if not complete:
        interrupts.done()
        print(_stopped(options.out), file=sys.stderr)
        return interrupts.exit_code
    if not options.quiet:
        _summary(job, options.out)
    return 1 if job.failed else 0


def _open_table(
    options: argparse.Namespace, columns: tuple[str, ...], settings: Settings, labels: tuple[str, ...]
) -> Table:
    """The table, with the columns of a baseline where one is wanted."""
    if options.baseline is None:
        return open_table(options.out, columns)
    if "neutral" not in labels:
        raise BaselineError(f"expected a model that knows neutral with --baseline, received one of {', '.join(labels)}")
    baseline = None if options.baseline == AUTO else read_baseline(options.baseline, settings)
    return BaselineTable(open_table(options.out, baseline_columns(columns)), baseline, labels.index("neutral"))


def _record(options: argparse.Namespace) -> Record:
    """The record of this run; with --resume that of an earlier one, whose work is never dropped without --resume.

    Raises:
        RecordError: it can't be used.
    """
    place = options.out.with_name(options.out.name + ".progress")
    record = Record(place, resume=True)
    if options.resume:
        if record.is_empty and not options.quiet:
            print(
                f"Nothing to resume: {shown(str(place))} has no finished work, so every file is read.", file=sys.stderr
            )
        record.forget()
    elif not record.is_empty:
        record.close()
        raise RecordError(
            f"expected --resume, because {shown(str(place))} holds what an earlier run has read, received no --resume; "
            "remove that file to start over"
        )
    return record


def _engine(options: argparse.Namespace) -> Engine:
    if options.engine == "local":
        return LocalEngine(options.jobs)
    from ml.batch.cluster import DaskEngine

    return DaskEngine(options.scheduler, options.jobs)


def _summary(job: Job, out: Path) -> None:
    counts = f"{_count(job.rows, 'row')} (one per face and frame) from {_count(job.files, 'file')}"
    print(f"{counts}, {job.failed:,} unreadable → {shown(str(out))}", file=sys.stderr)
    for failure in job.failures:
        print(f"  {failure.source}: {failure.message}", file=sys.stderr)
    if job.failed > len(job.failures):
        print(f"  … all {job.failed:,} are in {shown(str(errors_path(out)))}", file=sys.stderr)
    if any(failure.code == NotAnImage.code for failure in job.failures):
        print(f"Supported are photos in {PICTURES}, and videos in {VIDEOS}.", file=sys.stderr)


def _listed(paths: Sequence[str]) -> str:
    """The first paths, and how many more there are."""
    more = f" and {len(paths) - LISTED:,} more" if len(paths) > LISTED else ""
    return ", ".join(map(shown, paths[:LISTED])) + more


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'s' * (number != 1)}"


def _stopped(out: Path) -> str:
    return f"Interrupted: what was read is in {shown(str(out))}; the same command with --resume continues from there."


def _sentence(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        where = f" {shown(os.fsdecode(error.filename))}" if error.filename is not None else " the table"
        return f"expected to write{where}, received: {error.strerror}"
    if isinstance(error, ModuleNotFoundError):
        return f"expected the package {error.name}, received none; install it with: pip install -r requirements.txt"
    return str(error)


if __name__ == "__main__":
    code = main()
    if code >= 128:
        os._exit(code)  # at once: nothing is left to wait for
    sys.exit(code)
