"""The simulated network of the tests itself: it delays, narrows, stalls and breaks connections as it says."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from tests.support.network import Network


@pytest.fixture
def echo_port() -> Iterator[int]:
    """A server that sends back what it receives."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve(connection: socket.socket) -> None:
        with connection:
            while data := connection.recv(65536):
                connection.sendall(data)

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    yield listener.getsockname()[1]
    listener.close()


def there_and_back_s(connection: socket.socket, size: int) -> float:
    started_s = time.monotonic()
    connection.sendall(bytes(size))
    received = 0
    while received < size:
        received += len(connection.recv(65536))
    return time.monotonic() - started_s


def test_a_message_takes_at_least_the_round_trip_and_the_time_of_its_bits(echo_port: int) -> None:
    with Network(echo_port, rtt_ms=100, uplink_kbit_s=2000) as network:
        with socket.create_connection(("127.0.0.1", network.port)) as connection:
            assert there_and_back_s(connection, 1) >= 0.1
            assert there_and_back_s(connection, 25_000) >= 0.2
        assert network.uplink_bytes == 25_001


def test_nothing_arrives_during_a_stall(echo_port: int) -> None:
    with Network(echo_port) as network, socket.create_connection(("127.0.0.1", network.port)) as connection:
        there_and_back_s(connection, 1)
        network.stall(0.5)
        time.sleep(0.05)
        assert there_and_back_s(connection, 1) >= 0.4


def test_dropped_connections_end_and_new_ones_are_carried(echo_port: int) -> None:
    with Network(echo_port) as network:
        with socket.create_connection(("127.0.0.1", network.port)) as connection:
            there_and_back_s(connection, 1)
            network.drop_connections()
            connection.settimeout(5)
            with contextlib.suppress(ConnectionError):
                assert connection.recv(1) == b""
        with socket.create_connection(("127.0.0.1", network.port)) as again:
            assert there_and_back_s(again, 1) < 5


def test_what_a_freeze_holds_arrives_after_the_thaw(echo_port: int) -> None:
    with Network(echo_port) as network, socket.create_connection(("127.0.0.1", network.port)) as connection:
        there_and_back_s(connection, 1)
        network.freeze()
        connection.sendall(b"x")
        connection.settimeout(0.2)
        with pytest.raises(TimeoutError):
            connection.recv(1)
        network.thaw()
        connection.settimeout(60)
        assert connection.recv(1) == b"x"
