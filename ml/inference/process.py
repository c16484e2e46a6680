"""Process of a worker: ends it with its parent, and hides the messages of native libraries."""

from __future__ import annotations

import contextlib
import ctypes
import logging
import os
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

PARENT_POLL_S = 0.5
PR_SET_PDEATHSIG = 1
"""From Linux's prctl(2): the signal to receive when the parent ends."""

_holding = threading.Lock()


def end_with_parent() -> None:
    """End this process as soon as its parent has ended, also after SIGKILL and while this process is busy.

    Linux sends SIGKILL by itself. Elsewhere, and where prctl is not allowed, a thread looks at the parent's id.
    """
    parent = os.getppid()
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(PARENT_POLL_S)
        os._exit(1)

    threading.Thread(target=watch, name="parent-watch", daemon=True).start()


@contextlib.contextmanager
def without_native_lines(beginning: bytes = b"INFO:") -> Iterator[None]:
    """Hold back the error output meanwhile; afterwards write the lines that do not start with `beginning`.

    C++ libraries print messages at their start, and have no setting that prevents it. Threads take turns.
    """
    with _holding, tempfile.TemporaryFile() as held:
        sys.stderr.flush()
        kept = os.dup(2)
        os.dup2(held.fileno(), 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(kept, 2)
            os.close(kept)
            held.seek(0)
            others = b"".join(line for line in held if not line.startswith(beginning))
            if others:
                os.write(2, others)


def mute_native_lines() -> None:
    """From now on only Python writes to the error output of this process.

    Decoders print lines about what is wrong in a picture, as many as its sender likes.
    """
    sys.stderr.flush()
    own = os.fdopen(os.dup(2), "w", buffering=1, errors="backslashreplace")
    for handler in logging.getLogger().handlers:
        if isinstance(handler, logging.StreamHandler) and handler.stream is sys.stderr:
            handler.setStream(own)
    sys.stderr = own
    with Path(os.devnull).open("wb") as nothing:
        os.dup2(nothing.fileno(), 2)
