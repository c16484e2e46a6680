"""The address to serve on: checked before the start, and printed as the URL to open in the browser."""

from __future__ import annotations

import contextlib
import errno
import ipaddress
import socket

from webapp.settings import Settings, SettingsError

UNPRIVILEGED_PORT = 1024
"""Ports below it belong to administrators."""
LAST_PORT = 65535
USUAL_PORT = 8080
PORTS_TRIED = 50


def bare_host(host: str) -> str:
    """A host without the brackets in which an IPv6 address is written beside a port: `[::1]` is `::1`."""
    return host[1:-1] if host.startswith("[") and host.endswith("]") else host


def bind_address(host: str, port: int) -> str:
    """`host:port` as gunicorn and a browser want it: an IPv6 address in brackets."""
    host = bare_host(host)
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def require_free_port(host: str, port: int) -> None:
    """Check that the address is free, by binding to it once.

    Raises:
        SettingsError: another program uses the port, or the address or port cannot be used.
    """
    host = bare_host(host)
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except socket.gaierror as error:
        raise SettingsError(f"EMOTION_HOST: expected an address of this machine, received {host!r}: {error}") from error
    with socket.socket(family, kind, protocol) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
        except OSError as error:
            if error.errno == errno.EADDRNOTAVAIL:
                raise SettingsError(f"EMOTION_HOST: expected an address of this machine, received {host!r}") from error
            another = free_port_instead_of(port, host)
            raise SettingsError(
                f"port {port} cannot be used ({error.strerror}), choose another: PORT={another}"
            ) from error


def free_port_instead_of(port: int, host: str) -> int:
    """The next free port that needs no rights of an administrator; `USUAL_PORT` or the next where that is no help."""
    start = port + 1 if UNPRIVILEGED_PORT <= port <= LAST_PORT - PORTS_TRIED else USUAL_PORT
    for another in range(start, start + PORTS_TRIED):
        family, kind, protocol, _, address = socket.getaddrinfo(host, another, type=socket.SOCK_STREAM)[0]
        with contextlib.suppress(OSError), socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            return another
    return start


def invitation(settings: Settings) -> str:
    """The line that tells a person what to do next."""
    host = bare_host(settings.host)
    try:
        address = ipaddress.ip_address(host)
        reaches_localhost = address.is_unspecified or host == "127.0.0.1"
    except ValueError:
        reaches_localhost = False
    return f"Open http://{bind_address('localhost' if reaches_localhost else host, settings.port)} (Ctrl-C stops it)"
