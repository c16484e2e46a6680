"""Work for batch processes that needs no network: the text of a file says what happens."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Mapping
from pathlib import Path

from ml.batch.rows import Row
from ml.batch.sources import Failure, shown
from ml.batch.tasks import Result, Task, VideoState


def row(path: str, frame: int = 0) -> Row:
    return (shown(path), frame, None, None, 1, 2, 3, 4, "happy", 1.0, False, *(0.0,) * 3, 1.0, *(0.0,) * 3)


def run(task: Task) -> Result:
    """A row for each photo and each of a video's frames.

    `broken` fails, `crash` ends the process, `crash once` only the first time, `slow` waits, a number is a video's
    frames, read three at a time.
    """
    rows: list[Row] = []
    failures: list[Failure] = []
    for path in task.paths:
        text = Path(path).read_text("utf-8")
        if text == "broken":
            failures.append(Failure(shown(path), "bad_image", "expected a picture, received none"))
            continue
        if text == "crash" or (text == "crash once" and not Path(path + ".seen").exists()):
            Path(path + ".seen").touch()
            os.kill(os.getpid(), signal.SIGKILL)
        if text == "slow":
            time.sleep(0.02)
        if task.kind == "video":
            at = task.state.next_frame if task.state else 0
            end = min(at + 3, int(text))
            rows += [row(path, frame) for frame in range(at, end)]
            if end < int(text):
                return Result(tuple(rows), (), VideoState(end, fraction=end / int(text)), 0.01)
        else:
            rows.append(row(path))
    return Result(tuple(rows), tuple(failures), None, 0.01)


def write_tree(folder: Path, texts: Mapping[str, str]) -> Path:
    """Files by name and text."""
    for name, text in texts.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, "utf-8")
    return folder
