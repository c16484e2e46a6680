"""Accept connections again once a file descriptor is free, and ask for enough descriptors at the start."""

from __future__ import annotations

import errno
import logging
import sys
import time
from collections.abc import Callable
from typing import Any

OUT_OF_DESCRIPTORS = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
IGNORED = frozenset({errno.ECONNABORTED, errno.EPROTO, errno.EPERM, errno.EINTR})
"""Errors that concern only one connection, which ended before it was accepted."""
RETRY_S = 0.1
COMPLAIN_EVERY_S = 10.0
SPARE_DESCRIPTORS = 100
"""Files, pipes and libraries of a web process, beside its connections and workers."""
DESCRIPTORS_PER_WORKER = 4

log = logging.getLogger(__name__)


class AcceptErrors:
    """Handles errors of `accept`.

    Args:
        sleep: how this process waits; green threads need their own.
    """

    def __init__(self, sleep: Callable[[float], None] = time.sleep) -> None:
        self._sleep = sleep
        self._complained_s = float("-inf")

    def survive(self, error: OSError) -> None:
        """Return when it is worth trying again.

        Raises:
            OSError: `error`, if the listening socket itself is broken.
        """
        if error.errno in OUT_OF_DESCRIPTORS:
            now_s = time.monotonic()
            if now_s - self._complained_s > COMPLAIN_EVERY_S:
                self._complained_s = now_s
                log.error("cannot accept connections: %s; trying again until a descriptor is free", error.strerror)
            self._sleep(RETRY_S)
        elif error.errno not in IGNORED:
            raise error


class NamelessErrors:
    """A gunicorn worker that does not log the address of a client whose request was wrong."""

    def handle_error(self, req: Any, client: Any, addr: Any, exc: Exception) -> None:
        super().handle_error(req, client, ("(not logged)", 0), exc)  # type: ignore[misc]


def raise_descriptor_limit(connections: int, workers: int) -> str:
    """Raise the limit of open files as far as `connections` and `workers` need and the system allows.

    Returns:
        An empty text, or one sentence if the limit stays too low for that many connections.
    """
    if sys.platform == "win32":
        return ""
    import resource

    needed = connections + workers * DESCRIPTORS_PER_WORKER + SPARE_DESCRIPTORS
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return ""
    allowed = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
    if allowed > soft:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    if allowed >= needed:
        return ""
    return (
        f"EMOTION_MAX_CLIENTS: expected a limit of {needed} open files for that many connections (ulimit -n), "
        f"received {allowed}: when they are used up, new connections wait"
    )
