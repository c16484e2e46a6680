"""simple-websocket's server side, for the threaded transport: its reading thread counts messages and waits for their
handlers."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, MutableMapping
from typing import Any

import simple_websocket
from engineio.async_drivers._websocket_wsgi import SimpleWebSocketWSGI

from webapp.meter import MAX_FRAGMENTS, Allowance, Meter, Refused
from webapp.open_sockets import OpenSockets

UNHANDLED_MESSAGES = 64
"""Messages of one client that may wait for their handler."""


def driver(sockets: OpenSockets, allowance: Allowance) -> Any:
    """The class that python-engineio calls for each WebSocket."""

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
                sockets.guarded(handler), eio, max_message_size=int(eio.max_http_buffer_size), receive_bytes=65536
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
            message = sockets.admit(self.environ, super().wait())
            if message is None:
                sockets.ended(self._eio_socket)
            return message

    return BoundedSimpleWebSocketWSGI
