"""Messages between the web process and an analyzer worker: one writer and one reader, used by both ends.

A message is 4 bytes length of the head, 4 bytes length of the body (big endian), the head as JSON, the body as raw
bytes (a picture, or nothing). Probabilities travel unrounded. Standard library only.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from dataclasses import fields
from typing import Any, Protocol

from ml.inference.contract import EMOTIONS, Analysis, AnalysisError, Box, Face, Region, Request

PREFIX = struct.Struct(">II")
MAX_HEAD_BYTES = 1 << 20
MAX_BODY_BYTES = 257 << 20
"""Above the largest photo that a server can be set to accept."""
RECEIVE_BYTES = 1 << 16
"""Most that is asked of the socket at once."""
WORKER_TOKEN_VARIABLE = "WORKER_TOKEN"  # noqa: S105 (its name, not a secret)
"""Environment variable with the token by which the web process recognises its own worker."""


class ProtocolError(Exception):
    """The other side sent something that is not a message."""


class Socket(Protocol):
    """The interface of a connected stream socket."""

    def recv(self, size: int, /) -> bytes: ...

    def sendall(self, data: bytes, /) -> None: ...


def write_message(connection: Socket, head: Mapping[str, Any], body: bytes = b"") -> None:
    """Send one message. The body goes from the caller's buffer to the kernel without a copy.

    Raises:
        OSError: the socket is closed.
    """
    encoded = json.dumps(head, separators=(",", ":")).encode()
    connection.sendall(PREFIX.pack(len(encoded), len(body)) + encoded)
    if body:
        connection.sendall(body)


class MessageReader:
    """Reads messages from a connected socket; keeps received bytes of the next message."""

    def __init__(self, connection: Socket) -> None:
        self._connection = connection
        self._buffer = bytearray()

    def read(self) -> tuple[dict[str, Any], bytes]:
        """The next message: its head, and its body.

        Raises:
            EOFError: the other side closed the socket.
            ProtocolError: the bytes are not a message, or one that is too long.
            OSError: the socket failed.
        """
        head_length, body_length = PREFIX.unpack(self._take(PREFIX.size))
        if head_length > MAX_HEAD_BYTES or body_length > MAX_BODY_BYTES:
            raise ProtocolError(
                f"expected a head of at most {MAX_HEAD_BYTES} and a body of at most {MAX_BODY_BYTES} bytes, "
                f"received lengths of {head_length} and {body_length}"
            )
        try:
            head = json.loads(self._take(head_length))
        except ValueError as error:
            raise ProtocolError(f"expected a head in JSON, received: {error}") from error
        if not isinstance(head, dict):
            raise ProtocolError(f"expected an object as head, received {type(head).__name__}")
        return head, self._take(body_length)

    def _take(self, length: int) -> bytes:
        while len(self._buffer) < length:
            data = self._connection.recv(RECEIVE_BYTES)
            if not data:
                raise EOFError("the other side closed the socket")
            self._buffer += data
        taken = bytes(self._buffer[:length])
        del self._buffer[:length]
        return taken


def request_head(request: Request, request_id: int) -> dict[str, Any]:
    """Head of a request; its body is the picture."""
    head = {name: getattr(request, name) for name in REQUEST_OPTIONS}
    return head | {"id": request_id, "near": [(r.x, r.y, r.w, r.h) for r in request.near]}


def request_from_head(head: Mapping[str, Any], image: bytes) -> Request:
    options = {name: head[name] for name in REQUEST_OPTIONS}
    return Request(image=image, **options | {"near": tuple(Region(*region) for region in head["near"])})


REQUEST_OPTIONS = tuple(field.name for field in fields(Request) if field.name != "image")


def reply_head(answer: Analysis | AnalysisError, request_id: int) -> dict[str, Any]:
    """Head of the worker's answer to a request; it has no body."""
    if isinstance(answer, AnalysisError):
        return {"id": request_id} | answer.to_dict()
    return {
        "id": request_id,
        "ok": True,
        "size": (answer.width, answer.height),
        "faces": [(face.box.as_list(), face.emotions, face.uncertain, face.heat) for face in answer.faces],
        "labels": answer.faces[0].labels if answer.faces else EMOTIONS,
        "timing_ms": dict(answer.timing_ms),
        "model": dict(answer.model),
        "full_search": answer.full_search,
        "sketch": answer.sketch,
        "view": answer.view,
        "is_cut": answer.is_cut,
    }


def analysis_from_head(head: Mapping[str, Any]) -> Analysis:
    """The analysis in a worker's answer.

    Raises:
        AnalysisError: the worker answered with an error.
    """
    if not head["ok"]:
        raise AnalysisError.from_dict(head)
    labels = tuple(head["labels"])
    width, height = head["size"]
    return Analysis(
        width=width,
        height=height,
        faces=tuple(
            Face(Box(*box), tuple(emotions), uncertain, labels=labels, heat=heat and tuple(map(tuple, heat)))
            for box, emotions, uncertain, heat in head["faces"]
        ),
        timing_ms=head["timing_ms"],
        model=head["model"],
        full_search=head["full_search"],
        sketch=head["sketch"],
        view=head["view"],
        is_cut=head["is_cut"],
    )
