"""Live viewers beside photographs and a hostile client: `python -m tests.bench.crowd --clients 12 --rate 10`.

Cameras send frames of a recording, as in `tests.bench.server`. At the same time photographs of 0.3 to 12 megapixels are
sent without a pause, several at a time, and one client floods. All of them share the machine. The last line printed is
the result as JSON: the live latency, the photographs and the flood.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import requests

from tests.bench.load import clip_frames, run_load
from tests.bench.server import DEFAULT_CLIP
from tests.support.hostile import FLOODS
from tests.support.pictures import portrait
from tests.support.serving import ROOT, Server

PHOTO_SIDES_PX = (512, 1024, 2048, 3500)


def photographs() -> list[bytes]:
    """One face in pictures of several sizes."""
    found = []
    for side_px in PHOTO_SIDES_PX:
        picture = np.full((side_px, side_px, 3), 128, np.uint8)
        face = portrait(side_px // 2)
        picture[: len(face), : len(face)] = face
        found.append(cv2.imencode(".jpg", picture)[1].tobytes())
    return found


class Photographers:
    """Threads that send photographs without a pause while the block runs.

    Attributes:
        answers: how many answers came, by `ok` or code. durations_s: of those that were ok.
    """

    def __init__(self, url: str, at_a_time: int) -> None:
        self._url = url
        self._stopped = threading.Event()
        self._threads = [threading.Thread(target=self._send, args=(number,)) for number in range(at_a_time)]
        self.answers: Counter[str] = Counter()
        self.durations_s: list[float] = []

    def __enter__(self) -> Photographers:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stopped.set()
        for thread in self._threads:
            thread.join()

    def _send(self, number: int) -> None:
        pictures = photographs()
        while not self._stopped.is_set():
            number += 1
            began_s = time.monotonic()
            picture = pictures[number % len(pictures)]
            answer = requests.post(f"{self._url}/api/analyze", files={"image": picture}, timeout=60).json()
            self.answers["ok" if answer["ok"] else answer["code"]] += 1
            if answer["ok"]:
                self.durations_s.append(time.monotonic() - began_s)


def measure(
    clients: int, rate: float, seconds: float, frames: Sequence[bytes], flood: str, at_a_time: int
) -> dict[str, Any]:
    """Start a server, load it in three ways at once, and report each."""
    settings = {"EMOTION_API_PER_MINUTE": "100000", "EMOTION_WORKERS": "2"}
    with Server(log=Path(os.devnull), **settings) as server:
        server.wait_until_ready(workers=2)
        command = [sys.executable, "-m", "tests.support.hostile", str(server.port), flood, str(seconds + 4)]
        with (
            subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as attacker,
            Photographers(server.url, at_a_time) as photographers,
        ):
            outcome = run_load(server.port, clients, rate, seconds, frames)
            connections, sent = map(int, attacker.communicate()[0].split())
        return {
            "clients": clients,
            "rate": rate,
            "seconds": seconds,
            "frames_per_s": round(len(outcome.answered) / seconds, 1),
            "latency_ms": outcome.percentiles_ms(),
            "busy": outcome.refused["busy"],
            "lost_connections": outcome.lost_connections,
            "photographs": dict(photographers.answers),
            "photograph_p50_ms": round(1000 * float(np.median(photographers.durations_s or [np.nan]))),
            "flood": {"kind": flood, "connections": connections, "sent_mb": round(sent / 1e6, 1)},
            "workers_lost": server.metrics()["emotion_workers_lost_total"],
        }


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.crowd", description=__doc__.splitlines()[0])
    parser.add_argument("--clients", type=int, default=12)
    parser.add_argument("--rate", type=float, default=10.0, help="frames a second of each client")
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--clip", type=Path, default=DEFAULT_CLIP)
    parser.add_argument("--flood", choices=sorted(FLOODS), default="noop")
    parser.add_argument("--photographs", type=int, default=4, help="how many are sent at a time")
    options = parser.parse_args(arguments)
    frames = clip_frames(options.clip)
    print(
        json.dumps(measure(options.clients, options.rate, options.seconds, frames, options.flood, options.photographs))
    )


if __name__ == "__main__":
    main()
