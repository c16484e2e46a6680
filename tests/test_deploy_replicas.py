"""Two replicas behind the real nginx: one is killed, one is drained, both are replaced, and nobody waits long."""

from __future__ import annotations

import contextlib
import itertools
import os
import signal
import ssl
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.fake_worker import script
from tests.support.proxy import certificate, nginx, nginx_configuration, running, wait_for
from tests.support.rawsocket import RawSocket
from tests.support.serving import FAKE, Server, free_port
from tests.support.waiting import wait_until

VIEWERS = 8
GAP_S = 2.0
SETTINGS = {"EMOTION_PROXIES": "1", "EMOTION_WORKERS": "1", "EMOTION_DRAIN_S": "5"}


class Viewer:
    """Sends frame after frame over TLS, and connects again at once when its socket ends, as the page does."""

    def __init__(self, port: int, ca: Path) -> None:
        self._port = port
        self._tls = ssl.create_default_context(cafile=str(ca))
        self._stopping = threading.Event()
        self.answered_s = [time.monotonic()]
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def longest_gap_s(self) -> float:
        moments = [*self.answered_s, time.monotonic()]
        return max(after - before for before, after in itertools.pairwise(moments))

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join(20)

    def _run(self) -> None:
        while not self._stopping.is_set():
            with contextlib.suppress(OSError), contextlib.closing(self._connect()) as raw:
                while not self._stopping.is_set():
                    raw.send_picture(0, script())
                    if b'"ok":true' in raw.wait_for(b"430"):
                        self.answered_s.append(time.monotonic())
                    self._stopping.wait(0.05)
            self._stopping.wait(0.05)

    def _connect(self) -> RawSocket:
        return RawSocket(self._port, tls=self._tls, timeout_s=1)


class Replicas:
    """Two servers on fixed ports, either of which can be started again."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._stack = contextlib.ExitStack()
        self.ports = [free_port(), free_port()]
        self.servers = [self._start(port) for port in self.ports]

    def _start(self, port: int) -> Server:
        server = Server(FAKE, self._folder / f"{port}.log", **SETTINGS)
        server.port = port
        self._stack.enter_context(server).wait_until_ready()
        return server

    def replace(self, number: int) -> None:
        self.servers[number] = self._start(self.ports[number])

    def close(self) -> None:
        self._stack.close()


@pytest.fixture
def replicas(tmp_path: Path) -> Iterator[Replicas]:
    nginx()
    both = Replicas(tmp_path)
    yield both
    both.close()


@pytest.fixture
def viewers(replicas: Replicas, tmp_path: Path) -> Iterator[list[Viewer]]:
    http, https = free_port(), free_port()
    certificate(tmp_path)
    configuration = nginx_configuration(tmp_path, http, https, replicas.ports)
    with running([nginx(), "-c", str(configuration)], tmp_path / "nginx.log"):
        wait_for(f"https://127.0.0.1:{https}/readyz", str(tmp_path / "fullchain.pem"))
        watching = [Viewer(https, tmp_path / "fullchain.pem") for _ in range(VIEWERS)]
        wait_until(lambda: all(len(viewer.answered_s) > 3 for viewer in watching), 20)
        yield watching
        for viewer in watching:
            viewer.stop()
    assert "client:" not in (tmp_path / "nginx.log").read_text(), "the log names no visitor"


def more_answers(viewers: list[Viewer], count: int = 10) -> None:
    """Wait until each viewer was answered that many times more."""
    before = [len(viewer.answered_s) for viewer in viewers]
    wait_until(
        lambda: all(len(viewer.answered_s) >= old + count for viewer, old in zip(viewers, before, strict=True)), 20
    )


def test_viewers_of_a_killed_replica_are_served_by_the_other(replicas: Replicas, viewers: list[Viewer]) -> None:
    for process in (replicas.servers[0].process, replicas.servers[0].web()):
        os.kill(process.pid, signal.SIGKILL)
    more_answers(viewers)
    assert max(viewer.longest_gap_s() for viewer in viewers) <= GAP_S
    assert replicas.servers[1].metrics()["emotion_clients"] == VIEWERS


def test_nobody_waits_during_a_rolling_upgrade(replicas: Replicas, viewers: list[Viewer]) -> None:
    """One replica after the other is drained by SIGTERM, ends, and is replaced by a new one."""
    for number in range(2):
        replicas.servers[number].signal(signal.SIGTERM)
        assert replicas.servers[number].process.wait(20) == 0
        replicas.replace(number)
        more_answers(viewers)
    assert max(viewer.longest_gap_s() for viewer in viewers) <= GAP_S
