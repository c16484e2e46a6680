"""Which connections are accepted: by host name, address and transport."""

from __future__ import annotations

import socket
from collections.abc import Callable, MutableMapping
from typing import Any

import pytest

from webapp.gate import NEWCOMERS, Gate, address_key, allowed_origins, own_host
from webapp.settings import Settings


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("", ""),
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("unix:", "unix:"),
    ],
)
def test_clients_are_counted_by_what_one_customer_has(address: str, key: str) -> None:
    assert address_key(address) == key


@pytest.mark.parametrize(
    "header", ["127.0.0.1:5000", "[::1]:5000", "192.0.2.7", "localhost:5000", "LOCALHOST", "a.localhost"]
)
def test_addresses_and_local_names_are_this_servers_own(header: str) -> None:
    assert own_host(header, Settings())
    assert own_host(f"{socket.gethostname()}:5000", Settings())


@pytest.mark.parametrize(
    "header",
    ["evil.example", "evil.example:5000", "localhost.evil.example", "127.0.0.1.evil.example", "localhost,evil.example"]
    + ["user@localhost", "localhost:5000:1", "[::1", "local host", "127.0.0.1/x", "localhost:port", "[evil]"],
)
def test_other_names_are_not(header: str) -> None:
    assert not own_host(header, Settings())
    assert not own_host(header, Settings(hosts=("emotion.example",)))


def test_the_operator_names_the_servers_names() -> None:
    settings = Settings(hosts=("emotion.example",))
    assert own_host("Emotion.Example:443", settings)
    assert own_host("127.0.0.1:5000", settings), "probes ask by address"
    assert not own_host("192.0.2.7", settings)


def test_behind_a_proxy_the_proxy_knows_the_names() -> None:
    assert own_host("emotion.example", Settings(proxies=1))
    assert not own_host("emotion.example", Settings(proxies=1, hosts=("other.example",)))
    assert not own_host("a.example,b.example", Settings(proxies=1))


def test_pages_of_this_server_may_connect_whatever_the_scheme_before_its_proxy() -> None:
    is_allowed = allowed_origins(Settings(origins=("https://friend.example",)))
    environ = {"HTTP_HOST": "emotion.example:8443", "wsgi.url_scheme": "http"}
    assert is_allowed("https://emotion.example:8443", environ)
    assert is_allowed("https://friend.example", environ)
    assert not is_allowed("https://emotion.example", environ)
    assert not is_allowed("https://evil.example", environ)
    assert not is_allowed("null", environ)
    assert not is_allowed(None, environ)


def asked(address: str = "192.0.2.7", **more: str) -> dict[str, str]:
    return {
        "PATH_INFO": "/socket.io/",
        "QUERY_STRING": "EIO=4&transport=websocket",
        "HTTP_HOST": "localhost",
        "REMOTE_ADDR": address,
    } | more


@pytest.mark.parametrize(
    ("addresses", "code", "admitted"),
    [
        pytest.param(["192.0.2.1"] * 100, "address", 4, id="one address"),
        pytest.param([f"198.51.100.{number}" for number in range(100)], "full", 10 + NEWCOMERS, id="many addresses"),
    ],
)
def test_places_are_limited_and_given_back(addresses: list[str], code: str, admitted: int) -> None:
    codes: list[str] = []
    left = iter(addresses)
    inside = 0

    def application(environ: MutableMapping[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        """Lets the next one try while this one is in, and ends as the threaded transport does."""
        nonlocal inside
        inside += 1
        gate(asked(next(left)), lambda *status: None)
        raise ConnectionError

    gate = Gate(application, Settings(max_clients=10, clients_per_address=4), codes.append)
    for _ in range(2):  # the second round finds all places free again
        inside = 0
        with pytest.raises(ConnectionError):
            gate(asked(next(left)), lambda *status: None)
        assert inside == admitted
    assert codes == [code] * 2
