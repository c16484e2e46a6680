"""How many viewers one machine serves: `python -m tests.bench.server --clients 12 --rate 10`.

Cameras send frames of a recording, open loop, to a real gunicorn with its workers; the generator shares the machine.
The last line printed is the result as JSON. `--search` finds the largest number of clients with p95 ≤ 150 ms and then
doubles it; `--minutes` watches the memory.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import psutil

from tests.bench.load import Outcome, clip_frames, run_load
from tests.support.serving import ROOT, Server

P95_LIMIT_MS = 150.0
DEFAULT_CLIP = Path(os.environ.get("EMOTION_TEST_DATA", ROOT.parent / "shared")) / "video" / "sorry.mkv"


@dataclass
class Result:
    """One run. `cpu_cores` is seconds of processor time per second, `memory_mb` what is resident at the end."""

    clients: int
    rate: float
    async_mode: str
    workers: int
    start_s: float
    frames_per_s: float
    sent_per_s: float
    latency_ms: dict[str, float]
    p99_by_part_ms: list[float]
    dropped: dict[str, int]
    unsent: int
    lost_connections: int
    loop_lag_p99_ms: float
    cpu_cores: dict[str, float]
    memory_mb: dict[str, float]
    worker_ms: float
    memory_by_minute_mb: list[float] = field(default_factory=list)


def measure(clients: int, rate: float, seconds: float, frames: Sequence[bytes], **settings: str) -> Result:
    """Start a server, load it, and count on both sides."""
    places = dict.fromkeys(("EMOTION_MAX_CLIENTS", "EMOTION_CLIENTS_PER_ADDRESS"), str(clients + 10))
    settings = {"EMOTION_FRAMES_PER_SECOND": "1000"} | places | settings
    with Server(log=Path(os.devnull), **settings) as server:
        wanted = int(settings.get("EMOTION_WORKERS", "0")) or len(os.sched_getaffinity(0))
        start_s = server.wait_until_ready(workers=1)
        server.wait_until_ready(workers=wanted)
        family = {"web": [server.web()], "workers": server.workers()}
        before, cpu_before, began_s = server.metrics(), _cpu_s(family), time.monotonic()
        outcome = run_load(server.port, clients, rate, seconds, frames)
        wall_s = time.monotonic() - began_s
        cores = {name: round((used - cpu_before[name]) / wall_s, 2) for name, used in _cpu_s(family).items()}
        cores["generator"] = round(outcome.cpu_s / seconds, 2)
        return Result(
            clients=clients,
            rate=rate,
            async_mode=settings.get("EMOTION_ASYNC_MODE", "eventlet"),
            workers=wanted,
            start_s=round(start_s, 2),
            frames_per_s=round(len(outcome.answered) / seconds, 1),
            sent_per_s=round(outcome.sent / seconds, 1),
            latency_ms=outcome.percentiles_ms(),
            p99_by_part_ms=outcome.p99_by_part_ms(),
            dropped=_dropped(before, server.metrics()),
            unsent=outcome.unsent,
            lost_connections=outcome.lost_connections,
            loop_lag_p99_ms=round(_lag_ms(before, server.metrics()), 2),
            cpu_cores=cores,
            memory_mb=_memory_mb(family),
            worker_ms=round(_mean_worker_ms(before, server.metrics()), 2),
        )


def watch_memory(clients: int, rate: float, minutes: int, frames: Sequence[bytes], **settings: str) -> Result:
    """One long run in parts of a minute, on one server: what grows, shows."""
    places = dict.fromkeys(("EMOTION_MAX_CLIENTS", "EMOTION_CLIENTS_PER_ADDRESS"), str(clients + 10))
    settings = {"EMOTION_FRAMES_PER_SECOND": "1000"} | places | settings
    with Server(log=Path(os.devnull), **settings) as server:
        start_s = server.wait_until_ready()
        server.wait_until_ready(int(settings.get("EMOTION_WORKERS", "0")) or len(os.sched_getaffinity(0)))
        family = {"web": [server.web()], "workers": server.workers()}
        before, by_minute, outcome = server.metrics(), [], Outcome(60)
        for _ in range(minutes):
            outcome = run_load(server.port, clients, rate, 60, frames, warm_up_s=0)
            by_minute.append(round(sum(_memory_mb(family).values()), 1))
        after = server.metrics()
        return Result(
            clients=clients,
            rate=rate,
            async_mode=settings.get("EMOTION_ASYNC_MODE", "eventlet"),
            workers=len(family["workers"]),
            start_s=round(start_s, 2),
            frames_per_s=round(len(outcome.answered) / 60, 1),
            sent_per_s=round(outcome.sent / 60, 1),
            latency_ms=outcome.percentiles_ms(),
            p99_by_part_ms=outcome.p99_by_part_ms(),
            dropped=_dropped(before, after),
            unsent=outcome.unsent,
            lost_connections=outcome.lost_connections,
            loop_lag_p99_ms=round(_lag_ms(before, after), 2),
            cpu_cores={},
            memory_mb=_memory_mb(family),
            worker_ms=round(_mean_worker_ms(before, after), 2),
            memory_by_minute_mb=by_minute,
        )


def search(
    rate: float, seconds: float, frames: Sequence[bytes], settings: Mapping[str, str], most: int = 96
) -> list[Result]:
    """The largest number of clients with p95 within the limit, found by doubling and halving, then twice as many."""
    results: dict[int, Result] = {}

    def holds(clients: int) -> bool:
        results[clients] = result = measure(clients, rate, seconds, frames, **settings)
        print(line(result), flush=True)
        late = result.latency_ms.get("p95", float("inf")) > P95_LIMIT_MS
        return not late and result.frames_per_s >= 0.98 * result.sent_per_s

    good, bad = 0, 4
    while bad <= most and holds(bad):
        good, bad = bad, bad * 2
    while bad - good > 1 + good // 12:
        middle = (good + bad) // 2
        good, bad = (middle, bad) if holds(middle) else (good, middle)
    if not good:
        return [results[bad]]
    overload = measure(2 * good, rate, seconds, frames, **settings)
    print(line(overload), flush=True)
    return [results[good], overload]


def bare_frames_per_s(clients: int, rate: float, frames: Sequence[bytes], seconds: float = 6.0) -> float:
    """What one analyzer alone does with the same frames and the same share of full searches, in this process."""
    from ml.inference.analyzer import Analyzer
    from ml.inference.classifier import SHIPPED_MODEL, Classifier
    from ml.inference.contract import Request
    from ml.inference.tracks import Tracker

    analyzer = Analyzer(Classifier(os.environ.get("EMOTION_MODEL") or SHIPPED_MODEL))
    analyzer.warm_up()
    trackers = [Tracker() for _ in range(clients)]
    done, began_s = 0, time.perf_counter()
    while time.perf_counter() - began_s < seconds:
        tracker, camera_s = trackers[done % clients], (done // clients) / rate
        near, full_search = tracker.near(camera_s), tracker.full_search_due(camera_s)
        image = frames[(done // clients + done % clients * 7) % len(frames)]
        tracker.update(analyzer.analyze(Request(image, near=near, full_search=full_search)), camera_s)
        done += 1
    return done / (time.perf_counter() - began_s)


def line(result: Result) -> str:
    latency = "  ".join(f"{name} {value:6.1f}" for name, value in result.latency_ms.items())
    return (
        f"{result.async_mode:9} {result.clients:3} clients × {result.rate:g}/s  {result.frames_per_s:6.1f} frames/s  "
        f"{latency} ms  lag p99 {result.loop_lag_p99_ms:.1f} ms  worker {result.worker_ms:.1f} ms  "
        f"cores {result.cpu_cores}  MB {result.memory_mb}  dropped {result.dropped or 0}"
    )


def _cpu_s(family: Mapping[str, Sequence[psutil.Process]]) -> dict[str, float]:
    return {name: sum(sum(p.cpu_times()[:2]) for p in processes) for name, processes in family.items()}


def _memory_mb(family: Mapping[str, Sequence[psutil.Process]]) -> dict[str, float]:
    return {name: round(sum(p.memory_info().rss for p in ps) / 1e6, 1) for name, ps in family.items()}


def _dropped(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, int]:
    """How many live frames were dropped, by reason."""
    mark, found = 'lane="live",reason="', {}
    for name, value in after.items():
        if name.startswith("emotion_pictures_dropped_total") and mark in name and value > before.get(name, 0):
            found[name.partition(mark)[2].partition('"')[0]] = int(value - before.get(name, 0))
    return found


def _lag_ms(before: Mapping[str, float], after: Mapping[str, float], share: float = 0.99) -> float:
    """The upper end of the histogram's bucket that holds the percentile, interpolated."""
    name = "emotion_loop_lag_seconds_bucket"
    buckets = [
        (float(series.partition('le="')[2].rstrip('"}').replace("+Inf", "inf")), value - before.get(series, 0))
        for series, value in after.items()
        if series.startswith(name)
    ]
    total, lower_s, below = max(count for _, count in buckets), 0.0, 0.0
    for upper_s, count in sorted(buckets):
        if count >= share * total:
            upper_s = lower_s if upper_s == float("inf") else upper_s
            return 1000 * (lower_s + (upper_s - lower_s) * (share * total - below) / max(count - below, 1))
        lower_s, below = upper_s, count
    return float("nan")


def _mean_worker_ms(before: Mapping[str, float], after: Mapping[str, float]) -> float:
    series = 'emotion_worker_seconds_{}{{lane="live"}}'
    total, count = (after.get(series.format(kind), 0) - before.get(series.format(kind), 0) for kind in ("sum", "count"))
    return 1000 * total / count if count else float("nan")


def main(arguments: Sequence[str] | None = None) -> dict[str, object]:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.server", description=__doc__.splitlines()[0])
    parser.add_argument("--clients", type=int, default=12)
    parser.add_argument("--rate", type=float, default=10.0, help="frames a second of each client")
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--clip", type=Path, default=DEFAULT_CLIP)
    parser.add_argument("--mode", choices=("eventlet", "threading"), nargs="+", default=["eventlet"])
    parser.add_argument("--workers", type=int, default=0, help="0: one for each core")
    parser.add_argument("--search", action="store_true", help="find the largest number of clients, then double it")
    parser.add_argument("--bare", action="store_true", help="also run one analyzer alone and give the ratio")
    parser.add_argument("--minutes", type=int, default=0, help="watch the memory for so long")
    parser.add_argument("--json", action="store_true", help="print nothing but the result")
    options = parser.parse_args(arguments)
    frames = clip_frames(options.clip)
    settings = {"EMOTION_WORKERS": str(options.workers)}
    if os.environ.get("EMOTION_MODEL"):
        settings["EMOTION_MODEL"] = os.environ["EMOTION_MODEL"]
    report: dict[str, object] = {
        "machine": f"{platform.processor() or platform.machine()}, {len(os.sched_getaffinity(0))} cores",
        "frame_kb": round(sum(map(len, frames)) / len(frames) / 1000, 1),
    }
    results: list[Result] = []
    for mode in options.mode:
        settings["EMOTION_ASYNC_MODE"] = mode
        if options.minutes:
            results.append(watch_memory(options.clients, options.rate, options.minutes, frames, **settings))
        elif options.search:
            results += search(options.rate, options.seconds, frames, settings)
        else:
            results.append(measure(options.clients, options.rate, options.seconds, frames, **settings))
            if not options.json:
                print(line(results[-1]), flush=True)
    if options.bare:
        bare = bare_frames_per_s(results[-1].clients, options.rate, frames)
        most = max(result.frames_per_s for result in results)
        report |= {"bare_fps": round(bare, 1), "share_of_bare": round(most / bare / results[-1].workers, 3)}
    report["runs"] = [asdict(result) for result in results]
    print(json.dumps(report))
    return report


if __name__ == "__main__":
    main(sys.argv[1:])
