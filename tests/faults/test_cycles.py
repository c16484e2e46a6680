"""Clients that come and go: nothing of them is kept.

The default run is short; `CYCLES=2000 pytest -s tests/faults/test_cycles.py` is the long trial.
"""

from __future__ import annotations

import contextlib
import os
import socket
import struct

from tests.faults.conftest import Start
from tests.support.fake_worker import script
from tests.support.rawsocket import CLOSE, TEXT, RawSocket, masked
from tests.support.serving import Server
from tests.support.waiting import wait_until

CYCLES = int(os.environ.get("CYCLES", "200"))
WARM_UP = 100
GROWTH_MB = 5
RESET_ON_CLOSE = struct.pack("ii", 1, 0)


def come_and_go(port: int, number: int) -> None:
    """Join, have a picture read, leave: every second time without a goodbye, in one of three ways."""
    with RawSocket(port, timeout_s=60) as raw:
        raw.send_picture(0, script())
        if number % 2 == 0:
            assert b'"ok":true' in raw.wait_for(b"430")
            raw.send(CLOSE, b"\x03\xe8")
            raw.wait_until_closed()
        elif number % 3 == 0:  # an answer is on its way
            raw.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        elif number % 3 == 1:
            raw.socket.sendall(b"\x82\xfe\x10\x00\0\0\0\0half")


def cycle(server: Server, numbers: range) -> None:
    for number in numbers:
        come_and_go(server.port, number)
    wait_until(lambda: server.metrics()["emotion_clients"] == 0, 60)


def test_clients_that_come_and_go_leave_nothing(start: Start) -> None:
    server = start(workers=2)
    cycle(server, range(WARM_UP))
    family = [server.web(), *server.workers()]
    usual = [process.num_fds() for process in family]
    usual_mb = [process.memory_info().rss / 1e6 for process in family]
    cycle(server, range(CYCLES))
    wait_until(lambda: all(now.num_fds() <= before for now, before in zip(family, usual, strict=True)), 60)
    grown_mb = [process.memory_info().rss / 1e6 - before for process, before in zip(family, usual_mb, strict=True)]
    print(f"{CYCLES} cycles: memory {[round(mb, 1) for mb in grown_mb]} MB, descriptors no more")
    assert max(grown_mb) <= GROWTH_MB
    assert [server.web(), *server.workers()] == family
    assert "Traceback" not in server.log()


def test_a_socket_that_is_closed_in_the_middle_of_many_messages_keeps_no_thread(start: Start) -> None:
    """The first of these messages closes it; nobody takes the others."""
    server = start()
    RawSocket(server.port).close()
    usual = server.web().num_threads()
    for _ in range(20):
        with RawSocket(server.port, timeout_s=60) as raw, contextlib.suppress(ConnectionError):
            raw.socket.sendall(masked(TEXT, b"") * 300)
            raw.wait_until_closed()
    wait_until(lambda: server.web().num_threads() <= usual + 5, 60)
