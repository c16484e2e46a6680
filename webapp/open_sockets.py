"""The open WebSockets: detects when one has ended, and closes those that break the rules."""

from __future__ import annotations

import contextlib
import logging
import socket
import time
from collections.abc import Callable, Iterator, MutableMapping
from dataclasses import dataclass
from typing import Any

import socketio
from engineio.packet import PING, Packet

UNREAD_MESSAGES = 256
"""Messages that may wait for one client to read them."""
JOIN_S = 5.0
"""A socket that has not joined by then is closed."""
SWEEP_EVERY_S = 0.5
LEAVE_S = 2.0
"""After the end of a connection its last bytes have this long to be sent."""
COMPLAIN_EVERY_S = 1.0

log = logging.getLogger(__name__)


def hang_up(environ: MutableMapping[str, Any], how: int = socket.SHUT_RD) -> None:
    """End a connection by its reading side, so that its handlers see the end, say goodbye and leave."""
    source = environ.get("eventlet.input")
    raw = (
        source.get_socket() if source is not None else environ.get("gunicorn.socket") or environ.get("werkzeug.socket")
    )
    if raw is not None:
        with contextlib.suppress(OSError):
            raw.shutdown(how)


@dataclass
class _Open:
    """The state of an open socket. Times are of `time.monotonic`."""

    environ: MutableMapping[str, Any]
    outside_since_s: float
    """Since when it has not joined; for a joined one, when that was last seen."""
    ping_due_s: float
    closed_since_s: float | None = None


class OpenSockets:
    """The open WebSockets. A socket that ends frees its slot at once; a socket that never joins is closed.

    This class also sends the pings. The library would keep a sleeping thread for each socket, long after its end.
    """

    def __init__(self, server: socketio.Server, on_closed: Callable[[str], None]) -> None:
        self._server = server
        self._on_closed = on_closed
        self._open: dict[Any, _Open] = {}
        self._complained_s = float("-inf")

    def __len__(self) -> int:
        return len(self._open)

    def take_over_pings(self, eio_socket: Any) -> None:
        """Replace the library's ping of this socket, which it starts when the socket opens and after each pong."""

        def schedule_ping() -> None:
            eio_socket.last_ping = None
            if eio_socket in self._open:
                self._open[eio_socket].ping_due_s = time.monotonic() + self._server.eio.ping_interval

        eio_socket.schedule_ping = schedule_ping

    @contextlib.contextmanager
    def opened(self, eio_socket: Any, environ: MutableMapping[str, Any]) -> Iterator[None]:
        """Count a socket as open while its handler runs."""
        now_s = time.monotonic()
        self._open[eio_socket] = _Open(environ, now_s, now_s + self._server.eio.ping_interval)
        try:
            yield
        finally:
            self.ended(eio_socket)
            del self._open[eio_socket]
            self._server.eio.sockets.pop(eio_socket.sid, None)
            vars(eio_socket).pop("schedule_ping", None)  # the two refer to each other

    def ended(self, eio_socket: Any) -> None:
        """Report the end of the receiving side to the application at once, before the last bytes are sent."""
        eio_socket.close(wait=False, abort=True, reason=self._server.eio.reason.TRANSPORT_CLOSE)

    def refuse(self, environ: MutableMapping[str, Any], reason: str, message: str) -> None:
        """Count, log and close a connection that broke a rule."""
        self._on_closed(reason)
        now_s = time.monotonic()
        if now_s - self._complained_s > COMPLAIN_EVERY_S:  # a log is also a buffer that strangers could fill
            self._complained_s = now_s
            log.warning("closing a connection (%s): %s", reason, message[:200])
        hang_up(environ)

    def admit(self, environ: MutableMapping[str, Any], message: Any) -> Any:
        """Pass on a message, or refuse it and return None: a text has to begin with two digits, or be one digit.

        That is all a client sends: the packet type of Engine.IO alone, or before the one of Socket.IO. The library
        would parse JSON that follows the first digit, before anybody has counted its values.
        """
        if isinstance(message, str) and not message[:2].isdigit():
            self.refuse(
                environ, "protocol", f"expected a packet that begins with two digits, received {message[:10]!r}"
            )
            return None
        return message

    def guarded(self, handler: Callable[..., Any]) -> Callable[..., Any]:
        """Wrap the library's handler of one WebSocket; errors that a client caused close the socket and are counted."""

        def guarded(websocket: Any) -> Any:
            try:
                return handler(websocket)
            except Exception as error:
                self.refuse(getattr(websocket, "environ", {}), "protocol", f"{type(error).__name__}: {error}")
                return []

        return guarded

    def watch(self, sleep: Callable[[float], None]) -> None:
        """Ping the sockets, and close those that do not join, read or end in time; runs as a background task."""
        while True:
            sleep(SWEEP_EVERY_S)
            for eio_socket, kept in list(self._open.items()):
                try:
                    self._check(eio_socket, kept, time.monotonic())
                except Exception:
                    log.exception("a connection could not be checked")

    def _check(self, eio_socket: Any, kept: _Open, now_s: float) -> None:
        if eio_socket.closed:
            if kept.closed_since_s is None:
                kept.closed_since_s = now_s
            elif kept.closed_since_s + LEAVE_S < now_s:
                hang_up(kept.environ, socket.SHUT_RDWR)  # a writer may still wait for a reader that is gone
            return
        if eio_socket.queue.qsize() > UNREAD_MESSAGES:
            self.refuse(kept.environ, "unread", f"expected the client to read, {UNREAD_MESSAGES} messages wait for it")
            self.ended(eio_socket)
            return
        if self._server.manager.sid_from_eio_sid(eio_socket.sid, "/") is not None:
            kept.outside_since_s = now_s
        elif kept.outside_since_s + JOIN_S < now_s:
            self.refuse(kept.environ, "not_joined", f"expected it to join within {JOIN_S:.0f} s")
            self.ended(eio_socket)
            return
        if eio_socket.check_ping_timeout() and eio_socket.last_ping is None and kept.ping_due_s < now_s:
            eio_socket.last_ping = time.time()
            eio_socket.send(Packet(PING))
