"""Connection slots: a socket that ends frees its slot at once, and a socket that does not join loses its slot."""

from __future__ import annotations

import contextlib
import time

from tests.faults.conftest import Start
from tests.support.fake_worker import script
from tests.support.rawsocket import BINARY, CLOSE, TEXT, RawSocket
from tests.support.waiting import wait_until
from webapp.open_sockets import JOIN_S

ENDS = {
    "not a packet": lambda raw: raw.send(TEXT, b"x"),
    "an empty message": lambda raw: raw.send(TEXT, b""),
    "not UTF-8": lambda raw: raw.send(TEXT, b"\xff\xfe"),
    "no packet in bytes": lambda raw: raw.send(BINARY, b""),
    "the transport's own end": lambda raw: raw.send(TEXT, b"1"),
    "text instead of a picture": lambda raw: (
        raw.send(TEXT, b'451-["frame",{"_placeholder":true,"num":0}]')
        or raw.send(TEXT, b"40")
        or raw.wait_until_closed()
    ),
    "a closing frame": lambda raw: raw.send(CLOSE, b""),
    "a wrong closing frame": lambda raw: raw.send(CLOSE, b"\x00"),
    "an unmasked frame": lambda raw: raw.socket.sendall(b"\x81\x01x"),
    "half a frame": lambda raw: raw.socket.sendall(b"\x82\xfe\x10\x00\0\0\0\0half"),
    "nothing": lambda raw: None,
}


def place(port: int) -> RawSocket:
    """A joined socket, within two seconds."""
    end = time.monotonic() + 2
    while True:
        with contextlib.suppress(ConnectionError):
            raw = RawSocket(port, join=False)
            raw.send(TEXT, b"40")
            if raw.wait_for(b"4").startswith((b"40", b"42")):
                return raw
            raw.close()
        assert time.monotonic() < end, "expected a place within two seconds"
        time.sleep(0.05)


def test_every_end_of_a_socket_frees_its_place(start: Start) -> None:
    server = start(EMOTION_MAX_CLIENTS="5")
    for end in [*ENDS.values()] * 10:
        raw = place(server.port)
        with contextlib.suppress(OSError):
            end(raw)
        raw.close()
    newcomers = [place(server.port) for _ in range(5)]
    newcomers[-1].send_picture(0, script())
    assert b'"ok":true' in newcomers[-1].wait_for(b"430")
    for raw in newcomers:
        raw.close()
    wait_until(lambda: server.metrics()["emotion_clients"] == 0)
    assert "Traceback" not in server.log()


def test_a_client_that_does_not_read_is_closed(start: Start) -> None:
    """Its answers would be kept for it, without an end."""
    server = start(EMOTION_FRAMES_PER_SECOND="1000")
    raw = RawSocket(server.port)
    with contextlib.suppress(OSError):
        raw.socket.settimeout(0.2)
        for _ in range(12):
            for _ in range(200):
                raw.send(TEXT, b'420["frame","' + b"x" * 2000 + b'"]')
            time.sleep(0.1)
    place(server.port).close()
    wait_until(lambda: server.metrics()["emotion_clients"] <= 1, 10)
    raw.close()


def test_sockets_that_never_join_are_closed(start: Start) -> None:
    server = start()
    idle, left = [], RawSocket(server.port)
    for _ in range(300):
        with contextlib.suppress(ConnectionError):  # the server need not take them all
            idle.append(RawSocket(server.port, join=False))
    assert idle
    left.send(TEXT, b"41")  # who leaves has not joined either
    began_s = time.monotonic()
    for raw in [*idle, left]:
        raw.send(TEXT, b"3")
        raw.wait_until_closed()
        raw.close()
    assert time.monotonic() - began_s < 2 * JOIN_S
    place(server.port).close()
