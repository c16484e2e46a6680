"""A run from its sources to its table: distributes the tasks, records their results, and writes them in order.

The table does not depend on the number of processes, nor on lost ones: parts are written in the order of their sources,
and parts that finish early wait in the record.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from ml.batch.engines import Crash, Engine, Outcome, Patience
from ml.batch.progress import Progress
from ml.batch.record import CRASHED, Finished, Record
from ml.batch.rows import Row
from ml.batch.sources import Failure, shown
from ml.batch.table import Table
from ml.batch.tasks import Part, Result, Settings, Task

FLUSH_S, FLUSH_PARTS = 0.5, 500
"""Results are recorded and written to the table after this time, or after this many parts: they wait in memory."""
WAIT_S = 0.2
KEPT_FAILURES = 20
"""Most failures that are printed at the end; the table contains all."""


@dataclass
class _Item:
    """A part between its listing and its place in the table."""

    part: Part | None
    failures: tuple[Failure, ...] = ()
    """Of an item without a part: sources that can't be read at all."""
    tasks: deque[Task] = field(default_factory=deque)
    """What is left to do, one after the other."""
    segments: int = 0
    faces: int = 0
    failed: int = 0
    fraction: float = 0.0
    retried: bool = False
    finished: bool = False
    written: int = 0
    """Segments that are in the table."""


class Job:
    """One run. Used once, by one thread.

    Args:
        parts: the work, in the order of the table.
        interrupted: called several times a second; true stops the run.

    `caught_up`: the table holds as much as earlier runs had recorded, so it can take the place of theirs.
    """

    def __init__(
        self,
        parts: Iterable[Part | Failure],
        settings: Settings,
        engine: Engine,
        record: Record,
        table: Table,
        progress: Progress,
        interrupted: Callable[[], bool] = lambda: False,
    ) -> None:
        self._parts = iter(parts)
        self._settings = settings
        self._engine, self._record, self._table, self._progress = engine, record, table, progress
        self._waiting: deque[_Item] = deque()  # in the order of the table
        self._working: dict[Task, _Item] = {}
        self._flush_due = Patience(FLUSH_S)
        self._unflushed = 0
        self.rows = self.failed = self.files = 0
        self.failures: list[Failure] = []
        self._interrupted = interrupted
        self._recorded = record.count()
        self.caught_up = False

    def run(self) -> bool:
        """Run until all is done or the run is interrupted; returns whether all was done."""
        more = True
        while more or self._working:
            while more and self._engine.free() > 0 and not self._interrupted():
                more = self._start_next()
                self._tick()
            for outcome in self._engine.wait(WAIT_S) if self._working else ():
                self._take(outcome)
            self._tick()
            if self._interrupted():
                self._engine.kill()
                self._flush()
                return False
        self._flush()
        self.caught_up = True
        return True

    def _tick(self) -> None:
        if self._flush_due.over() or self._unflushed >= FLUSH_PARTS:
            self._flush()
        self._progress.show()

    def _start_next(self) -> bool:
        part = next(self._parts, None)
        if part is None:
            return False
        self.files += 1 if isinstance(part, Failure) else len(part.paths)
        self._unflushed += 1
        if isinstance(part, Failure):
            self._waiting.append(_Item(None, (part,), finished=True))
            self._progress.add(failures=1, files=1)
            return True
        item = _Item(part)
        self._waiting.append(item)
        if (known := self._record.finished(part.key)) is not None:
            item.segments, item.finished = known.segments, True
            self._progress.add(known.faces, known.failures, len(part.paths))
            self._progress.add_read(part.kind, len(part.paths), part.size, None)
            return True
        item.tasks.append(Task(part.kind, part.paths, self._settings))
        self._submit(item)
        return True

    def _submit(self, item: _Item, place: object = None) -> None:
        task = item.tasks.popleft()
        self._working[task] = item
        self._engine.submit(task, place)

    def _take(self, outcome: Outcome) -> None:
        """Record the outcome of a task, and continue with the rest of its part."""
        item = self._working.pop(outcome.task)
        task, part = outcome.task, item.part
        assert part is not None
        if isinstance(outcome.result, Crash):
            result = self._after_crash(item, task, outcome.result)
        else:
            result = outcome.result
            if result.state is not None:
                item.tasks.append(Task(task.kind, task.paths, self._settings, result.state))
        if result is not None:
            self._record.add(part.key, item.segments, result.rows, result.failures)
            item.segments += 1
            item.faces += len(result.rows)
            item.failed += len(result.failures)
            fraction = result.state.fraction if result.state is not None else 1.0
            size = (fraction - item.fraction) * part.size if part.kind == "video" else 0
            item.fraction = fraction
            ended = result.state is None
            self._progress.add(len(result.rows), len(result.failures), len(task.paths) if ended else 0)
            self._progress.add_read(part.kind, len(task.paths) if ended else 0, size, result.busy_s)
        if item.tasks:
            self._submit(item, outcome.place)
        else:
            self._record.finish(part.key, Finished(item.segments, item.faces, item.failed))
            item.finished = True

    def _after_crash(self, item: _Item, task: Task, crash: Crash) -> Result | None:
        """Find the file that crashes processes: photos are read again one by one, a single file twice."""
        if len(task.paths) > 1:
            item.tasks.extendleft(replace(task, paths=(path,)) for path in reversed(task.paths))
            item.retried = True
            return None
        if not item.retried:
            item.tasks.appendleft(task)
            item.retried = True
            return None
        message = f"expected a file that can be read, received none: {crash.reason}"
        return Result(failures=(Failure(shown(task.paths[0]), CRASHED, message),))

    def _flush(self) -> None:
        """Commit the results to the record, then append to the table the parts that are next in order."""
        self._record.commit()
        self._unflushed = 0
        while self._waiting and not (self._interrupted() and not self.caught_up):
            item = self._waiting[0]
            if item.part is None:
                self._write((), item.failures)
            else:
                while item.written < item.segments:
                    self._write(*self._record.results(item.part.key, item.written))
                    item.written += 1
            if not item.finished:
                break
            self._waiting.popleft()
        self._table.flush()
        if self._waiting and not self._interrupted() and self.rows + self.failed >= self._recorded:
            self.caught_up = True
            self._table.publish()

    def _write(self, rows: Iterable[Row], failures: Iterable[Failure]) -> None:
        rows, failures = list(rows), list(failures)
        self._table.add(rows, failures)
        self.rows += len(rows)
        self.failed += len(failures)
        self.failures += failures[: max(0, KEPT_FAILURES - len(self.failures))]
