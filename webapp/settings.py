"""The server's settings, read once from the environment. Invalid values and unknown names are refused.

Only `EMOTION_ASYNC_MODE` is also read elsewhere: `wsgi.py` and `gunicorn.conf.py` need it before any import.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar

from ml.inference.card import load_card
from ml.inference.contract import ModelError
from ml.inference.log_lines import FORMATS

UPLOADS_PER_REQUEST = 4
"""A request with several pictures may be this many times as large as the largest picture."""
REQUEST_OVERHEAD_BYTES = 64 * 1024

T = TypeVar("T")
PREFIX = "EMOTION_"
NEAR = 0.75
"""Similarity (difflib) from which an unknown name counts as a mistyped one."""
MIN_TOKEN_CHARACTERS = 16
SECRETS = {"EMOTION_TOKEN", "EMOTION_LIMITS"}
"""Settings whose values are never printed or logged."""


class SettingsError(ValueError):
    """A setting that can't be used. The message names the key, the value and what was expected."""


def _setting(key: str, default: T, parse: Callable[[str], T], meaning: str, unit: str = "") -> T:
    """A field that `from_env` reads from the variable `key`; `meaning` and `unit` document it."""
    metadata = {"key": key, "parse": parse, "meaning": meaning, "unit": unit}
    return field(default=default, metadata=metadata, repr=key not in SECRETS)  # type: ignore[return-value]


def _integer(least: int, most: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not text.strip().isdecimal() or not least <= int(text) <= most:
            raise ValueError(f"a whole number from {least} to {most}")
        return int(text)

    return parse


def _number(least: float, most: float) -> Callable[[str], float]:
    def parse(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = float("nan")
        if not least <= value <= most:
            raise ValueError(f"a number from {least:g} to {most:g}")
        return value

    return parse


def _one_of(*choices: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in choices:
            raise ValueError("one of " + ", ".join(choices))
        return text

    return parse


def _text(text: str) -> str:
    return text


def _model(text: str) -> str:
    if text:
        load_card(Path(text))
    return text


def _token(text: str) -> str:
    if text and (len(text) < MIN_TOKEN_CHARACTERS or not text.isascii() or not text.isprintable() or " " in text):
        raise ValueError(f"at least {MIN_TOKEN_CHARACTERS} printable ASCII characters without spaces")
    return text


def _limits(text: str) -> str:
    if not text.startswith(("memory://", "redis://", "rediss://", "redis+unix://")):
        raise ValueError("memory:// or an address that begins with redis://")
    return text


def _origins(text: str) -> tuple[str, ...]:
    origins = tuple(origin.strip() for origin in text.split(",") if origin.strip())
    for origin in origins:
        if not origin.startswith(("http://", "https://")) or origin.endswith("/"):
            raise ValueError("origins like https://example.org without a closing slash, separated by commas")
    return origins


def _hosts(text: str) -> tuple[str, ...]:
    hosts = tuple(host.strip().lower() for host in text.split(",") if host.strip())
    for host in hosts:
        if not re.fullmatch(r"[a-z0-9._-]+|[0-9a-f:.]+", host) or (host.count(":") == 1):
            raise ValueError("host names like emotion.example without a port, separated by commas")
    return hosts


@dataclass(frozen=True)
class Settings:
    """The settings; `from_env` reads each from its environment variable."""

    host: str = _setting("EMOTION_HOST", "127.0.0.1", _text, "address to listen on; 0.0.0.0 for every network card")
    port: int = _setting("PORT", 5000, _integer(1, 65535), "port to listen on")
    async_mode: str = _setting(
        "EMOTION_ASYNC_MODE",
        "eventlet",
        _one_of("eventlet", "threading"),
        "how connections are served: eventlet or threading",
    )
    workers: int = _setting("EMOTION_WORKERS", 0, _integer(0, 256), "analyzer processes; 0 means one for each core")
    model: str = _setting(
        "EMOTION_MODEL", "", _model, "model file (.tflite, its card beside it); empty means the shipped model"
    )
    max_clients: int = _setting("EMOTION_MAX_CLIENTS", 100, _integer(1, 10_000), "live connections at a time")
    clients_per_address: int = _setting(
        "EMOTION_CLIENTS_PER_ADDRESS", 64, _integer(1, 10_000), "live connections from one address (IPv6: one /64)"
    )
    frames_per_second: int = _setting(
        "EMOTION_FRAMES_PER_SECOND", 30, _integer(1, 1000), "frames taken from one live connection", "1/s"
    )
    max_frame_kb: int = _setting("EMOTION_MAX_FRAME_KB", 512, _integer(16, 16_384), "largest live frame", "KiB")
    max_upload_mb: int = _setting("EMOTION_MAX_UPLOAD_MB", 16, _integer(1, 256), "largest photo", "MiB")
    api_per_minute: int = _setting(
        "EMOTION_API_PER_MINUTE", 120, _integer(1, 1_000_000), "photos from one address", "1/min"
    )
    frame_deadline_ms: int = _setting(
        "EMOTION_FRAME_DEADLINE_MS", 1000, _integer(50, 60_000), "a live frame older than this is dropped", "ms"
    )
    photo_deadline_ms: int = _setting(
        "EMOTION_PHOTO_DEADLINE_MS", 15_000, _integer(500, 300_000), "longest time for a photo, waiting included", "ms"
    )
    photo_queue: int = _setting("EMOTION_PHOTO_QUEUE", 64, _integer(1, 10_000), "photos that may wait for a worker")
    smoothing_s: float = _setting(
        "EMOTION_SMOOTHING_S", 0.3, _number(0, 10), "time constant of the smoothed emotions; 0 is off", "s"
    )
    origins: tuple[str, ...] = _setting(
        "EMOTION_ORIGINS",
        (),
        _origins,
        "other sites whose pages may connect, separated by commas; empty means only this site",
    )
    hosts: tuple[str, ...] = _setting(
        "EMOTION_HOSTS",
        (),
        _hosts,
        "host names of this server; empty means IP addresses, localhost, this machine's name",
    )
    proxies: int = _setting("EMOTION_PROXIES", 0, _integer(0, 10), "trusted reverse proxies in front (X-Forwarded-*)")
    drain_s: int = _setting("EMOTION_DRAIN_S", 5, _integer(0, 300), "time for connections to end at shutdown", "s")
    log_level: str = _setting(
        "EMOTION_LOG_LEVEL", "info", _one_of("debug", "info", "warning", "error"), "least severe message that is logged"
    )
    log_format: str = _setting(
        "EMOTION_LOG_FORMAT", "text", _one_of(*FORMATS), "lines of the log: text, or json with an id of each request"
    )
    token: str = _setting(
        "EMOTION_TOKEN",
        "",
        _token,
        "token that programs must send, at least 16 printable ASCII characters without spaces; "
        "people open /?token=… once; empty asks for none",
    )
    limits: str = _setting(
        "EMOTION_LIMITS", "memory://", _limits, "where photos are counted: memory://, or redis://… for several replicas"
    )

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Settings:
        """Read every setting that the environment names.

        Raises:
            SettingsError: a value can't be used, or an `EMOTION_` variable is none of the settings.
        """
        by_key = {setting.metadata["key"]: setting for setting in fields(cls)}
        unknown = sorted(key for key in environ if key.startswith(PREFIX) and key not in by_key.keys() | NOT_SETTINGS)
        if unknown:
            names = {key.removeprefix(PREFIX): key for key in by_key}
            nearest = difflib.get_close_matches(unknown[0].removeprefix(PREFIX), names, 1, NEAR)
            known = f"{names[nearest[0]]}, perhaps, or another" if nearest else "one"
            raise SettingsError(
                f"{unknown[0]}: expected {known} of the settings in the README, received an unknown one"
            )
        values: dict[str, Any] = {}
        for key, setting in by_key.items():
            if key not in environ:
                continue
            try:
                values[setting.name] = setting.metadata["parse"](environ[key])
            except ValueError as expected:
                received = "another value" if key in SECRETS else repr(environ[key])
                raise SettingsError(f"{key}: expected {expected}, received {received}") from None
            except ModelError as error:
                raise SettingsError(f"{key}: {error}") from error
        return cls(**values)

    @property
    def worker_count(self) -> int:
        return self.workers or usable_cores()

    @property
    def max_frame_bytes(self) -> int:
        return self.max_frame_kb * 1024

    @property
    def max_upload_bytes(self) -> int:
        return self.max_upload_mb * 1024 * 1024

    @property
    def max_request_bytes(self) -> int:
        return UPLOADS_PER_REQUEST * self.max_upload_bytes + REQUEST_OVERHEAD_BYTES


NOT_SETTINGS = frozenset({"EMOTION_TEST_DATA", "EMOTION_SCREENSHOTS"})
"""Variables of the test suite, which a server started by a test inherits."""


def usable_cores() -> int:
    """Cores that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
