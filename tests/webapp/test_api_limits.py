"""The limit of photos is shared by replicas through a real Redis, and does not depend on it for service."""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.support.fake_worker import script
from tests.support.serving import FAKE, Server, free_port
from tests.support.waiting import wait_until

PER_MINUTE = 5
BYTES = {"Content-Type": "application/octet-stream"}

pytestmark = pytest.mark.skipif(shutil.which("redis-server") is None, reason="needs redis-server")


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    """Port and process of a Redis that keeps nothing."""
    port = free_port()
    command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(tmp_path)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)

    def answers() -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(16).startswith(b"+PONG")
        return False

    wait_until(answers, 30)
    yield port, process
    process.kill()
    process.wait()


@pytest.mark.parametrize("mode", ["eventlet", "threading"])
def test_two_replicas_share_the_limit_and_outlive_redis(
    redis: tuple[int, subprocess.Popen[bytes]], mode: str, tmp_path: Path
) -> None:
    port, process = redis
    settings = {
        "EMOTION_WORKERS": "1",
        "EMOTION_ASYNC_MODE": mode,
        "EMOTION_API_PER_MINUTE": str(PER_MINUTE),
        "EMOTION_LIMITS": f"redis://127.0.0.1:{port}",
    }

    def send(server: Server) -> int:
        return requests.post(f"{server.url}/api/analyze", data=script(), headers=BYTES, timeout=30).status_code

    with Server(FAKE, tmp_path / "one", **settings) as one, Server(FAKE, tmp_path / "two", **settings) as two:
        one.wait_until_ready()
        two.wait_until_ready()
        answers = [send(server) for _ in range(PER_MINUTE) for server in (one, two)]
        assert answers == [200] * PER_MINUTE + [429] * PER_MINUTE
        process.kill()
        process.wait()
        assert send(two) == 200
