"""A run distributes work, survives faults, and always writes the same table."""

from __future__ import annotations

from pathlib import Path

import pytest

from ml.batch.engines import LocalEngine
from ml.batch.job import Job
from ml.batch.progress import Progress
from ml.batch.record import CRASHED, Record
from ml.batch.rows import columns_for
from ml.batch.sources import find_sources
from ml.batch.tasks import MAX_CHUNK, Part, Settings, parts_of
from ml.batch.writers import open_table
from ml.inference.contract import EMOTIONS
from tests.support.dry_run import listing
from tests.support.fake_reading import run, write_tree
from tests.support.tables import read, read_failures

SETTINGS = Settings("model.tflite", "00000000")


def do(folder: Path, out: Path, resume: bool = False, jobs: int = 2, interrupted_at: int | None = None) -> Job:
    """Run everything in a folder; optionally stop as by Ctrl-C once a number of rows was written."""
    table = open_table(out, columns_for(EMOTIONS))
    engine = LocalEngine(jobs, run)
    with Record(out.with_suffix(".progress"), resume) as record:
        if resume:
            record.forget()
        job = Job(
            parts_of(find_sources([str(folder)]), SETTINGS),
            SETTINGS,
            engine,
            record,
            table,
            Progress(None),
            lambda: interrupted_at is not None and job.rows >= interrupted_at,
        )
        try:
            job.run()
        finally:
            engine.kill()
        if job.caught_up:
            table.close()
        else:
            table.discard()
    return job


def names(out: Path) -> list[str]:
    return [f"{Path(row['source']).name} {row['frame']}" for row in read(out)]


def test_nothing_to_do_is_an_empty_table(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    job = do(tmp_path / "in", tmp_path / "r.csv")
    assert (job.rows, job.failed, job.files) == (0, 0, 0)
    assert read(tmp_path / "r.csv") == []


@pytest.mark.parametrize("jobs", [1, 3])
def test_the_order_is_that_of_the_sources(tmp_path: Path, jobs: int) -> None:
    folder = write_tree(tmp_path / "in", {"a.jpg": "slow", "b.mp4": "7", "c.jpg": "", "d.mp4": "3", "e.jpg": "broken"})
    job = do(folder, tmp_path / "r.csv", jobs=jobs)
    frames = [f"b.mp4 {frame}" for frame in range(7)]
    assert names(tmp_path / "r.csv") == ["a.jpg 0", *frames, "c.jpg 0", *(f"d.mp4 {n}" for n in range(3))]
    assert [Path(failure["source"]).name for failure in read_failures(tmp_path / "r.csv")] == ["e.jpg"]
    assert (job.rows, job.failed, job.files) == (12, 1, 5)


def test_a_photo_that_ends_its_process_costs_no_other(tmp_path: Path) -> None:
    texts = {f"{number:02d}.jpg": "" for number in range(20)} | {"07.jpg": "crash", "v.mp4": "4", "w.mp4": "crash"}
    do(write_tree(tmp_path / "in", texts), tmp_path / "r.csv")
    photos = [f"{number:02d}.jpg 0" for number in range(20) if number != 7]
    assert names(tmp_path / "r.csv") == [*photos, *(f"v.mp4 {frame}" for frame in range(4))]
    failures = read_failures(tmp_path / "r.csv")
    assert [(Path(f["source"]).name, f["code"]) for f in failures] == [("07.jpg", CRASHED), ("w.mp4", CRASHED)]
    assert "SIGKILL" in failures[0]["message"]


def test_a_process_that_ends_once_costs_nothing(tmp_path: Path) -> None:
    do(write_tree(tmp_path / "in", {"a.jpg": "crash once", "b.jpg": "", "c.mp4": "2"}), tmp_path / "r.csv")
    assert names(tmp_path / "r.csv") == ["a.jpg 0", "b.jpg 0", "c.mp4 0", "c.mp4 1"]
    assert read_failures(tmp_path / "r.csv") == []


@pytest.mark.parametrize("suffix", [".csv", ".json", ".jsonl", ".parquet"])
def test_an_interrupted_run_goes_on(tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ml.batch.job.FLUSH_S", 0.0)
    texts = {f"{number:03d}.jpg": "broken" if number % 40 == 3 else "slow" for number in range(60)} | {"0.mp4": "90"}
    folder, out = write_tree(tmp_path / "in", texts), tmp_path / f"r{suffix}"
    whole = tmp_path / f"whole{suffix}"
    do(folder, whole)
    before = 0
    for enough in (60, 9, 110, 40):  # the smaller ones end while earlier results are taken over
        do(folder, out, resume=True, interrupted_at=enough)
        rows = len(read(out))
        assert rows >= before, "a table never shrinks"
        before = rows
    assert before >= 60
    do(folder, out, resume=True)
    assert read(out) == read(whole)
    assert read_failures(out) == read_failures(whole)
    assert len(read(out)) == 90 + 58


def test_a_finished_run_is_not_done_again(tmp_path: Path) -> None:
    folder, out = write_tree(tmp_path / "in", {"a.jpg": "", "b.mp4": "5"}), tmp_path / "r.csv"
    do(folder, out, resume=True)
    done = []
    engine = LocalEngine(1, run)
    engine.submit = lambda task, place=None: done.append(task)  # type: ignore[method-assign]
    with Record(out.with_suffix(".progress"), True) as record:
        table = open_table(out, columns_for(EMOTIONS))
        parts = parts_of(find_sources([str(folder)]), SETTINGS)
        assert Job(parts, SETTINGS, engine, record, table, Progress(None)).run()
        table.close()
    assert done == []
    assert len(names(out)) == 6


def test_a_changed_file_is_read_again_and_a_missing_one_retried(tmp_path: Path) -> None:
    folder, out = write_tree(tmp_path / "in", {"a.jpg": "broken", "b.mp4": "5"}), tmp_path / "r.csv"
    (folder / "gone.jpg").symlink_to(folder / "later.png")
    assert do(folder, out, resume=True).failed == 2
    (folder / "a.jpg").write_text("")
    (folder / "later.png").write_text("")
    assert do(folder, out, resume=True).failed == 0
    assert {name.split()[0] for name in names(out)} == {"a.jpg", "b.mp4", "gone.jpg", "later.png"}


def test_chunks_depend_on_their_own_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # a chunk ends by the names in it: relative, they are the same in every run
    folder = write_tree(Path("in"), {f"{number:04d}.jpg": "" for number in range(600)})

    def chunks() -> set[str]:
        return {part.key for part in parts_of(find_sources([str(folder)]), SETTINGS) if isinstance(part, Part)}

    before = chunks()
    (folder / "0300b.jpg").write_text("")
    after = chunks()
    assert len(after - before) <= 2
    parts = [part for part in parts_of(find_sources([str(folder)]), SETTINGS) if isinstance(part, Part)]
    assert max(len(part.paths) for part in parts) <= MAX_CHUNK
    assert sum(len(part.paths) for part in parts) == 601


def test_memory_does_not_grow_with_the_number_of_files() -> None:
    """Listing and writing 20,000 names in a process of their own: what a million cost is in docs/performance.md."""
    small, large = listing(200), listing(20_000)
    assert (small["rows"], large["rows"]) == (200, 20_000)
    assert large["peak_mb"] - small["peak_mb"] < 20, (small, large)
    assert large["peak_mb"] < 120
