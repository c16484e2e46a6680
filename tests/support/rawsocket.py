"""A WebSocket that may break the protocol, for tests, and cheap enough for many cameras in one thread.

Frames are masked with four zero bytes, which is legal, costs the sender nothing and the receiver what any mask costs.
"""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import struct
from collections import deque
from collections.abc import Mapping

CONTINUED, TEXT, BINARY, CLOSE, PING = 0, 1, 2, 8, 9
NO_MASK = b"\0\0\0\0"


def masked(opcode: int, payload: bytes, final: bool = True) -> bytes:
    """One client frame (RFC 6455 section 5.2)."""
    first, size = (0x80 if final else 0) | opcode, len(payload)
    if size < 126:
        head = struct.pack(">BB", first, 0x80 | size)
    elif size < 65536:
        head = struct.pack(">BBH", first, 0x80 | 126, size)
    else:
        head = struct.pack(">BBQ", first, 0x80 | 127, size)
    return head + NO_MASK + payload


def take_frames(inbox: bytearray) -> list[tuple[int, bytes]]:
    """Remove the whole server frames from the inbox: opcode and payload each. Servers do not mask."""
    found = []
    while len(inbox) >= 2:
        size, start = inbox[1] & 127, 2
        if size == 126:
            size, start = int.from_bytes(inbox[2:4], "big"), 4
        elif size == 127:
            size, start = int.from_bytes(inbox[2:10], "big"), 10
        if len(inbox) < start + size:
            break
        found.append((inbox[0] & 15, bytes(inbox[start : start + size])))
        del inbox[: start + size]
    return found


class RawSocket:
    """An open WebSocket to the server's Socket.IO endpoint, joined to the namespace `/` unless told otherwise."""

    def __init__(
        self, port: int, join: bool = True, tls: ssl.SSLContext | None = None, timeout_s: float = 10, **headers: str
    ) -> None:
        self.inbox = bytearray()
        self._frames: deque[tuple[int, bytes]] = deque()
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=timeout_s)
        try:
            if tls is not None:
                self.socket = tls.wrap_socket(self.socket, server_hostname="localhost")
            self._open(port, join, headers)
        except BaseException:
            self.close()
            raise

    def _open(self, port: int, join: bool, headers: Mapping[str, str]) -> None:
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        fields = {
            "Host": f"127.0.0.1:{port}",
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
        } | {name.replace("_", "-"): value for name, value in headers.items()}
        lines = ["GET /socket.io/?EIO=4&transport=websocket HTTP/1.1", *(f"{k}: {v}" for k, v in fields.items())]
        self.socket.sendall("\r\n".join([*lines, "", ""]).encode())
        while b"\r\n\r\n" not in self.inbox:
            self._read()
        self.head, _, rest = bytes(self.inbox).partition(b"\r\n\r\n")
        if b" 101 " not in self.head.splitlines()[0]:
            raise ConnectionError(f"expected 101, received {self.head.splitlines()[0]!r}")
        self.inbox = bytearray(rest)
        if join:
            self.send(TEXT, b"40")
            self.wait_for(b"40")

    def _read(self) -> None:
        data = self.socket.recv(65536)
        if not data:
            raise ConnectionError("expected more, the server closed the socket")
        self.inbox += data

    def _next_frame(self) -> tuple[int, bytes]:
        while not self._frames:
            self._frames.extend(take_frames(self.inbox))
            if not self._frames:
                self._read()
        return self._frames.popleft()

    def send(self, opcode: int, payload: bytes, final: bool = True) -> None:
        self.socket.sendall(masked(opcode, payload, final))

    def send_picture(self, number: int, image: bytes, options: Mapping[str, object] | None = None) -> None:
        """Emit `frame` with the image, wanting acknowledgement `number`."""
        beside = "" if options is None else "," + json.dumps(options)
        self.send(TEXT, f'451-{number}["frame",{{"_placeholder":true,"num":0}}{beside}]'.encode())
        self.send(BINARY, image)

    def wait_for(self, beginning: bytes) -> bytes:
        """The next text message that begins so; others are passed over, pings answered."""
        while True:
            opcode, message = self._next_frame()
            if opcode == CLOSE:
                raise ConnectionError(f"expected {beginning!r}, the server closed: {message!r}")
            if opcode == TEXT and message.startswith(beginning):
                return message
            if opcode == TEXT and message == b"2":
                self.send(TEXT, b"3")

    def wait_until_closed(self) -> None:
        """Read until the server closes, in whatever way.

        Raises:
            TimeoutError: it does not.
        """
        with contextlib.suppress(ConnectionError):
            while self._next_frame()[0] != CLOSE:
                pass

    def close(self) -> None:
        self.socket.close()

    def __enter__(self) -> RawSocket:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()
