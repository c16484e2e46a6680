"""Bounds on request bodies: size, time, and bytes of all uploads together.

gunicorn passes the body to the application while it arrives, and discards the rest of it before the next request of the
connection. It bounds neither: it waits forever for a sender that stalls, and reads an endless body forever.
`BoundedBody` adds the bounds.
"""

from __future__ import annotations

import contextlib
import io
import re
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from http import HTTPStatus
from typing import Any

from flask import Request, Response, request
from werkzeug.exceptions import BadRequest, RequestTimeout
from werkzeug.formparser import FormDataParser

from ml.inference.contract import Busy

BODY_STALL_S = 10.0
"""A request is refused after this time without a byte."""
BODY_DEADLINE_S = 60.0
"""A whole body must arrive within this time."""
READ_OFF_BYTES = 1 << 20
"""At most this much of an unused body is read and discarded. A client that still sends cannot read the answer."""
READ_OFF_S = 2.0
PIECE_BYTES = 1 << 16
RESET_ON_CLOSE = struct.pack("ii", 1, 0)
BOUNDARY_CHARACTERS = 70
"""Longest boundary of a form (RFC 2046, section 5.1.1)."""
MIN_UPLOADS_IN_FLIGHT_BYTES = 128 << 20
"""Bytes of all uploads in progress together; larger if a single request may be larger."""


class UploadBudget:
    """Bounds the memory of all uploads together. A request waits while no memory is left.

    Args:
        most_bytes: the bound. on_change: called with the bytes in use.
    """

    def __init__(self, most_bytes: int, on_change: Callable[[float], None]) -> None:
        self._most_bytes = most_bytes
        self._on_change = on_change
        self._used_bytes = 0
        self._changed = threading.Condition()

    @contextlib.contextmanager
    def reserved(self, count: int, patience_s: float = BODY_STALL_S) -> Iterator[None]:
        """Reserve `count` bytes while the block runs.

        Raises:
            Busy: the bytes did not become free in time.
        """
        count = min(count, self._most_bytes)
        with self._changed:
            if not self._changed.wait_for(lambda: self._used_bytes + count <= self._most_bytes, patience_s):
                raise Busy(
                    f"expected room for an upload of {count} bytes, received {self._used_bytes} of "
                    f"{self._most_bytes} bytes in use by other uploads"
                )
            self._add(count)
        try:
            yield
        finally:
            with self._changed:
                self._add(-count)
                self._changed.notify_all()

    def _add(self, count: int) -> None:
        self._used_bytes += count
        self._on_change(self._used_bytes)


class BoundedBody(io.RawIOBase):
    """The body of one request, read in pieces, with an end.

    Args:
        environ: of the request; its `wsgi.input` is what is read.

    Attributes:
        received_bytes: so far. is_at_end: nothing more comes.

    Raises on reading:
        RequestTimeout: the sender stalls, or takes longer than `BODY_DEADLINE_S`.
        BadRequest: the body is shorter than its Content-Length, or its chunks are broken.
    """

    def __init__(self, environ: dict[str, Any]) -> None:
        self._input = environ["wsgi.input"]
        self._socket = environ.get("gunicorn.socket") or environ.get("werkzeug.socket")
        length = environ.get("CONTENT_LENGTH") or ""
        self._length = int(length) if length.isdecimal() else None
        has_body = self._length or "chunked" in environ.get("HTTP_TRANSFER_ENCODING", "").lower()
        self.received_bytes = 0
        self._deadline_s: float | None = None
        self.is_at_end = not has_body

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        piece = self._piece(len(buffer))
        buffer[: len(piece)] = piece
        return len(piece)

    def read_off(self, most_bytes: int, within_s: float) -> None:
        """Read and discard the rest of the body, within bounds; `is_at_end` tells whether the end was reached."""
        self._deadline_s = time.monotonic() + within_s
        with contextlib.suppress(BadRequest, RequestTimeout):
            while most_bytes > 0 and (piece := self._piece(most_bytes)):
                most_bytes -= len(piece)

    def hang_up(self) -> None:
        """End the connection after the answer, without reading the rest of the body."""
        if self._socket is not None:
            with contextlib.suppress(OSError):
                # A reset at the close: a sender whose window is closed would not notice a mere end, and wait.
                self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
                self._socket.shutdown(socket.SHUT_RDWR)

    def _piece(self, size: int) -> bytes:
        if self.is_at_end:
            return b""
        now_s = time.monotonic()
        if self._deadline_s is None:
            self._deadline_s = now_s + BODY_DEADLINE_S
        if now_s >= self._deadline_s:
            raise RequestTimeout(f"expected the whole body within {BODY_DEADLINE_S:.0f} s, received a part of it")
        if self._length is not None:
            size = min(size, self._length - self.received_bytes)
        piece = self._receive(min(size, PIECE_BYTES), min(BODY_STALL_S, self._deadline_s - now_s))
        self.received_bytes += len(piece)
        if not piece and self._length is not None and self.received_bytes < self._length:
            self.is_at_end = True
            raise BadRequest(f"expected a body of {self._length} bytes, received {self.received_bytes}")
        self.is_at_end = not piece or self.received_bytes == self._length
        return piece

    def _receive(self, size: int, patience_s: float) -> bytes:
        if self._socket is not None:
            self._socket.settimeout(patience_s)
        try:
            return self._input.read(size)
        except TimeoutError:
            raise RequestTimeout(f"expected more of the body within {patience_s:.0f} s, received nothing") from None
        except Exception as error:  # each server has errors of its own for chunks that are none
            raise BadRequest(f"expected a whole body, received one that ends early: {error}") from error
        finally:
            if self._socket is not None:
                with contextlib.suppress(OSError):
                    self._socket.settimeout(None)


class InMemoryRequest(Request):
    """A request with a bounded body. Uploads stay in memory and are never written to a disk.

    Attributes:
        body: the bounded body. uploads_in_order: the streams of the form's files, as they came.
    """

    def __init__(self, environ: dict[str, Any], *arguments: Any, **options: Any) -> None:
        self.body = BoundedBody(environ)
        self.uploads_in_order: list[io.BytesIO] = []
        environ |= {"wsgi.input": self.body, "wsgi.input_terminated": True}
        super().__init__(environ, *arguments, **options)

    def make_form_data_parser(self) -> FormDataParser:
        """The parser of this form.

        Raises:
            BadRequest: the boundary is longer than RFC 2046 allows. It becomes a pattern, which takes time to compile.
        """
        length = len(self.mimetype_params.get("boundary", ""))
        if length > BOUNDARY_CHARACTERS:
            raise BadRequest(f"expected a boundary of at most {BOUNDARY_CHARACTERS} characters, received {length}")
        return super().make_form_data_parser()

    def _get_file_stream(self, *arguments: Any, **options: Any) -> io.BytesIO:  # type: ignore[override]
        self.uploads_in_order.append(io.BytesIO())
        return self.uploads_in_order[-1]


def end_body(response: Response) -> Response:
    """After every answer: discard a bounded rest of the body, and end the connection if more is left."""
    if request.mimetype == "multipart/form-data":
        re.purge()  # its cache would keep the patterns of hundreds of boundaries, each of which comes once
    body = getattr(request, "body", None)
    if isinstance(body, BoundedBody) and not body.is_at_end:
        if response.status_code != HTTPStatus.REQUEST_TIMEOUT:
            body.read_off(READ_OFF_BYTES, READ_OFF_S)
        if not body.is_at_end:
            response.call_on_close(body.hang_up)
    return response
