"""How many viewers one replica serves: a simulation, used by `python -m tests.bench.capacity` and its test.

A simulation of one replica: cameras send frames at a fixed rate, one web process passes them to workers and the answers
back, and the processes share the cores. It first repeats the measured load tests of docs/performance.md, then finds the
number of viewers that one replica serves in time.
"""

from __future__ import annotations

import heapq
import math
import random
from collections import deque
from dataclasses import dataclass

import numpy as np

HANDED_OVER = 2
"""Frames that a worker holds: one that it reads and the next one."""
P95_LIMIT_MS = 100.0
MOST_DROPPED = 0.01
SPARE = 0.1
"""Share of the replicas that may be missing: failures and upgrades."""
REPLICAS_OF_A_MACHINE = 8
CORES_OF_A_REPLICA = 2
CPU_VARIATION = 0.25
"""Standard deviation of the logarithm of the time for one frame."""


@dataclass(frozen=True)
class Costs:
    """Processor time in milliseconds, and how often a viewer's frame needs a full search for faces."""

    tracked_ms: float
    search_ms: float
    searches_per_s: float
    web_ms: float


MEASURED_XEON = Costs(tracked_ms=2.7, search_ms=12.0, searches_per_s=2.5, web_ms=0.85)
"""Two cores of an Intel Xeon with the float network, 22 November 2026: the processor of the load tests."""
MEASURED_EPYC = Costs(tracked_ms=1.8, search_ms=9.0, searches_per_s=2.5, web_ms=0.85)
"""An AMD EPYC (Zen 4) with the 8-bit network, 25 November 2026; the web process as on the Xeon."""
LOAD_TESTS = {36: (309, 71, 109), 40: (298, 69, 111), 48: (292, 66, 112)}
"""Clients at ten frames a second: answered frames a second, median and 95th percentile in milliseconds, measured."""
GENERATOR_CORES = 0.1
"""What the load generator used of the two cores."""


@dataclass(frozen=True)
class Outcome:
    """Answers of one simulated run; `in_flight` is the mean number of frames that wait or are being read."""

    frames_per_s: float
    p50_ms: float
    p95_ms: float
    dropped: float
    in_flight: float


@dataclass(eq=False)
class _Frame:
    client: int
    sent_s: float


class Replica:
    """One web process and its workers on shared cores; processes that have work get equal shares of the cores."""

    def __init__(self, costs: Costs, workers: int, cores: float, rate: float, chance: random.Random) -> None:
        self._costs, self._cores, self._rate, self._chance = costs, cores, rate, chance
        self._web: deque[tuple[str, _Frame, int]] = deque()
        self._held: list[deque[_Frame]] = [deque() for _ in range(workers)]
        self._left_s: dict[int, float] = {}  # of each busy process; the web process is -1
        self._waiting: dict[int, _Frame] = {}  # by client, in the order of their turns
        self._reading: set[int] = set()
        self._searched_s: dict[int, float] = {}
        self.now_s = 0.0
        self.latencies_s: list[tuple[float, float]] = []
        self.dropped = 0
        self.in_flight_s = 0.0

    def advance(self, until_s: float) -> None:
        """Let time pass."""
        while self.now_s < until_s:
            speed = min(1.0, self._cores / len(self._left_s)) if self._left_s else 1.0
            who = min(self._left_s, key=self._left_s.__getitem__, default=None)
            step_s = until_s - self.now_s
            is_done = who is not None and self._left_s[who] / speed <= step_s
            if who is not None and is_done:
                step_s = self._left_s[who] / speed
            self.now_s = self.now_s + step_s if is_done else until_s
            self.in_flight_s += step_s * (len(self._waiting) + sum(map(len, self._held)))
            for process in self._left_s:
                self._left_s[process] -= step_s * speed
            if who is not None and is_done:
                del self._left_s[who]
                self._finish(who)

    def receive(self, client: int) -> None:
        self._web.append(("in", _Frame(client, self.now_s), -1))
        self._start_web()

    def _start_web(self) -> None:
        if self._web and -1 not in self._left_s:
            self._left_s[-1] = self._varied(self._costs.web_ms / 2)

    def _finish(self, who: int) -> None:
        if who >= 0:
            self._web.append(("out", self._held[who][0], who))
            self._held[who].popleft()
            self._start_worker(who)
        else:
            kind, frame, _ = self._web.popleft()
            if kind == "in":
                self.dropped += frame.client in self._waiting
                self._waiting[frame.client] = frame  # a newer frame takes over the turn
            else:
                self._reading.discard(frame.client)
                self.latencies_s.append((self.now_s, self.now_s - frame.sent_s))
            self._feed()
        self._start_web()

    def _feed(self) -> None:
        for client in [client for client in self._waiting if client not in self._reading]:
            worker = min(range(len(self._held)), key=lambda number: len(self._held[number]))
            if len(self._held[worker]) >= HANDED_OVER:
                return
            self._held[worker].append(self._waiting.pop(client))
            self._reading.add(client)
            self._start_worker(worker)

    def _start_worker(self, worker: int) -> None:
        if self._held[worker] and worker not in self._left_s:
            client = self._held[worker][0].client
            since_s = self.now_s - self._searched_s.get(client, -math.inf)
            is_search = since_s >= self._chance.uniform(0.75, 1.25) / self._costs.searches_per_s
            if is_search:
                self._searched_s[client] = self.now_s
            self._left_s[worker] = self._varied(self._costs.search_ms if is_search else self._costs.tracked_ms)

    def _varied(self, ms: float) -> float:
        return ms / 1000 * self._chance.lognormvariate(-(CPU_VARIATION**2) / 2, CPU_VARIATION)


def simulate(
    costs: Costs, viewers: int, workers: int = 2, cores: float = 2.0, rate: float = 10.0, seconds: float = 20.0
) -> Outcome:
    """One run; the first three seconds are not counted."""
    chance, warm_s = random.Random(viewers), 3.0
    replica = Replica(costs, workers, cores, rate, chance)
    due = [(chance.random() / rate, client) for client in range(viewers)]
    heapq.heapify(due)
    sent = 0
    while due[0][0] < seconds + warm_s:
        moment_s, client = heapq.heappop(due)
        replica.advance(moment_s)
        replica.receive(client)
        sent += 1
        heapq.heappush(due, (moment_s + 1 / rate * chance.uniform(0.98, 1.02), client))
    latencies_ms = 1000 * np.array([latency for moment, latency in replica.latencies_s if moment > warm_s])
    p50, p95 = np.percentile(latencies_ms, (50, 95))
    in_flight = replica.in_flight_s / replica.now_s
    return Outcome(len(latencies_ms) / seconds, float(p50), float(p95), replica.dropped / sent, in_flight)


def most_viewers(costs: Costs, workers: int = 2, cores: float = CORES_OF_A_REPLICA, rate: float = 10.0) -> int:
    """The largest number of viewers of one replica within the bounds on latency and dropped frames."""
    low, high = 1, 2
    while _in_time(simulate(costs, high, workers, cores, rate)):
        low, high = high, high * 2
    while high - low > 1:
        middle = (low + high) // 2
        if _in_time(simulate(costs, middle, workers, cores, rate)):
            low = middle
        else:
            high = middle
    return low


def _in_time(outcome: Outcome) -> bool:
    return outcome.p95_ms <= P95_LIMIT_MS and outcome.dropped <= MOST_DROPPED


def replicas_for(viewers: int, each: int) -> int:
    """Replicas with a tenth, and at least one, to spare."""
    needed = math.ceil(viewers / each)
    return needed + max(1, math.ceil(needed * SPARE))
