"""Requests that are refused before the application: foreign host names, too many sockets, other transports.

A foreign page can point its own name to this machine (DNS rebinding). Its requests then have that name as Host and pass
every check of origins, so the Host itself is checked. The middleware runs inside ProxyFix: with trusted proxies it sees
the names and addresses that they forward; without, the forwarding headers of the client are removed.
"""

from __future__ import annotations

import contextlib
import ipaddress
import json
import re
import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, MutableMapping
from typing import Any
from urllib.parse import parse_qs

from webapp.errors import BAD_HOST
from webapp.settings import Settings

LIVE_PATH = "/socket.io"
NEWCOMERS = 32
"""Sockets in addition to `EMOTION_MAX_CLIENTS`: those that have not joined yet, and those that are being refused."""
RETRY_AFTER_S = 10
FORWARDED = tuple(f"HTTP_X_FORWARDED_{name}" for name in ("FOR", "HOST", "PORT", "PREFIX", "PROTO", "SERVER"))
HOST = re.compile(r"(?:\[(?P<six>[0-9a-fA-F:.]+)\]|(?P<name>[A-Za-z0-9._-]+))(?::\d{1,5})?")
IPV6_PREFIX = 64
"""One customer has at least this much of the IPv6 address space."""

WSGI = Callable[..., Iterable[bytes]]


def address_key(address: str) -> str:
    """The key by which clients are counted: the IPv4 address, or the /64 prefix of an IPv6 address."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed, IPV6_PREFIX), strict=False))
    return str(parsed)


def own_host(header: str, settings: Settings) -> bool:
    """Whether a `Host` header names this server.

    Without `EMOTION_HOSTS` these names are accepted: every IP address, which no foreign page can use as its name;
    `localhost`; and this machine's name. Behind a proxy, which checks names itself, every name is accepted.
    """
    match = HOST.fullmatch(header)
    if match is None:
        return False
    name = (match["six"] or match["name"]).lower().rstrip(".")
    if settings.hosts:
        return name in settings.hosts or name in {"127.0.0.1", "::1", "localhost"}
    if settings.proxies or name == "localhost" or name.endswith(".localhost"):
        return True
    with contextlib.suppress(ValueError):
        ipaddress.ip_address(name)
        return True
    return name in {socket.gethostname().lower(), settings.host.lower()}


def allowed_origins(settings: Settings) -> Callable[[str | None, Mapping[str, Any]], bool]:
    """Whether a page of this site may connect: the server's own pages, and the origins of the settings."""

    def is_allowed(origin: str | None, environ: Mapping[str, Any]) -> bool:
        """No origin is what programs have that are no browsers: they are asked about when an error is answered."""
        _, _, host = (origin or "").partition("://")
        return origin in settings.origins or host == environ.get("HTTP_HOST")

    return is_allowed


class Gate:
    """WSGI middleware that refuses with the API's error shape.

    Args:
        app: what serves those who pass.
        settings: hosts, proxies and limits.
        on_refused: is told the code of every refusal of a socket.
    """

    def __init__(self, app: WSGI, settings: Settings, on_refused: Callable[[str], None]) -> None:
        self._app = app
        self._settings = settings
        self._on_refused = on_refused
        self._open: Counter[str] = Counter()
        self._lock = threading.Lock()

    def __call__(self, environ: MutableMapping[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if not self._settings.proxies:
            for name in FORWARDED:
                environ.pop(name, None)
        host = environ.get("HTTP_HOST", "")
        must_be_named = environ.get("SERVER_PROTOCOL") == "HTTP/1.1"  # RFC 9112 section 3.2
        if (host or must_be_named) and not own_host(host, self._settings):
            message = f"expected this server's own name as Host (EMOTION_HOSTS), received {host[:100]!r}"
            return _refusal(start_response, "400 Bad Request", BAD_HOST, message)
        path = environ.get("PATH_INFO", "")
        if path != LIVE_PATH and not path.startswith(LIVE_PATH + "/"):
            return self._app(environ, start_response)
        return self._live(environ, start_response)

    def _live(self, environ: MutableMapping[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        transport = parse_qs(environ.get("QUERY_STRING", "")).get("transport", ["polling"])[0]
        if transport != "websocket":
            expected = 'transport=websocket (a Socket.IO client needs the option transports: ["websocket"])'
            message = f"expected {expected}, received {transport[:40]}"
            return _refusal(start_response, "400 Bad Request", "websocket_only", message)
        key = address_key(environ.get("REMOTE_ADDR", ""))
        with self._lock:
            code = self._full(key)
            if not code:
                self._open[key] += 1
        if code:
            self._on_refused(code)
            message = "expected a free connection, received none; try again later"
            return _refusal(start_response, "429 Too Many Requests", code, message)
        try:
            return self._app(environ, start_response)  # returns when the socket has ended
        finally:
            with self._lock:
                self._open[key] -= 1
                if not self._open[key]:
                    del self._open[key]

    def _full(self, key: str) -> str:
        if self._open[key] >= self._settings.clients_per_address:
            return "address"
        if self._open.total() >= self._settings.max_clients + NEWCOMERS:
            return "full"
        return ""


def _refusal(start_response: Callable[..., Any], status: str, code: str, message: str) -> list[bytes]:
    body = json.dumps({"ok": False, "code": code, "message": message}).encode()
    headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body))), ("Cache-Control", "no-store")]
    if status.startswith("429"):
        headers.append(("Retry-After", str(RETRY_AFTER_S)))
    start_response(status, headers)
    return [body]
