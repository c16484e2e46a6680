"""Mutated packets, pictures, uploads and requests against a real server: nothing crashes or hangs, others are served.

The default run is short; `make fuzz` runs 10,000 of them (FUZZ_CASES).
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from skimage import data as pictures

from tests.support.rawsocket import BINARY, TEXT, RawSocket, masked
from tests.support.serving import Server
from tests.support.waiting import wait_until

CASES = int(os.environ.get("FUZZ_CASES", "240"))
GROWTH_MB = 20
MOST_BUSY = 0.01
"""Share of a good client's pictures that may be answered `busy`."""
PATIENCE_S = 60.0
"""A connection that is silent for so long hangs, however slow the machine."""
PICTURE = cv2.resize(cv2.cvtColor(pictures.astronaut(), cv2.COLOR_RGB2BGR), (160, 160))
IMAGES = [cv2.imencode(kind, PICTURE)[1].tobytes() for kind in (".jpg", ".png", ".webp")]
PACKETS = [
    b"40",
    b"41",
    b"3",
    b"6",
    b"1",
    b'42["frame",{"a":[1,2,3]}]',
    b'420["frame"]',
    b'451-0["frame",{"_placeholder":true,"num":0}]',
    b'461-0[{"_placeholder":true,"num":0}]',
    b'430["\xc3\xa9"]',
    b"40/x,",
]
BOUNDARY = b"--b\r\nContent-Disposition: form-data; name="
FORMS = [
    BOUNDARY + b'"image"; filename="a.jpg"\r\nContent-Type: image/jpeg\r\n\r\n' + IMAGES[0] + b"\r\n--b--\r\n",
    BOUNDARY + b'"img"\r\n\r\ntext\r\n--b--\r\n',
]
REQUESTS = [
    b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    b"POST /api/analyze HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\nContent-Length: 5\r\n\r\nhello",
    b"POST /api/analyze HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    b"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
    b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
]


@st.composite
def mutated(draw: st.DrawFn, seeds: list[bytes]) -> bytes:
    """A real input with bytes changed, cut out, repeated or put in."""
    data = bytearray(draw(st.sampled_from(seeds)))
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(data)))
        length = draw(st.integers(0, 40))
        kind = draw(st.sampled_from(["change", "cut", "end", "repeat", "insert"]))
        if kind == "change" and at < len(data):
            data[at] = draw(st.integers(0, 255))
        elif kind == "cut":
            del data[at : at + length]
        elif kind == "end":
            del data[at:]
        elif kind == "repeat":
            data[at:at] = data[at : at + length] * 3
        elif kind == "insert":
            data[at:at] = draw(st.binary(max_size=12))
    return bytes(data)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    log: Path = tmp_path_factory.mktemp("fuzz") / "log"
    limits = {"EMOTION_API_PER_MINUTE": "1000000", "EMOTION_FRAME_DEADLINE_MS": "20000", "EMOTION_MAX_CLIENTS": "60"}
    with Server(log=log, EMOTION_WORKERS="2", **limits) as running:
        running.wait_until_ready(workers=2)
        yield running


def run(strategy: st.SearchStrategy[bytes], share: float, attack: Callable[[bytes], None]) -> None:
    """Attack with this share of the cases."""

    @settings(
        max_examples=max(1, round(CASES * share)),
        deadline=None,
        database=None,
        derandomize=CASES < 1000,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def check(data: bytes) -> None:
        attack(data)

    check()


class Viewer(threading.Thread):
    """A good client that sends a picture every fifth of a second and counts the answers."""

    def __init__(self, port: int) -> None:
        super().__init__(daemon=True)
        self._raw = RawSocket(port, timeout_s=PATIENCE_S)
        self._stopped = threading.Event()
        self.answered = self.busy = 0
        self.failed = ""

    def run(self) -> None:
        try:
            while not self._stopped.wait(0.2):
                self._raw.send_picture(1, IMAGES[0])
                answer = self._raw.wait_for(b"431")
                self.answered += 1
                self.busy += b'"code":"busy"' in answer
                assert b'"ok":true' in answer or b'"code":"busy"' in answer, answer
        except Exception as error:
            self.failed = repr(error)
        finally:
            self._raw.close()

    def stop(self) -> None:
        self._stopped.set()
        self.join(PATIENCE_S)


@pytest.fixture(scope="module")
def usual_mb(server: Server) -> float:
    """Memory of the web process after it has answered each kind of request once."""
    RawSocket(server.port).close()
    with RawSocket(server.port) as raw:
        raw.send_picture(1, IMAGES[0])
        raw.wait_for(b"431")
    for request in REQUESTS:
        exchange(server, request)
    return server.web().memory_info().rss / 1e6


@pytest.fixture
def unharmed(server: Server, usual_mb: float) -> Iterator[None]:
    """The same processes go on afterwards, hardly larger, and a good client is served all the time."""
    viewer = Viewer(server.port)
    viewer.start()
    processes = {process.pid for process in [server.web(), *server.workers()]}
    yield
    viewer.stop()
    assert not viewer.failed
    assert viewer.busy <= MOST_BUSY * viewer.answered, f"{viewer.busy} of {viewer.answered}"
    with RawSocket(server.port) as newcomer:
        newcomer.send_picture(9, IMAGES[0])
        assert b'"ok":true' in newcomer.wait_for(b"439")
    wait_until(lambda: server.metrics()["emotion_clients"] == 0, PATIENCE_S)
    assert {process.pid for process in [server.web(), *server.workers()]} == processes
    assert server.metrics()["emotion_workers_lost_total"] == 0
    grown_mb = server.web().memory_info().rss / 1e6 - usual_mb
    print(f"viewer: {viewer.answered} answers, {viewer.busy} busy; memory: {grown_mb:+.1f} MB")
    assert grown_mb <= GROWTH_MB
    assert "Traceback" not in server.log(), server.log()[-3000:]


def exchange(server: Server, request: bytes) -> bytes:
    """Send a request and close the sending side; everything that comes back.

    Raises:
        TimeoutError: the connection hangs.
    """
    answer = b""
    with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE_S) as connection:
        try:
            connection.sendall(request)
            connection.shutdown(socket.SHUT_WR)
            while part := connection.recv(65536):
                answer += part
        except TimeoutError:
            raise
        except OSError:
            pass  # the server was the first to close
    return answer


def test_packets(server: Server, unharmed: None) -> None:
    """Several packets on one socket, text and binary; the server answers or closes, and is never silent for long."""

    def attack(data: bytes) -> None:
        with RawSocket(server.port, timeout_s=PATIENCE_S) as raw, contextlib.suppress(ConnectionError):
            opcode = TEXT if len(data) % 3 else BINARY
            raw.send(opcode, data)
            raw.send(TEXT, b"40")  # answered: who has joined cannot join again
            raw.wait_for(b"4")

    run(mutated(PACKETS), 0.35, attack)


def test_websocket_frames(server: Server, unharmed: None) -> None:
    def attack(data: bytes) -> None:
        with RawSocket(server.port, timeout_s=PATIENCE_S) as raw:
            try:
                raw.socket.sendall(data)
                raw.socket.shutdown(socket.SHUT_WR)
                raw.wait_until_closed()
            except TimeoutError:
                raise
            except OSError:
                pass  # the server was the first to close

    run(mutated([masked(TEXT, packet) for packet in PACKETS]), 0.15, attack)


def test_pictures(server: Server, unharmed: None) -> None:
    raw = RawSocket(server.port, timeout_s=PATIENCE_S)
    number = 0

    def attack(data: bytes) -> None:
        nonlocal number
        number += 1
        raw.send_picture(number, data)
        raw.wait_for(b"43%d" % number)
        time.sleep(0.035)  # slower than the allowed rate

    run(mutated(IMAGES).filter(bool), 0.25, attack)
    raw.close()


def test_uploads(server: Server, unharmed: None) -> None:
    head = b"POST /api/analyze HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
    head += b"Content-Type: multipart/form-data; boundary=b\r\nContent-Length: %d\r\n\r\n"

    def attack(data: bytes) -> None:
        assert exchange(server, head % len(data) + data).startswith(b"HTTP/1.1 ")

    run(mutated(FORMS), 0.1, attack)


def test_requests(server: Server, unharmed: None) -> None:
    def attack(data: bytes) -> None:
        exchange(server, data)

    run(mutated(REQUESTS), 0.15, attack)
