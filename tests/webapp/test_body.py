"""Bodies that are short, endless, too long or late, and many at a time: through a real gunicorn, and by the piece."""

from __future__ import annotations

import contextlib
import io
import socket
import threading
import time
from collections.abc import Iterator

import pytest
import requests
from werkzeug.exceptions import BadRequest, RequestTimeout

from ml.inference.contract import Busy
from tests.support.fake_worker import script
from tests.support.serving import Server
from webapp.body import BODY_STALL_S, READ_OFF_BYTES, BoundedBody, UploadBudget

HEAD = "POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: image/jpeg\r\n{more}\r\n\r\n"


@contextlib.contextmanager
def sending(server: Server, more: str, path: str = "/api/analyze") -> Iterator[socket.socket]:
    """A connection on which the head of a request was sent."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
        connection.sendall(HEAD.format(path=path, port=server.port, more=more).encode())
        yield connection


def answer(connection: socket.socket) -> bytes:
    """What the server sends until it closes."""
    received = b""
    with contextlib.suppress(ConnectionError):
        while piece := connection.recv(65536):
            received += piece
    return received


def send_until_refused(connection: socket.socket, piece: bytes, most_bytes: int) -> int:
    """Send a piece again and again; how many bytes the other side took."""
    sent = 0
    with contextlib.suppress(OSError):
        while sent < most_bytes:
            connection.sendall(piece)
            sent += len(piece)
    return sent


def test_a_body_shorter_than_announced_is_refused(fake_server: Server) -> None:
    with sending(fake_server, "Content-Length: 900") as connection:
        connection.sendall(script(faces=[[1, 2, 30, 40]]))
        connection.shutdown(socket.SHUT_WR)
        received = answer(connection)
    assert b" 400 " in received.splitlines()[0]
    assert b"expected a body of 900 bytes" in received


@pytest.mark.parametrize("chunk", [b"zz\r\n", b"-5\r\n", b"5\r\nabc\r\n0\r\n\r\n", b"5\r\nab"])
def test_broken_chunks_are_refused(fake_server: Server, chunk: bytes) -> None:
    with sending(fake_server, "Transfer-Encoding: chunked") as connection:
        connection.sendall(chunk)
        connection.shutdown(socket.SHUT_WR)
        assert b" 400 " in answer(connection).splitlines()[0]
    assert requests.get(f"{fake_server.url}/healthz", timeout=10).ok


@pytest.mark.parametrize("path", ["/api/analyze", "/healthz", "/nowhere"])
def test_a_body_without_end_takes_neither_memory_nor_time(fake_server: Server, path: str) -> None:
    before_mb = fake_server.web().memory_info().rss / 1e6
    with sending(fake_server, "Transfer-Encoding: chunked", path) as connection:
        taken = send_until_refused(connection, b"10000\r\n" + bytes(0x10000) + b"\r\n", 200_000_000)
    assert taken < 20_000_000
    assert fake_server.web().memory_info().rss / 1e6 - before_mb < 20
    assert requests.post(f"{fake_server.url}/api/analyze", files={"image": script()}, timeout=10).json()["ok"]


def test_a_body_that_is_too_long_is_answered_and_hardly_read(fake_server: Server) -> None:
    with sending(fake_server, f"Content-Length: {1 << 28}") as connection:
        taken = send_until_refused(connection, bytes(1 << 16), 1 << 28)
        assert taken < READ_OFF_BYTES + 12_000_000  # what the kernel's buffers hold is not read
        received = answer(connection)
    assert b" 413 " in received.splitlines()[0]
    assert b"too_large" in received


def test_a_sender_that_stalls_is_disconnected(fake_server: Server) -> None:
    with sending(fake_server, "Content-Length: 900") as connection:
        connection.sendall(b"{")
        began_s = time.monotonic()
        received = answer(connection)
        assert time.monotonic() - began_s < BODY_STALL_S + 10
    assert b" 408 " in received.splitlines()[0]
    assert b"request_timeout" in received
    assert fake_server.metrics()["emotion_upload_bytes"] == 0


class Slow:
    """A body that comes in pieces, each after a time on a clock that the test holds."""

    def __init__(self, *pieces: bytes) -> None:
        self._pieces = list(pieces)

    def read(self, size: int) -> bytes:
        if not self._pieces:
            return b""
        piece, rest = self._pieces[0][:size], self._pieces[0][size:]
        self._pieces[:1] = [rest] if rest else []
        return piece


def bounded(*pieces: bytes, length: int | None = None) -> BoundedBody:
    framing = {"HTTP_TRANSFER_ENCODING": "chunked"} if length is None else {"CONTENT_LENGTH": str(length)}
    return BoundedBody({"wsgi.input": Slow(*pieces)} | framing)


def test_no_body_is_at_its_end() -> None:
    empty = BoundedBody({"wsgi.input": io.BytesIO(b"the next request")})
    assert empty.is_at_end
    assert empty.read() == b""


def test_a_body_is_read_to_its_length_and_no_further() -> None:
    assert bounded(b"abc", b"defgh", length=5).read() == b"abcde"
    assert bounded(b"abc", b"de").read() == b"abcde"
    with pytest.raises(BadRequest, match="expected a body of 9 bytes, received 5"):
        bounded(b"abc", b"de", length=9).read()


def test_a_body_that_drips_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each piece comes in time, all of them do not."""
    moments = iter(range(0, 1000, 9))
    monkeypatch.setattr("webapp.body.time.monotonic", lambda: float(next(moments)))
    with pytest.raises(RequestTimeout, match="expected the whole body within 60 s"):
        bounded(*[b"x"] * 100, length=100).read()


def test_reading_off_is_bounded() -> None:
    long = bounded(*[bytes(1 << 16)] * 100, length=100 << 16)
    long.read_off(1 << 20, 10)
    assert not long.is_at_end
    short = bounded(b"abc", length=3)
    short.read_off(1 << 20, 10)
    assert short.is_at_end


def test_uploads_wait_for_room_and_give_up_in_time() -> None:
    seen: list[float] = []
    budget = UploadBudget(100, seen.append)
    with budget.reserved(60):
        with pytest.raises(Busy, match="expected room for an upload of 50 bytes, received 60 of 100 bytes in use"):
            budget.reserved(50, patience_s=0.01).__enter__()
        entered = threading.Event()

        def wait() -> None:
            with budget.reserved(50, patience_s=10):
                entered.set()

        waiting = threading.Thread(target=wait)
        waiting.start()
        assert not entered.wait(0.1)
    assert entered.wait(10)
    waiting.join()
    with budget.reserved(1000):  # more than there is counts as all there is
        assert seen[-1] == 100
    assert seen[-1] == 0
