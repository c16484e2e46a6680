"""WebSockets as this server wants them: bounded, uncompressed, and cheap for the event loop.

The libraries bound a single frame, not a message in many fragments or with many attachments; either lets one open
socket grow the process without end. eventlet un-masks received bytes one by one in Python, 5 ms for a 20 KB picture,
during which every other connection waits. Compression is never agreed to: a JPEG gains nothing by it.
"""

from __future__ import annotations

import contextlib
import logging
import socket
from collections.abc import Callable, MutableMapping
from typing import Any

import socketio

MAX_FRAGMENTS = 64
"""Browsers split a large message into a few fragments; thousands of tiny ones are an attack."""
MESSAGE_OVERHEAD_BYTES = 1024

log = logging.getLogger(__name__)


RESERVED_EVENTS = ("connect", "disconnect")
"""Names by which the library calls its own handlers; a client that sends them would call those too."""


class OneAttachmentPacket(socketio.packet.Packet):
    """A Socket.IO packet with at most one binary part: a picture, never a pile of them."""

    def decode(self, encoded_packet: str) -> int:
        count = super().decode(encoded_packet)
        if count > 1:
            raise ValueError(f"expected at most one attachment, received {count}")
        if self.packet_type in (socketio.packet.EVENT, socketio.packet.BINARY_EVENT):
            name = self.data[0] if isinstance(self.data, list) and self.data else None
            if not isinstance(name, str) or name in RESERVED_EVENTS:
                raise ValueError(f"expected the name of an event, received {name!r}")
        return count


def unmask(data: bytes, mask: tuple[int, ...], length: int | None = None, offset: int = 0) -> bytes:
    """XOR `data` with the four bytes of `mask`, beginning at `offset` in it (RFC 6455 section 5.3), as one number."""
    size = len(data) if length is None else length
    shift = offset % 4
    key = bytes(mask[shift:] + mask[:shift]) * (size // 4 + 1)
    return (int.from_bytes(data[:size], "little") ^ int.from_bytes(key[:size], "little")).to_bytes(size, "little")


def limit_messages(server: socketio.Server, on_violation: Callable[[], None]) -> None:
    """Bound what a client may send to `server`, and close the socket of a client that breaks the protocol.

    Raises:
        RuntimeError: the WebSocket library is not the release this was written for.
    """
    driver = _eventlet_driver() if server.eio.async_mode == "eventlet" else _threading_driver(server)
    server.eio._async = dict(server.eio._async, websocket=driver)
    handle = server._handle_eio_message

    def handle_or_close(eio_sid: str, data: str | bytes) -> None:
        try:
            handle(eio_sid, data)
        except Exception as error:  # whatever the sender did to provoke it, its socket is of no more use
            on_violation()
            log.warning("closing a connection that broke the protocol: %s: %s", type(error).__name__, error)
            server._binary_packet.pop(eio_sid, None)
            hang_up(server.environ.get(eio_sid, {}))

    server.eio.on("message", handle_or_close)


def hang_up(environ: MutableMapping[str, Any]) -> None:
    """End a connection by its reading side, so that its handlers see the end, say goodbye and leave."""
    source = environ.get("eventlet.input")
    raw = (
        source.get_socket() if source is not None else environ.get("gunicorn.socket") or environ.get("werkzeug.socket")
    )
    if raw is not None:
        with contextlib.suppress(OSError):
            raw.shutdown(socket.SHUT_RD)


def _eventlet_driver() -> Any:
    from engineio.async_drivers.eventlet import WebSocketWSGI
    from eventlet.websocket import FailedConnectionError, RFC6455WebSocket

    class BoundedWebSocket(RFC6455WebSocket):
        """eventlet's WebSocket with fast un-masking and a bound on whole messages."""

        _fragments = 0
        _is_closed = False
        _apply_mask = staticmethod(unmask)

        def _recv_frame(self, message: Any = None) -> Any:
            self._fragments = 0 if message is None else self._fragments + 1
            received = super()._recv_frame(message)
            if self._fragments and not received.opcode & 8:
                size = sum(map(len, received.data))
                if self._fragments > MAX_FRAGMENTS or size > self.max_frame_length:
                    raise FailedConnectionError(1009, f"Expected a message of at most {self.max_frame_length} bytes.")
            return received

        def close(self, close_data: Any = None) -> None:
            """Close once: reader and writer both come here, and the second would log a closed descriptor."""
            if not self._is_closed:
                self._is_closed = True
                super().close(close_data)

    class BoundedWebSocketWSGI(WebSocketWSGI):
        def __init__(self, handler: Callable[..., Any], server: Any) -> None:
            super().__init__(handler, server)
            self.support_legacy_versions = False  # drafts of 2010, whose messages have no bound

        def _handle_hybi_request(self, environ: MutableMapping[str, Any]) -> BoundedWebSocket:
            environ.pop("HTTP_SEC_WEBSOCKET_EXTENSIONS", None)
            plain = super()._handle_hybi_request(environ)
            return BoundedWebSocket(plain.socket, environ, plain.version, max_frame_length=plain.max_frame_length)

    _check_unmasking(BoundedWebSocket)
    return BoundedWebSocketWSGI


def _check_unmasking(websocket: Any) -> None:
    """Let the library read a masked frame that we made; it must use `unmask` and return what went in."""
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


def _threading_driver(server: socketio.Server) -> Any:
    from engineio.async_drivers._websocket_wsgi import SimpleWebSocketWSGI

    class BoundedSimpleWebSocketWSGI(SimpleWebSocketWSGI):
        def __init__(self, handler: Callable[..., Any], eio: Any) -> None:
            super().__init__(handler, eio, max_message_size=int(eio.max_http_buffer_size), receive_bytes=65536)

        def __call__(self, environ: MutableMapping[str, Any], start_response: Callable[..., Any]) -> Any:
            environ.pop("HTTP_SEC_WEBSOCKET_EXTENSIONS", None)
            return super().__call__(environ, start_response)

    return BoundedSimpleWebSocketWSGI
