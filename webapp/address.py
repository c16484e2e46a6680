"""The address to serve on: whether it is free, said before any work has begun, and what to open in the browser."""

from __future__ import annotations

import errno
import socket

from webapp.settings import Settings, SettingsError


def require_free_port(host: str, port: int) -> None:
    """Find out by binding once.

    Raises:
        SettingsError: another program listens there, or the address or port is not to be had.
    """
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
            another = port % 65535 + 1
            raise SettingsError(
                f"port {port} cannot be used ({error.strerror}), choose another: PORT={another}"
            ) from error


def invitation(settings: Settings) -> str:
    """The line that tells a person what to do next."""
    return f"Open http://localhost:{settings.port} (Ctrl-C stops it)"
