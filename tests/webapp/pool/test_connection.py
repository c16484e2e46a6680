"""The web process's side of the messages to one worker."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from ml.inference.contract import Request
from ml.inference.protocol import PREFIX, MessageReader, write_message
from webapp.pool.connection import WorkerConnection, WorkerLost


@pytest.fixture
def pair() -> Iterator[tuple[WorkerConnection, socket.socket]]:
    """A connection and the worker's end of its socket."""
    ours, theirs = socket.socketpair()
    theirs.settimeout(10)
    write_message(theirs, {"token": "word", "model": {"name": "n"}})
    connection = WorkerConnection(ours, "word")
    with theirs:
        yield connection, theirs
    connection.close()


def test_the_greeting_tells_of_the_model(pair: tuple[WorkerConnection, socket.socket]) -> None:
    assert pair[0].model == {"name": "n"}


def test_requests_go_out_and_replies_come_in(pair: tuple[WorkerConnection, socket.socket]) -> None:
    connection, worker = pair
    connection.send(7, Request(b"jpeg", thorough=True))
    head, image = MessageReader(worker).read()
    assert (head["id"], head["thorough"], image) == (7, True, b"jpeg")
    write_message(worker, {"id": 7})
    write_message(worker, {"id": 8})
    replies = connection.replies()
    assert [next(replies), next(replies)] == [{"id": 7}, {"id": 8}]


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        (PREFIX.pack(1 << 30, 0), "expected a head of at most"),
        (PREFIX.pack(2, 0) + b"no", "expected a head in JSON"),
        (PREFIX.pack(2, 1) + b"{}x", "expected an answer without a body"),
        (PREFIX.pack(9, 0), "closed its socket"),
        (b"", "closed its socket"),
    ],
)
def test_anything_else_is_a_lost_worker(pair: tuple[WorkerConnection, socket.socket], sent: bytes, reason: str) -> None:
    connection, worker = pair
    worker.sendall(sent)
    worker.shutdown(socket.SHUT_WR)
    with pytest.raises(WorkerLost, match=reason):
        next(connection.replies())


def test_a_closed_socket_takes_no_request(pair: tuple[WorkerConnection, socket.socket]) -> None:
    connection, worker = pair
    worker.close()
    with pytest.raises(WorkerLost, match="expected to write to the worker"):
        connection.send(1, Request(bytes(100_000)))
