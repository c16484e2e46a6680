"""Counters for `/metrics`, in Prometheus' names and base units."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)

STAGES = ("decode", "detect", "classify")
LAG_EVERY_S = 0.02
LAG_BUCKETS_S = (0.0005, 0.001, 0.002, 0.003, 0.004, 0.005, 0.0075, 0.01, 0.015, 0.02, 0.03, 0.05, 0.1, 0.2, 0.5, 1.0)
WAIT_BUCKETS_S = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)


class Metrics:
    """The server's counters. Each app has its own, so that two apps in one process do not mix them."""

    def __init__(self) -> None:
        disable_created_metrics()
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self.clients = Gauge("emotion_clients", "Live connections now.", registry=self.registry)
        self.refused = Counter(
            "emotion_clients_refused", "Connections refused, by reason.", ["reason"], registry=self.registry
        )
        self.closed = Counter(
            "emotion_connections_closed",
            "Connections that the server closed: flood, protocol, not_joined, unread.",
            ["reason"],
            registry=self.registry,
        )
        self.upload_bytes = Gauge(
            "emotion_upload_bytes", "Bytes of uploads under way now, as announced.", registry=self.registry
        )
        self.in_flight = Gauge(
            "emotion_pictures_in_flight", "Pictures that wait or are being read now.", registry=self.registry
        )
        self.workers = Gauge("emotion_workers_ready", "Analyzer workers that answer now.", registry=self.registry)
        self._lost = Counter("emotion_workers_lost", "Analyzer workers that ended unasked.", registry=self.registry)
        self._drops = Counter(
            "emotion_pictures_dropped",
            "Pictures never read, by lane and reason.",
            ["lane", "reason"],
            registry=self.registry,
        )
        self._queue = Histogram(
            "emotion_queue_seconds",
            "Time a picture spent outside the worker.",
            ["lane"],
            registry=self.registry,
            buckets=WAIT_BUCKETS_S,
        )
        self._worker = Histogram(
            "emotion_worker_seconds",
            "Time a worker took for a picture.",
            ["lane"],
            registry=self.registry,
            buckets=WAIT_BUCKETS_S,
        )
        self._stage = Histogram(
            "emotion_stage_seconds",
            "Time a worker took for a stage: decode, detect, classify.",
            ["lane", "stage"],
            registry=self.registry,
            buckets=WAIT_BUCKETS_S,
        )
        self._results = Counter(
            "emotion_pictures",
            "Pictures that a worker took, by lane and result.",
            ["lane", "result"],
            registry=self.registry,
        )
        self._memory = Gauge(
            "emotion_worker_memory_bytes",
            "Resident memory of each analyzer worker.",
            ["worker"],
            registry=self.registry,
        )
        self._lag = Histogram(
            "emotion_loop_lag_seconds",
            "Lag of the event loop: how late a sleeping task wakes.",
            registry=self.registry,
            buckets=LAG_BUCKETS_S,
        )

    def answered(self, lane: str, timing_ms: Mapping[str, float]) -> None:
        self._queue.labels(lane).observe(timing_ms["queue"] / 1000)
        self._worker.labels(lane).observe(timing_ms["total"] / 1000)
        for stage in STAGES:
            self._stage.labels(lane, stage).observe(timing_ms.get(stage, 0.0) / 1000)

    def finished(self, lane: str, result: str) -> None:
        self._results.labels(lane, result).inc()

    def worker_memory(self, number: int, size_bytes: int) -> None:
        self._memory.labels(str(number)).set(size_bytes)

    def dropped(self, lane: str, reason: str) -> None:
        self._drops.labels(lane, reason).inc()

    def worker_started(self) -> None:
        self.workers.inc()

    def worker_lost(self) -> None:
        self.workers.dec()
        self._lost.inc()

    def watch_lag(self, sleep: Callable[[float], None]) -> None:
        """Measure the lag of the event loop until the process ends; runs as a background task."""
        while True:
            before_s = time.perf_counter()
            sleep(LAG_EVERY_S)
            self._lag.observe(max(0.0, time.perf_counter() - before_s - LAG_EVERY_S))

    def text(self) -> bytes:
        """Everything in Prometheus' text format."""
        return generate_latest(self.registry)
