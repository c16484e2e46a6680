"""Talking to one analyzer worker: requests out, replies in."""

from __future__ import annotations

import contextlib
import secrets
import socket
import threading
from collections.abc import Iterator, Mapping
from typing import Any

from ml.inference.contract import Request
from ml.inference.protocol import MessageReader, ProtocolError, request_head, write_message

SEND_BUFFER_BYTES = 1 << 20


class WorkerLost(Exception):
    """The worker ended, closed its socket or broke the protocol."""


class WorkerConnection:
    """The connected socket to a worker that has loaded.

    Args:
        connected: the socket. token: the token that the worker's first message must contain.

    Attributes:
        model: the worker's description of its model.

    Raises:
        WorkerLost: another process connected, or the worker ended.
    """

    def __init__(self, connected: socket.socket, token: str) -> None:
        self._socket = connected
        self._sending = threading.Lock()
        self._reader = MessageReader(connected)
        connected.settimeout(None)
        connected.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        hello = self._read()
        if not secrets.compare_digest(str(hello.get("token")), token):
            connected.close()
            raise WorkerLost("expected the worker's own token, received another: a foreign process connected")
        self.model: Mapping[str, Any] = hello["model"]

    def send(self, request_id: int, request: Request) -> None:
        """Hand a picture over.

        Raises:
            WorkerLost: the socket is closed.
        """
        try:
            with self._sending:
                write_message(self._socket, request_head(request, request_id), request.image)
        except OSError as error:
            raise WorkerLost(f"expected to write to the worker, received: {error}") from error

    def replies(self) -> Iterator[dict[str, Any]]:
        """Yield the worker's messages.

        Raises:
            WorkerLost: the socket ended, or carried something that is not a message.
        """
        while True:
            yield self._read()

    def close(self) -> None:
        """Close the socket; the worker then ends."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def _read(self) -> dict[str, Any]:
        try:
            head, body = self._reader.read()
        except EOFError:
            raise WorkerLost("the worker closed its socket") from None
        except (ProtocolError, OSError) as error:
            raise WorkerLost(f"expected an answer, received: {error}") from error
        if body:
            raise WorkerLost(f"expected an answer without a body, received one of {len(body)} bytes")
        return head
