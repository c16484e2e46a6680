"""Hosts, origins and transports that are refused, asked for over real sockets."""

from __future__ import annotations

import contextlib
import socket
from typing import Any

import pytest
import requests

from tests.faults.conftest import Start
from tests.support.rawsocket import RawSocket
from webapp.thread_worker import HEAD_S


def answer_to(port: int, head: str) -> bytes:
    """The first line of the answer to a request head, sent as it stands."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(head.replace("\n", "\r\n").encode())
        return connection.makefile("rb").readline()


def test_names_of_other_sites_are_refused_without_a_proxy(start: Start) -> None:
    server = start()
    rebound: dict[str, Any] = {"Host": f"evil.example:{server.port}", "Origin": f"http://evil.example:{server.port}"}
    for path in ("/", "/api/analyze", "/healthz"):
        reply = requests.get(server.url + path, headers=rebound, timeout=10)
        assert (reply.status_code, reply.json()["code"]) == (400, "bad_host")
    with pytest.raises(ConnectionError, match="expected 101"):
        RawSocket(server.port, join=True, **rebound)
    with pytest.raises(ConnectionError, match="expected 101"):
        RawSocket(
            server.port, Origin="https://evil.example", X_Forwarded_Host="evil.example", X_Forwarded_Proto="https"
        )
    assert b" 400 " in answer_to(server.port, f"GET / HTTP/1.1\nHost: localhost:{server.port}\nHost: evil.example\n\n")
    assert b" 400 " in answer_to(server.port, "GET / HTTP/1.1\n\n")
    assert b" 200 " in answer_to(server.port, "GET / HTTP/1.0\n\n")
    RawSocket(server.port, Origin=f"http://127.0.0.1:{server.port}").close()
    assert requests.get(f"http://localhost:{server.port}/", timeout=10).ok


def test_the_servers_own_names_are_right_behind_a_proxy(start: Start) -> None:
    server = start(EMOTION_PROXIES="1", EMOTION_HOSTS="emotion.example")
    for name in ("emotion.example", "evil.example"):
        through: dict[str, Any] = {"Origin": f"https://{name}", "X_Forwarded_Host": name, "X_Forwarded_Proto": "https"}
        if name == "emotion.example":
            RawSocket(server.port, join=True, **through).close()
        else:
            with pytest.raises(ConnectionError, match="expected 101"):
                RawSocket(server.port, join=True, **through)


def test_a_client_that_begins_with_polling_is_told_what_to_do(start: Start) -> None:
    server = start()
    for query in ("EIO=4&transport=polling", "EIO=4", ""):
        reply = requests.get(f"{server.url}/socket.io/?{query}", timeout=10)
        assert reply.status_code == 400
        assert 'transports: ["websocket"]' in reply.json()["message"]


def test_one_address_cannot_take_all_places(start: Start) -> None:
    server = start(EMOTION_CLIENTS_PER_ADDRESS="3")
    taken = [RawSocket(server.port) for _ in range(3)]
    with pytest.raises(ConnectionError, match="429"):
        RawSocket(server.port)
    taken.pop().close()
    for _ in range(50):
        try:
            taken.append(RawSocket(server.port))
            break
        except ConnectionError:
            pass
    assert len(taken) == 3
    for raw in taken:
        raw.close()


def test_heads_that_arrive_slowly_do_not_keep_the_others_out(start: Start) -> None:
    """Without a deadline, each of them keeps a thread of the threading mode for ever."""
    server = start()
    with contextlib.ExitStack() as stack:
        slow = [
            stack.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=60)) for _ in range(150)
        ]
        for connection in slow:
            connection.sendall(b"GET / HTTP/1.1\r\nX")
        assert requests.get(f"{server.url}/healthz", timeout=60).ok
        assert HEAD_S < 10, "the longest wait of the others"


def test_the_log_names_nobody_whose_request_is_wrong(start: Start) -> None:
    server = start()
    for wrong in ("GET / HTTP/9.9\n\n", "GET /\n\n", "POST / HTTP/1.1\nHost: localhost\nContent-Length: +4\n\n"):
        assert b" 400 " in answer_to(server.port, wrong)
    assert "Invalid request" in server.log()
    assert "=127.0.0.1" not in server.log()
