"""A run that lists files and writes rows without reading pictures, to measure the cost per file, in its own process."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from ml.batch.engines import Outcome
from ml.batch.job import Job
from ml.batch.progress import Progress
from ml.batch.record import Record
from ml.batch.rows import columns_for
from ml.batch.sources import find_sources, shown
from ml.batch.tasks import Result, Settings, Task, parts_of
from ml.batch.writers import open_table
from ml.inference.contract import EMOTIONS

ROOT = Path(__file__).resolve().parents[2]
LINKS_OF_A_FILE = 20_000
"""File systems allow 65,000."""


class DryEngine:
    """Answers each task at once, with a row for each photo that it does not read."""

    def __init__(self) -> None:
        self._tasks: list[Task] = []

    def free(self) -> int:
        return 4 - len(self._tasks)

    def submit(self, task: Task, place: object = None) -> None:
        self._tasks.append(task)

    def wait(self, timeout_s: float) -> list[Outcome]:
        tasks, self._tasks = self._tasks, []
        values = (0, None, None, 10, 10, 50, 50, "happy", 0.9, False, *(1 / 7,) * 7)
        return [Outcome(t, Result(tuple((shown(path), *values) for path in t.paths)), None) for t in tasks]

    def kill(self) -> None:
        self._tasks = []


def link_files(folder: Path, count: int) -> None:
    """So many names of a few files, all in one folder."""
    folder.mkdir()
    for number in range(count):
        original = folder / f"{number - number % LINKS_OF_A_FILE:07d}.jpg"
        if number % LINKS_OF_A_FILE == 0:
            original.write_bytes(b"\xff\xd8\xff")
        else:
            os.link(original, folder / f"{number:07d}.jpg")


def dry_run(folder: Path, out: Path) -> dict[str, Any]:
    """List a folder and write a table, in this process; its peak memory is that of the process."""
    started_s = time.monotonic()
    settings = Settings("model.tflite", "00000000")
    table = open_table(out, columns_for(EMOTIONS))
    with Record(out.with_suffix(".progress"), False) as record:
        progress = Progress(lambda: find_sources([str(folder)]), 1)
        job = Job(parts_of(find_sources([str(folder)]), settings), settings, DryEngine(), record, table, progress)
        job.run()
    table.close()
    return {"rows": job.rows, "seconds": time.monotonic() - started_s, "peak_mb": peak_memory_mb()}


def peak_memory_mb() -> float:
    """The most memory this process has had. Linux's `ru_maxrss` would include the process that started it."""
    about = Path("/proc/self/status")
    if about.is_file():
        line = next(line for line in about.read_text("utf-8").splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024 / 1e6
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def listing(files: int) -> dict[str, Any]:
    """Rows, seconds and peak memory in MB of a dry run over the given number of links."""
    with tempfile.TemporaryDirectory() as folder:
        link_files(Path(folder) / "in", files)
        command = [sys.executable, "-m", "tests.support.dry_run", folder]
        done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True)
        return json.loads(done.stdout)


if __name__ == "__main__":
    print(json.dumps(dry_run(Path(sys.argv[1]) / "in", Path(sys.argv[1]) / "r.csv")))
