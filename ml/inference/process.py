"""Process of a worker: ends it with its parent, and hides the start messages of native libraries."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Iterator

PARENT_POLL_S = 0.5
PR_SET_PDEATHSIG = 1
"""From Linux's prctl(2): the signal to receive when the parent ends."""


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

    C++ libraries print messages at their start, and have no setting that prevents it.
    """
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as held:
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
