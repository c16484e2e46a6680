"""eventlet's WebSocket with fast un-masking, and bounds on messages and rate.

eventlet un-masks received bytes one by one in Python: 5 ms for a picture of 20 KB, while all other connections wait.
"""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable, MutableMapping
from typing import Any

from engineio.async_drivers.eventlet import WebSocketWSGI
from eventlet.websocket import FailedConnectionError, RFC6455WebSocket

from webapp.meter import MAX_FRAGMENTS, Allowance, Meter, Refused
from webapp.open_sockets import OpenSockets

GOODBYE_TIMEOUT_S = 1.0


def unmask(data: bytes, mask: tuple[int, ...], length: int | None = None, offset: int = 0) -> bytes:
    """XOR `data` with the four bytes of `mask`, beginning at `offset` in it (RFC 6455 section 5.3), as one number."""
    size = len(data) if length is None else length
    shift = offset % 4
    key = bytes(mask[shift:] + mask[:shift]) * (size // 4 + 1)
    return (int.from_bytes(data[:size], "little") ^ int.from_bytes(key[:size], "little")).to_bytes(size, "little")


def driver(sockets: OpenSockets, allowance: Allowance) -> Any:
    """The class that python-engineio calls for each WebSocket.

    Raises:
        RuntimeError: the library is not the release this was written for.
    """

    class BoundedWebSocket(RFC6455WebSocket):
        """eventlet's WebSocket with fast un-masking, and bounds on messages and rate."""

        _fragments = 0
        _is_closed = False
        _apply_mask = staticmethod(unmask)
        meter: Meter | None = None
        on_end: Callable[[], None] = staticmethod(lambda: None)

        def _recv_frame(self, message: Any = None) -> Any:
            before = sum(map(len, message.data)) if message is not None else 0
            self._fragments = 0 if message is None else self._fragments + 1
            received = super()._recv_frame(message)
            size = sum(map(len, received.data)) - (before if received is message else 0)
            if self.meter is not None:
                try:
                    self.meter.take(size)
                except Refused as refusal:
                    sockets.refuse(self.environ, refusal.reason, str(refusal))
                    raise FailedConnectionError(1008, str(refusal)) from None
            if self._fragments and not received.opcode & 8:
                size = sum(map(len, received.data))
                if self._fragments > MAX_FRAGMENTS or size > self.max_frame_length:
                    raise FailedConnectionError(1009, f"Expected a message of at most {self.max_frame_length} bytes.")
            return received

        def wait(self) -> Any:
            message = None
            try:
                message = sockets.admit(self.environ, super().wait())
            finally:
                if message is None:
                    self.iterator.close()  # it refers to this socket, and to a message that was refused
                    self.on_end()
            return message

        def close(self, close_data: Any = None) -> None:
            """Close once: reader and writer both come here, and the second would log a closed descriptor."""
            if self._is_closed:
                return
            self._is_closed = True
            if self._sendlock.locked():  # the peer does not read: no goodbye would reach it
                with contextlib.suppress(OSError):
                    self.socket.shutdown(socket.SHUT_RDWR)
            self.socket.settimeout(GOODBYE_TIMEOUT_S)
            super().close(close_data)

    class BoundedWebSocketWSGI(WebSocketWSGI):
        def __init__(self, handler: Callable[..., Any], server: Any) -> None:
            super().__init__(sockets.guarded(handler), server)
            self.support_legacy_versions = False  # drafts of 2010, whose messages have no bound
            self._eio_socket = handler.__self__  # type: ignore[attr-defined]

        def __call__(self, environ: MutableMapping[str, Any], start_response: Callable[..., Any]) -> Any:
            with sockets.opened(self._eio_socket, environ):
                return super().__call__(environ, start_response)

        def _handle_hybi_request(self, environ: MutableMapping[str, Any]) -> BoundedWebSocket:
            environ.pop("HTTP_SEC_WEBSOCKET_EXTENSIONS", None)
            plain = super()._handle_hybi_request(environ)
            bounded = BoundedWebSocket(plain.socket, environ, plain.version, max_frame_length=plain.max_frame_length)
            bounded.meter = Meter(allowance)
            bounded.on_end = lambda: sockets.ended(self._eio_socket)
            return bounded

    check_unmasking(BoundedWebSocket)
    return BoundedWebSocketWSGI


def check_unmasking(websocket: Any) -> None:
    """Let the library read a masked frame; it must call `unmask` and return the original message."""
    message, mask = bytes(range(256)) * 5, (0x12, 0xAB, 0x00, 0xFF)
    frame = b"\x82\xfe" + len(message).to_bytes(2, "big") + bytes(mask)
    frame += bytes(byte ^ mask[index % 4] for index, byte in enumerate(message))
    calls = 0

    class Checked(websocket):
        @staticmethod
        def _apply_mask(*arguments: Any, **options: Any) -> bytes:
            nonlocal calls
            calls += 1
            return websocket._apply_mask(*arguments, **options)

    class Source:
        """Hands out the frame in odd pieces, as a network does."""

        def __init__(self) -> None:
            self.position = 0

        def recv(self, size: int) -> bytes:
            piece = frame[self.position : self.position + min(size, 37)]
            self.position += len(piece)
            return piece

    try:
        received = Checked(Source(), {}, max_frame_length=len(message)).wait()
    except Exception as error:
        raise RuntimeError(f"expected eventlet 0.41.3's WebSocket, received one that fails: {error!r}") from error
    if received != message or not calls:
        raise RuntimeError("expected eventlet 0.41.3's WebSocket, received one that un-masks in another way")
