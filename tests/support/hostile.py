"""A client that floods: `python -m tests.support.hostile PORT FLOOD SECONDS` joins, sends without pause, comes back.

It runs in its own process, so that it takes no processor time from the client that a test watches.
"""

from __future__ import annotations

import contextlib
import socket
import sys
import time

from tests.support.rawsocket import BINARY, CONTINUED, PING, TEXT, RawSocket, masked

PONG = 10

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
    "acknowledgements": masked(TEXT, b"430[]"),
}
"""What is sent over and over, by name."""
CHUNK_BYTES = 1 << 16


def flood(port: int, name: str, seconds: float) -> tuple[int, int]:
    """Send one flood until the time is over, on a new connection whenever one is closed: connections, bytes sent."""
    payload = FLOODS[name]
    payload *= max(1, CHUNK_BYTES // len(payload))
    connections = sent = 0
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with contextlib.suppress(OSError), contextlib.closing(RawSocket(port)) as raw:
            connections += 1
            raw.socket.settimeout(0.2)
            while time.monotonic() < end:
                with contextlib.suppress(TimeoutError):
                    sent += raw.socket.send(payload)
                with contextlib.suppress(BlockingIOError):
                    while raw.socket.recv(1 << 16, socket.MSG_DONTWAIT):
                        pass
                    break  # the server closed
    return connections, sent


if __name__ == "__main__":
    print(*flood(int(sys.argv[1]), sys.argv[2], float(sys.argv[3])))
