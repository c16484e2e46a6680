"""Bounds what the libraries accept from a client.

The libraries bound a single frame, but not a message with many fragments or attachments, so one socket could exhaust
the memory. Compression is switched off, because JPEG does not compress further.
"""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from typing import Any

import engineio
import socketio

from webapp.meter import Allowance
from webapp.open_sockets import OpenSockets

RESERVED_EVENTS = ("connect", "disconnect")
"""Names of the library's own handlers; a client that sends them would call these handlers."""

MAX_MESSAGE_VALUES = 16384
"""Values in a text message, counted by its commas and opening brackets: each may take 100 times its size in memory."""


class OneAttachmentPacket(socketio.packet.Packet):
    """A Socket.IO packet of few values, with at most one attachment, which is binary."""

    def decode(self, encoded_packet: str) -> int:
        values = sum(map(encoded_packet.count, ",[{"))
        if values > MAX_MESSAGE_VALUES:
            raise ValueError(f"expected a message with at most {MAX_MESSAGE_VALUES} values, received about {values}")
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
    if server.eio.async_mode == "eventlet":
        from webapp.eventlet_websocket import driver
    else:
        from webapp.threading_websocket import driver
    server.eio._async = dict(server.eio._async, websocket=driver(sockets, allowance))
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
