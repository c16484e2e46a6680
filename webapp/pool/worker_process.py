"""Starting and ending the process of one analyzer worker.

Written with threads and blocking sockets; under eventlet's patches the same lines run as green threads.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from ml.inference.protocol import WORKER_TOKEN_VARIABLE
from webapp.pool.connection import WorkerConnection, WorkerLost

START_TIMEOUT_S = 60.0
"""A worker that has not connected after this time is ended; loading takes a second or two."""
PROJECT = Path(__file__).resolve().parents[2]
ONE_THREAD_EACH = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


class WorkerProcess:
    """A started worker process, which will connect to the socket that was opened for it.

    Args:
        command: what to run; the socket's address is added to it as `--socket ADDRESS`.
    """

    def __init__(self, command: Sequence[str]) -> None:
        self._was_killed = False
        self._token = secrets.token_hex(16)
        self._folder = tempfile.TemporaryDirectory(prefix="emotion-")  # mode 0700: nobody else can connect
        self._listener, address = _listen(Path(self._folder.name))
        try:
            self._process = subprocess.Popen(
                [*command, "--socket", address],
                stdin=subprocess.DEVNULL,
                env=os.environ | ONE_THREAD_EACH | {WORKER_TOKEN_VARIABLE: self._token, "PYTHONPATH": _search_path()},
            )
        except OSError:
            self._close_listener()
            raise

    @property
    def pid(self) -> int:
        return self._process.pid

    def connection(self) -> WorkerConnection:
        """Wait until the worker has loaded and connected.

        Raises:
            WorkerLost: it ended, did not connect in time, or another process connected instead.
        """
        give_up_s = time.monotonic() + START_TIMEOUT_S
        self._listener.settimeout(0.2)
        try:
            while True:
                if self._process.poll() is not None:
                    raise WorkerLost("expected a worker to start, it did not connect")
                if time.monotonic() > give_up_s:
                    raise WorkerLost(f"expected a worker to start within {START_TIMEOUT_S:.0f} s, it did not connect")
                with contextlib.suppress(TimeoutError):
                    connected, _ = self._listener.accept()
                    return WorkerConnection(connected, self._token)
        finally:
            self._close_listener()

    @property
    def is_stopped(self) -> bool:
        """Whether the process is stopped (SIGSTOP), so that it neither answers nor ends. Detected on Linux only."""
        return self._proc("stat").rpartition(b")")[2].split()[:1] in ([b"T"], [b"t"])

    @property
    def memory_bytes(self) -> int:
        """Resident memory in bytes; 0 where the system does not report it."""
        pages = self._proc("statm").split()[1:2]
        return int(pages[0]) * os.sysconf("SC_PAGE_SIZE") if pages else 0

    def _proc(self, name: str) -> bytes:
        """A file about the process. Not as a Path: each new one adds the process id to the interpreter's own table of
        names, which grows by a megabyte once it holds ten thousand of them."""
        with contextlib.suppress(OSError), open(f"/proc/{self._process.pid}/{name}", "rb") as file:  # noqa: PTH123
            return file.read()
        return b""

    def kill(self) -> None:
        """End the process at once, whatever it does."""
        if self._process.poll() is None:
            self._was_killed = True
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()

    def close(self, patience_s: float = 0.0) -> int:
        """Wait for the process to end after its connection was closed; kill it if it does not.

        Returns:
            Its exit code; -N where signal N ended it.
        """
        self._close_listener()
        try:
            return self._process.wait(patience_s)
        except subprocess.TimeoutExpired:
            self.kill()
            return self._process.wait()

    def how_it_ended(self) -> str:
        """After `close`, for the log: that it was ended here, or its own exit code or a foreign signal's name."""
        code = self._process.wait()
        if self._was_killed:
            return "it was ended"
        if code >= 0:
            return f"it ended with exit code {code}"
        try:
            return f"it ended with {signal.Signals(-code).name}"
        except ValueError:  # a real-time signal
            return f"it ended with signal {-code}"

    def _close_listener(self) -> None:
        self._listener.close()
        self._folder.cleanup()


def _search_path() -> str:
    """Where the worker finds its modules, whatever the working directory."""
    return os.pathsep.join(filter(None, (str(PROJECT), os.environ.get("PYTHONPATH"))))


def _listen(folder: Path) -> tuple[socket.socket, str]:
    """A socket for one caller, and its address as the worker's command line takes it."""
    if hasattr(socket, "AF_UNIX"):
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        path = folder / "worker"
        listener.bind(str(path))
        address = f"unix:{path}"
    else:
        listener = socket.create_server(("127.0.0.1", 0))
        address = "tcp:{}:{}".format(*listener.getsockname())
    listener.listen(1)
    return listener, address
