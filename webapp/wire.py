"""Bounds and speeds up the WebSockets of the libraries.

The libraries bound a single frame, but not a message with many fragments or attachments, so one socket could exhaust
the memory. eventlet un-masks received bytes one by one in Python: 5 ms for a picture of 20 KB, while all other
connections wait. Compression is switched off, because JPEG does not compress further.
"""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Callable, Iterator, MutableMapping
from typing import Any

import engineio
import socketio

from webapp.meter import Allowance, Meter, Refused
from webapp.open_sockets import OpenSockets

MAX_FRAGMENTS = 64
"""Browsers split a large message into a few fragments; thousands of tiny ones are an attack."""
YIELD_EVERY = 8
"""After this many WebSocket frames of one connection, other connections get a turn."""
UNHANDLED_MESSAGES = 64
"""Messages of one client that may wait for their handler, on the threaded transport."""
GOODBYE_TIMEOUT_S = 1.0


RESERVED_EVENTS = ("connect", "disconnect")
"""Names of the library's own handlers; a client that sends them would call these handlers."""


class OneAttachmentPacket(socketio.packet.Packet):
    """A Socket.IO packet with at most one attachment, which is binary."""

    def decode(self, encoded_packet: str) -> int:
        count = super().decode(encoded_packet)
        if count > 1:
            raise ValueError(f"expected at most one attachment, received {count}")
        if self.packet_type in (socketio.packet.EVENT, socketio.packet.BINARY_EVENT):
            name = self.data[0] if isinstance(self.data, list) and self.data else None
            if not isinstance(name, str) or name in RESERVED_EVENTS:
                raise ValueError(f"expected the name of an event, received {name!r}")
        return count

    def add_attachment(self, attachment: object) -> bool:
        """The library takes any message for the attachment, and then leaves a text message without its answer."""
        if not isinstance(attachment, bytes):
            raise ValueError(f"expected a binary attachment, received {type(attachment).__name__}")
        return super().add_attachment(attachment)


def unmask(data: bytes, mask: tuple[int, ...], length: int | None = None, offset: int = 0) -> bytes:
    """XOR `data` with the four bytes of `mask`, beginning at `offset` in it (RFC 6455 section 5.3), as one number."""
    size = len(data) if length is None else length
    shift = offset % 4
    key = bytes(mask[shift:] + mask[:shift]) * (size // 4 + 1)
    return (int.from_bytes(data[:size], "little") ^ int.from_bytes(key[:size], "little")).to_bytes(size, "little")


def limit_messages(server: socketio.Server, allowance: Allowance, on_closed: Callable[[str], None]) -> OpenSockets:
    """Bound what a client may send to `server`, and close the socket of a client that breaks the protocol.

    Args:
        on_closed: is told why a connection was closed: `flood`, `protocol`, `not_joined` or `unread`.

    Returns:
        The open sockets, whose `watch` has to run as a background task.

    Raises:
        RuntimeError: the WebSocket library is not the release this was written for.
    """
    _require_replaceable(server)
    sockets = OpenSockets(server, on_closed)
    make_driver = _eventlet_driver if server.eio.async_mode == "eventlet" else _threading_driver
    server.eio._async = dict(server.eio._async, websocket=make_driver(sockets, allowance))
    greet, handle = server._handle_eio_connect, server._handle_eio_message

    def greet_and_keep(eio_sid: str, environ: MutableMapping[str, Any]) -> None:
        sockets.take_over_pings(server.eio.sockets[eio_sid])
        greet(eio_sid, environ)

    def handle_or_close(eio_sid: str, data: str | bytes) -> None:
        try:
            handle(eio_sid, data)
        except Exception as error:  # whatever the sender did to provoke it, its socket is of no more use
            server._binary_packet.pop(eio_sid, None)
            sockets.refuse(server.environ.get(eio_sid, {}), "protocol", f"{type(error).__name__}: {error}")

    server.eio.on("connect", greet_and_keep)
    server.eio.on("message", handle_or_close)
    return sockets


def _require_replaceable(server: socketio.Server) -> None:
    """Check that every private attribute of the libraries that is used here exists."""
    for owner, names in (
        (server, ("_handle_eio_connect", "_handle_eio_message", "_binary_packet")),
        (server.eio, ("_async", "sockets", "ping_interval")),
        (engineio.socket.Socket, ("schedule_ping", "check_ping_timeout", "close")),
        (server.manager, ("sid_from_eio_sid",)),
    ):
        missing = [name for name in names if not hasattr(owner, name)]
        if missing:
            raise RuntimeError(f"expected python-socketio 5 and python-engineio 4, received ones without {missing}")


def _eventlet_driver(sockets: OpenSockets, allowance: Allowance) -> Any:
    import eventlet
    from engineio.async_drivers.eventlet import WebSocketWSGI
    from eventlet.websocket import FailedConnectionError, RFC6455WebSocket

    class BoundedWebSocket(RFC6455WebSocket):
        """eventlet's WebSocket with fast un-masking, bounds on messages and rate, and turns for other connections."""

        _fragments = 0
        _frames = 0
        _is_closed = False
        _apply_mask = staticmethod(unmask)
        meter: Meter | None = None
        on_end: Callable[[], None] = staticmethod(lambda: None)

        def _recv_frame(self, message: Any = None) -> Any:
            before = sum(map(len, message.data)) if message is not None else 0
            self._fragments = 0 if message is None else self._fragments + 1
            received = super()._recv_frame(message)
            size = sum(map(len, received.data)) - (before if received is message else 0)
            self._frames += 1
            if self._frames % YIELD_EVERY == 0:
                eventlet.sleep(0)  # reading never waits while there is data: others would have to
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
                message = super().wait()
            finally:
                if message is None:
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
            super().__init__(_guarded(handler, sockets), server)
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

    _check_unmasking(BoundedWebSocket)
    return BoundedWebSocketWSGI


def _guarded(handler: Callable[..., Any], sockets: OpenSockets) -> Callable[..., Any]:
    """Wrap the library's handler of one WebSocket; errors that a client caused close the socket and are counted."""

    def guarded(websocket: Any) -> Any:
        try:
            return handler(websocket)
        except Exception as error:
            sockets.refuse(getattr(websocket, "environ", {}), "protocol", f"{type(error).__name__}: {error}")
            return []

    return guarded


def _check_unmasking(websocket: Any) -> None:
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


def _threading_driver(sockets: OpenSockets, allowance: Allowance) -> Any:
    import simple_websocket
    from engineio.async_drivers._websocket_wsgi import SimpleWebSocketWSGI

    class MeteredServer(simple_websocket.Server):
        """simple-websocket's server side. Its reading thread counts messages and waits for their handlers."""

        def __init__(self, environ: MutableMapping[str, Any], **options: Any) -> None:
            self.meter = Meter(allowance)
            self.fragments = 0
            self.is_left = False
            """Whether the messages' handler has ended: nobody takes the waiting ones."""
            super().__init__(environ, **options)

        def _handle_events(self) -> bool:
            events = self.ws.events
            self.ws.events = lambda: self._metered(events())
            try:
                return super()._handle_events()
            except Refused as refusal:
                sockets.refuse(self.environ, refusal.reason, str(refusal))
                raise OSError from None  # ends the reading thread
            finally:
                self.ws.events = events
                while len(self.input_buffer) > UNHANDLED_MESSAGES and self.connected and not self.is_left:
                    time.sleep(0.001)

        def _metered(self, events: Iterator[Any]) -> Iterator[Any]:
            for event in events:
                data = getattr(event, "data", None)
                self.meter.take(len(data) if data is not None else len(getattr(event, "payload", None) or b""))
                if data is not None:
                    self.fragments = 0 if event.message_finished else self.fragments + 1
                    if self.fragments > MAX_FRAGMENTS:
                        raise Refused("protocol", f"expected at most {MAX_FRAGMENTS} fragments, received more")
                yield event

    class BoundedSimpleWebSocketWSGI(SimpleWebSocketWSGI):
        def __init__(self, handler: Callable[..., Any], eio: Any) -> None:
            super().__init__(
                _guarded(handler, sockets), eio, max_message_size=int(eio.max_http_buffer_size), receive_bytes=65536
            )
            self._eio_socket = handler.__self__  # type: ignore[attr-defined]
            self.environ: MutableMapping[str, Any] = {}

        def __call__(self, environ: MutableMapping[str, Any], start_response: Callable[..., Any]) -> Any:
            environ.pop("HTTP_SEC_WEBSOCKET_EXTENSIONS", None)
            self.environ = environ
            with sockets.opened(self._eio_socket, environ):
                self.ws = MeteredServer(environ, **self.server_args)
                try:
                    self.app(self)
                finally:
                    self.ws.is_left = True
            if self.ws.mode == "gunicorn":
                raise StopIteration  # what gunicorn takes for "answered already"
            raise ConnectionError  # and werkzeug

        def close(self) -> None:
            with contextlib.suppress(OSError, simple_websocket.ConnectionClosed):  # the peer was faster
                super().close()

        def wait(self) -> Any:
            message = super().wait()
            if message is None:
                sockets.ended(self._eio_socket)
            return message

    return BoundedSimpleWebSocketWSGI
