"""Messages arrive whole over a socket, in any pieces; other bytes are refused."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import replace

import pytest

from ml.inference.contract import Analysis, AnalysisError, Box, Face, Region, Request
from ml.inference.protocol import (
    MAX_BODY_BYTES,
    MAX_HEAD_BYTES,
    PREFIX,
    MessageReader,
    ProtocolError,
    analysis_from_head,
    reply_head,
    request_from_head,
    request_head,
    write_message,
)

THIRDS = (1 / 3, 0.0, 0.0, 1 / 3, 0.0, 1 / 3, 0.0)


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.settimeout(10)
        yield ours, theirs


class InPieces:
    """A socket that hands out its bytes a few at a time."""

    def __init__(self, data: bytes, size: int) -> None:
        self._data, self._size = data, size

    def recv(self, size: int, /) -> bytes:
        piece, self._data = self._data[: min(size, self._size)], self._data[min(size, self._size) :]
        return piece

    def sendall(self, data: bytes, /) -> None:
        self._data += data


@pytest.mark.parametrize("size", [1, 3, 8, 1000, 1 << 20])
def test_messages_are_read_whole_from_any_pieces(size: int) -> None:
    connection = InPieces(b"", size)
    write_message(connection, {"id": 1}, b"jpeg" * 500)
    write_message(connection, {"id": 2})
    reader = MessageReader(connection)
    assert [reader.read(), reader.read()] == [({"id": 1}, b"jpeg" * 500), ({"id": 2}, b"")]
    with pytest.raises(EOFError):
        reader.read()


@pytest.mark.parametrize(
    "sent",
    [PREFIX.pack(MAX_HEAD_BYTES + 1, 0), PREFIX.pack(0, MAX_BODY_BYTES + 1), PREFIX.pack(2, 0) + b"[]", bytes(8)],
)
def test_bytes_that_are_no_message_are_refused(sent: bytes) -> None:
    with pytest.raises(ProtocolError, match="expected"):
        MessageReader(InPieces(sent, 100)).read()


@pytest.mark.parametrize("search", [False, True, "0 AAAA"])
def test_a_request_survives_the_wire(pair: tuple[socket.socket, socket.socket], search: bool | str) -> None:
    request = Request(
        bytes(300),
        (Region(0.1, 0.2, 0.3, 0.4),),
        full_search=search,
        thorough=True,
        view=search,
        budget_ms=250.0,
        log_id="7f",
    )
    write_message(pair[0], request_head(request, 7), request.image)
    head, image = MessageReader(pair[1]).read()
    assert head["id"] == 7
    assert request_from_head(head, image) == request


@pytest.mark.parametrize(
    "faces",
    [
        (),
        (Face(Box(1, 2, 3, 4), THIRDS, False), Face(Box(5, 6, 7, 8), THIRDS[::-1], True)),
        (Face(Box(1, 2, 3, 4), (0.25, 0.75), False, labels=("awake", "asleep")),),
    ],
)
def test_an_analysis_survives_the_wire_unrounded(
    pair: tuple[socket.socket, socket.socket], faces: tuple[Face, ...]
) -> None:
    analysis = Analysis(640, 480, faces, {"total": 4.5}, {"name": "m"}, full_search=False, sketch="0 AAAA")
    analysis = replace(analysis, view="1 AA==", is_cut=True)
    write_message(pair[0], reply_head(analysis, 7))
    head, body = MessageReader(pair[1]).read()
    assert (head["id"], body) == (7, b"")
    assert analysis_from_head(head) == analysis


@pytest.mark.parametrize("kind", AnalysisError.__subclasses__())
def test_an_error_survives_the_wire(pair: tuple[socket.socket, socket.socket], kind: type[AnalysisError]) -> None:
    write_message(pair[0], reply_head(kind("expected a, received b"), 7))
    head, _ = MessageReader(pair[1]).read()
    with pytest.raises(kind, match="expected a, received b"):
        analysis_from_head(head)
