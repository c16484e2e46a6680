"""One hostile client sends without pause: the others are answered in time, and the process does not grow."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable

import requests

from tests.faults.conftest import Start
from tests.support.fake_worker import script
from tests.support.hostile import FLOODS, HTTP_FLOODS, UNCOUNTED_VALUES
from tests.support.rawsocket import TEXT, RawSocket
from tests.support.serving import ROOT, Server

FLOOD_S = float(os.environ.get("FLOOD_S", "0.8"))
"""How long each flood runs; `FLOOD_S=10 pytest -s tests/faults/test_floods.py` is the long trial."""
GAP_S = 1.0
GROWTH_MB = 20


def longest_gap_s(viewer: RawSocket, attacker: subprocess.Popen[str], clock: Callable[[], float]) -> float:
    """How long the viewer waited at most for an answer while the attacker ran."""
    longest, number = 0.0, 0
    while attacker.poll() is None:
        began_s = clock()
        viewer.send_picture(number, script())
        viewer.wait_for(b"43")
        longest = max(longest, clock() - began_s)
        number += 1
        time.sleep(0.02)
    return longest


def attack(server: Server, name: str, seconds: float, clock: Callable[[], float] = time.monotonic) -> tuple[float, int]:
    """The longest gap of a viewer while one flood runs, and how often the attacker was closed and came back."""
    viewer = RawSocket(server.port, timeout_s=60)
    command = [sys.executable, "-m", "tests.support.hostile", str(server.port), name, str(seconds)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as attacker:
        gap_s = longest_gap_s(viewer, attacker, clock)
        assert attacker.stdout is not None
        connections, sent = map(int, attacker.stdout.read().split())
    viewer.close()
    assert sent > 0, "the flood must have begun"
    return gap_s, connections


def test_no_flood_delays_other_clients(start: Start) -> None:
    server = start(workers=2)
    attack(server, "noop", 0.3)  # what the first use loads is no growth
    before_mb = server.web().memory_info().rss / 1e6
    for message in UNCOUNTED_VALUES:
        with RawSocket(server.port, timeout_s=60) as attacker:
            attacker.send(TEXT, message)
            attacker.wait_until_closed()
    assert server.metrics()['emotion_connections_closed_total{reason="protocol"}'] == len(UNCOUNTED_VALUES)
    for name in FLOODS:
        gap_s, connections = attack(server, name, FLOOD_S)
        grown_mb = server.web().memory_info().rss / 1e6 - before_mb
        print(f"{name}: gap {gap_s * 1000:.0f} ms, {connections} connections, +{grown_mb:.1f} MB")
        assert gap_s <= GAP_S, name
        assert grown_mb <= GROWTH_MB, name
    assert requests.get(f"{server.url}/healthz", timeout=2).ok
    closed = sum(value for key, value in server.metrics().items() if key.startswith("emotion_connections_closed_total"))
    assert closed >= len(FLOODS)
    assert server.log().count("closing a connection") <= len(FLOODS) * (FLOOD_S + 2)
    assert "Traceback" not in server.log()


def test_no_flood_of_requests_delays_other_clients(start: Start) -> None:
    """Measured in processor time of the web process, in which nobody else is served while it is with one client."""
    server = start(workers=2)
    web = server.web()
    for name in HTTP_FLOODS:
        gap_s, connections = attack(server, name, FLOOD_S, lambda: sum(web.cpu_times()[:2]))
        print(f"{name}: gap {gap_s * 1000:.0f} ms of processor time, {connections} connections")
        assert gap_s <= GAP_S, name
    assert requests.get(f"{server.url}/healthz", timeout=60).ok
    assert "Traceback" not in server.log()
