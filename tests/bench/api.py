"""Photographs over HTTP: `python -m tests.bench.api --photos DIR [--at-once 40] [--rounds 3] [--json]`.

A real gunicorn with a worker for each core answers `/api/analyze`: first one photograph at a time, then many at once,
each in a request of its own. The client shares the machine. The last line is JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import requests

from tests.support.serving import Server


def analyze(session: requests.Session, url: str, content: bytes) -> tuple[int, int, float]:
    """Status, number of faces, and milliseconds of one request."""
    started = time.perf_counter()
    reply = session.post(f"{url}/api/analyze", files={"image": content}, timeout=60)
    elapsed_ms = (time.perf_counter() - started) * 1000
    return reply.status_code, len(reply.json()["faces"]) if reply.ok else 0, elapsed_ms


def one_at_a_time(url: str, contents: list[bytes]) -> dict[str, Any]:
    with requests.Session() as session:
        analyze(session, url, contents[0])
        answers = [analyze(session, url, content) for content in contents]
    times_ms = [elapsed_ms for _, _, elapsed_ms in answers]
    shares = {f"p{share}_ms": float(np.percentile(times_ms, share)) for share in (50, 95)}
    return {"photographs": len(answers), "refused": sum(status != 200 for status, _, _ in answers)} | shares


def all_at_once(url: str, contents: list[bytes]) -> dict[str, Any]:
    """Seconds from the first request to the last answer."""
    with ThreadPoolExecutor(len(contents)) as threads, requests.Session() as session:
        session.mount("http://", requests.adapters.HTTPAdapter(pool_maxsize=len(contents)))
        started = time.perf_counter()
        answers = list(threads.map(lambda content: analyze(session, url, content), contents))
        seconds = time.perf_counter() - started
    statuses = Counter(status for status, _, _ in answers)
    return {"statuses": dict(statuses), "with_a_face": sum(faces > 0 for _, faces, _ in answers), "seconds": seconds}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.api", description="Photographs over HTTP.")
    parser.add_argument("--photos", type=Path, required=True, metavar="DIR", help="photographs (*.jpg)")
    parser.add_argument("--at-once", type=int, default=40)
    parser.add_argument("--rounds", type=int, default=3, help="of photographs at once, each with other ones")
    parser.add_argument("--json", action="store_true", help="print nothing but the last line")
    options = parser.parse_args()
    contents = [path.read_bytes() for path in sorted(options.photos.glob("*.jpg"))]
    if len(contents) < options.at_once:
        raise SystemExit(f"expected {options.at_once} photographs in {options.photos}, received {len(contents)}")
    with Server(log=Path(os.devnull), EMOTION_API_PER_MINUTE="1000000") as server:
        server.wait_until_ready(workers=len(os.sched_getaffinity(0)))
        report: dict[str, Any] = {"one_at_a_time": one_at_a_time(server.url, contents[: options.at_once])}
        starts = [number * options.at_once % (len(contents) - options.at_once + 1) for number in range(options.rounds)]
        report["at_once"] = [all_at_once(server.url, contents[start : start + options.at_once]) for start in starts]
    if not options.json:
        print(json.dumps(report, indent=1))
    print(json.dumps(report))


if __name__ == "__main__":
    main()
