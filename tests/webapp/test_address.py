"""A taken port is reported before anything is started."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.serving import free_port
from webapp.address import free_port_instead_of, invitation, require_free_port
from webapp.settings import Settings, SettingsError

ROOT = Path(__file__).resolve().parents[2]


def test_a_free_port_is_free() -> None:
    require_free_port("127.0.0.1", free_port())


def test_a_taken_port_is_named_with_a_free_one() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SettingsError, match=rf"port {port} cannot be used .* PORT=\d+$") as refusal:
            require_free_port("127.0.0.1", port)
        assert str(port) not in str(refusal.value).partition("PORT=")[2]


@pytest.mark.parametrize("port", [1, 80, 1023, 65535])
def test_the_proposed_port_needs_no_rights(port: int) -> None:
    assert free_port_instead_of(port, "127.0.0.1") >= 8080


def test_the_proposed_port_is_free() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert free_port_instead_of(port - 1, "127.0.0.1") != port


@pytest.mark.parametrize("host", ["192.0.2.7", "no.such.host.invalid"])
def test_a_foreign_address_is_not_blamed_on_the_port(host: str) -> None:
    with pytest.raises(SettingsError, match=f"^EMOTION_HOST: expected an address of this machine, received '{host}'"):
        require_free_port(host, free_port())


def test_the_developers_server_says_so_too() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        variables = os.environ | {"PORT": str(taken.getsockname()[1])}
        done = subprocess.run(
            [sys.executable, "wsgi.py"], cwd=ROOT, env=variables, capture_output=True, text=True, timeout=60
        )
    assert done.returncode == 1
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert "cannot be used" in done.stderr


def test_the_invitation_names_the_port() -> None:
    assert "http://localhost:8080 " in invitation(Settings(port=8080))
