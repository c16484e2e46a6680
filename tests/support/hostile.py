"""A client that floods: `python -m tests.support.hostile PORT FLOOD SECONDS` sends without pause and comes back.

It runs in its own process, so that it takes no processor time from the client that a test watches.
"""

from __future__ import annotations

import contextlib
import socket
import sys
import time

from tests.support.rawsocket import BINARY, CONTINUED, PING, TEXT, RawSocket, masked

PONG = 10
UNCOUNTED_VALUES = [
    *(kind + b"[" + b",".join([b"{}"] * 160_000) + b"]" for kind in (b"3", b"2", b"6", b"4")),
    b"0{" + b",".join([b'"":0'] * 90_000) + b"}",
]
"""Text messages whose JSON the library would parse by itself, for its own packet: pong, ping, noop, message, open."""

FLOODS = {
    "noop": masked(TEXT, b"6"),
    "pong": masked(TEXT, b"3"),
    "join": masked(TEXT, b"40"),
    "namespaces": b"".join(masked(TEXT, b"40/%d," % number) for number in range(500)),
    "join_and_leave": masked(TEXT, b"40") + masked(TEXT, b"41"),
    "unknown_event": masked(TEXT, b'42["unknown",1]'),
    "unknown_event_wants_answer": masked(TEXT, b'420["unknown",1]'),
    "empty_text": masked(TEXT, b""),
    "empty_binary": masked(BINARY, b""),
    "three_bytes": masked(TEXT, b"42x"),
    "websocket_ping": masked(PING, b""),
    "websocket_pong": masked(PONG, b"x"),
    "empty_fragments": masked(BINARY, b"", final=False) + masked(CONTINUED, b"", final=False) * 1000,
    "half_a_message": masked(BINARY, bytes(1000), final=False) + masked(PING, b"") * 1000,
    "frames_of_nothing": masked(TEXT, b'42["frame"]'),
    "large_pictures": masked(TEXT, b'451-["frame",{"_placeholder":true,"num":0}]') + masked(BINARY, bytes(60_000)),
    "uncounted_values": b"".join(masked(TEXT, message) for message in UNCOUNTED_VALUES),
    "acknowledgements": masked(TEXT, b"430[]"),
}
"""What is sent over and over on a socket that has joined, by name."""
HOST = b" HTTP/1.1\r\nHost: localhost\r\n"
ONE_PICTURE = b"POST /api/analyze" + HOST + b"Content-Type: image/jpeg\r\n"
HTTP_FLOODS = {
    "requests": b"GET /healthz" + HOST + b"\r\n",
    "wrong_pictures": ONE_PICTURE + b"Content-Length: 1\r\n\r\nx",
    "chunks_of_one_byte": ONE_PICTURE + b"Transfer-Encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * (1 << 20),
}
"""Requests that are sent over and over on one connection, by name; the answers are not waited for."""
CHUNK_BYTES = 1 << 16


def flood(port: int, name: str, seconds: float) -> tuple[int, int]:
    """Send one flood until the time is over, on a new connection whenever one is closed: connections, bytes sent."""
    payload = (FLOODS | HTTP_FLOODS)[name]
    payload *= max(1, CHUNK_BYTES // len(payload))
    connections = sent = 0
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with contextlib.suppress(OSError), contextlib.closing(connected(port, name)) as attacker:
            connections += 1
            attacker.settimeout(0.2)
            rest = memoryview(b"")
            while time.monotonic() < end:
                rest = rest or memoryview(payload)
                with contextlib.suppress(TimeoutError):
                    size = attacker.send(rest)
                    sent, rest = sent + size, rest[size:]
                with contextlib.suppress(BlockingIOError):
                    while attacker.recv(1 << 16, socket.MSG_DONTWAIT):
                        pass
                    break  # the server closed
    return connections, sent


def connected(port: int, name: str) -> socket.socket:
    return RawSocket(port).socket if name in FLOODS else socket.create_connection(("127.0.0.1", port), timeout=10)


if __name__ == "__main__":
    print(*flood(int(sys.argv[1]), sys.argv[2], float(sys.argv[3])))
