"""Hours of ordinary use: `make soak MINUTES=60`, or `python -m tests.soak --minutes 60`.

Live viewers use about half of the workers' time, and a photograph is sent every few seconds. Each answer is compared
with what the picture contains. After the warm-up the memory of no process may grow by more than 1 MB an hour, and no
descriptor may stay open. The last line is the result as JSON; the exit code is 1 if a bound was exceeded.

The senders may be paused (SIGSTOP to the process group of the command): the server has a group of its own, closes those
that leave its pings unanswered, and they join again afterwards. `pauses_s` of the result lists the pauses.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import statistics
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
import psutil
import requests

from tests.support.pictures import portrait
from tests.support.rawsocket import RawSocket
from tests.support.serving import Server

RATE = 10
"""Frames a second of each viewer."""
LOAD = 0.5
"""Share of the workers' time that live frames use."""
PHOTO_EVERY_S = 5.0
SAMPLE_EVERY_S = 1.0
PAUSE_S = 10.0
"""The senders were paused if a sample is late by this much."""
WARM_UP = 0.3
"""Share of the run before memory is compared, at most ten minutes."""
GROWTH_MB_PER_H = 1.0
LEAST_GROWTH_MB = 1.0
"""What a run shorter than an hour may differ by: a resident size fluctuates by this much."""
LOG_LINES = 30
"""Lines of the server's log that are shown if a bound was exceeded."""


def scenes() -> list[tuple[bytes, int]]:
    """Pictures of 640×480 with the number of faces in each."""
    face, found = portrait(320), []
    for count in (1, 0, 2):
        picture = np.full((480, 640, 3), 128, np.uint8)
        for place in range(count):
            picture[80:400, 320 * place : 320 * (place + 1)] = face
        found.append((cv2.imencode(".jpg", picture)[1].tobytes(), count))
    return found


@dataclass
class Tally:
    """What the senders saw, added up under a lock."""

    answered: int = 0
    busy: int = 0
    rejoined: int = 0
    wrong: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def count(self, answer: dict[str, object], faces: int) -> None:
        found = answer.get("faces")
        with self.lock:
            if answer.get("code") == "busy":
                self.busy += 1
            elif answer.get("ok") is True and isinstance(found, list) and len(found) == faces:
                self.answered += 1
            else:
                self.wrong.append(f"expected {faces} faces, received {json.dumps(answer)[:300]}")


class UnpausedServer(Server):
    """It runs while the senders are paused, and ends when they are killed."""

    program = "tests.support.tied_gunicorn"
    process_group = 0


def view(port: int, picture: bytes, faces: int, tally: Tally, stop: threading.Event) -> None:
    """One live viewer, until told to stop. It joins again if its connection ends."""
    while not stop.is_set():
        with contextlib.suppress(OSError), contextlib.closing(RawSocket(port, timeout_s=60)) as raw:
            view_once(raw, picture, faces, tally, stop)
            return
        with tally.lock:
            tally.rejoined += 1
        stop.wait(1)


def view_once(raw: RawSocket, picture: bytes, faces: int, tally: Tally, stop: threading.Event) -> None:
    number = 0
    while not stop.is_set():
        due_s = time.monotonic() + 1 / RATE
        raw.send_picture(number, picture)
        message = raw.wait_for(b"43%d[" % number)
        tally.count(json.loads(message[message.index(b"[") :])[0], faces)
        number += 1
        stop.wait(max(0.0, due_s - time.monotonic()))


def send_photos(url: str, picture: bytes, faces: int, tally: Tally, stop: threading.Event) -> None:
    while not stop.wait(PHOTO_EVERY_S):
        tally.count(requests.post(f"{url}/api/analyze", files={"image": picture}, timeout=60).json(), faces)


def viewers_for(server: Server, workers: int, picture: bytes) -> int:
    """How many viewers use `LOAD` of the workers' time, from the processor time of a hundred frames."""
    raw = RawSocket(server.port)
    used_s = []
    for number in range(120):
        if number == 20:  # the first frames load what is used later
            used_s.append(processor_time_s(server))
        raw.send_picture(number, picture)
        raw.wait_for(b"43%d[" % number)
        time.sleep(1 / RATE / 3)
    used_s.append(processor_time_s(server))
    raw.close()
    return max(3, round(LOAD * workers / (RATE * (used_s[1] - used_s[0]) / 100)))


def processor_time_s(server: Server) -> float:
    return sum(sum(worker.cpu_times()[:2]) for worker in server.workers())


def soak(minutes: float, workers: int, log: Path, viewers: int = 0) -> dict[str, object]:
    """Run for so long; what happened, with the bounds that were exceeded under `failed`.

    Args:
        viewers: how many; 0 takes as many as use `LOAD` of the workers' time.
    """
    pictures, tally, stop = scenes(), Tally(), threading.Event()
    settings = {"EMOTION_FRAME_DEADLINE_MS": "10000", "EMOTION_API_PER_MINUTE": "1000"}
    with UnpausedServer(log=log, EMOTION_WORKERS=str(workers), **settings) as server:
        server.wait_until_ready(workers=workers)
        viewers = viewers or viewers_for(server, workers, pictures[0][0])
        family = {"web": server.web()} | {f"worker {n}": process for n, process in enumerate(server.workers())}
        threads = [
            threading.Thread(target=view, args=(server.port, *pictures[n % len(pictures)], tally, stop), daemon=True)
            for n in range(viewers)
        ]
        threads.append(threading.Thread(target=send_photos, args=(server.url, *pictures[0], tally, stop), daemon=True))
        for thread in threads:
            thread.start()
        memory_mb: dict[str, list[float]] = {name: [] for name in family}
        descriptors: dict[str, list[int]] = {name: [] for name in family}
        pauses_s: list[int] = []
        gone: set[str] = set()
        began_s, warm_s = time.monotonic(), min(600.0, 60 * minutes * WARM_UP)
        while time.monotonic() - began_s < 60 * minutes and all(thread.is_alive() for thread in threads) and not gone:
            sampled_s = time.monotonic()
            time.sleep(SAMPLE_EVERY_S)
            if time.monotonic() - sampled_s > SAMPLE_EVERY_S + PAUSE_S:
                pauses_s.append(round(time.monotonic() - sampled_s))
            if time.monotonic() - began_s > warm_s:
                for name, process in family.items():
                    try:
                        memory_mb[name].append(process.memory_info().rss / 1e6)
                        descriptors[name].append(process.num_fds())
                    except psutil.NoSuchProcess:
                        gone.add(name)
        ended_early = [thread.name for thread in threads if not thread.is_alive()]
        hours = (time.monotonic() - began_s - warm_s) / 3600
        stop.set()
        for thread in threads:
            thread.join(60)
        lost = server.metrics()["emotion_workers_lost_total"]
    growth_mb = {name: round(growth(samples), 2) for name, samples in memory_mb.items()}
    opened = {name: round(growth(samples)) for name, samples in descriptors.items()}
    allowed_mb = max(LEAST_GROWTH_MB, GROWTH_MB_PER_H * hours)
    failed = [
        f"{name}: expected at most +{allowed_mb:.1f} MB, received +{mb}"
        for name, mb in growth_mb.items()
        if mb > allowed_mb
    ]
    failed += [f"{name}: expected no descriptor more, received {n}" for name, n in opened.items() if n > 0]
    failed += tally.wrong[:5] + [f"a sender ended early: {name}" for name in ended_early]
    if tally.rejoined > viewers * len(pauses_s):
        failed.append(f"expected connections to end at {len(pauses_s)} pauses only, {tally.rejoined} ended")
    failed += [f"a process ended: {name}" for name in sorted(gone)]
    failed += [f"expected no lost worker, received {lost:.0f}"] if lost else []
    failed += ["expected no traceback in the log, received one"] if "Traceback" in log.read_text() else []
    return {
        "minutes": minutes,
        "viewers": viewers,
        "workers": workers,
        "answered": tally.answered,
        "busy": tally.busy,
        "wrong": len(tally.wrong),
        "rejoined": tally.rejoined,
        "pauses_s": pauses_s,
        "growth_mb": growth_mb,
        "descriptors": opened,
        "failed": failed,
    }


def growth(samples: list[float] | list[int]) -> float:
    """Median of the last fifth less median of the first fifth."""
    part = max(1, len(samples) // 5)
    return statistics.median(samples[-part:]) - statistics.median(samples[:part]) if samples else 0.0


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--viewers", type=int, default=0, help="default: as many as use half of the workers' time")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        result = soak(options.minutes, options.workers, log, options.viewers)
        if result["failed"]:
            print("The end of the server's log:", *log.read_text().splitlines()[-LOG_LINES:], sep="\n", file=sys.stderr)
    print(json.dumps(result))
    return 1 if result["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
