"""One analyzer worker as the web process sees it: a child process and the socket to it.

Written with threads, locks and blocking sockets; under eventlet's patches the same lines run as green threads.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import secrets
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ml.inference.contract import MAX_HEAD_BYTES, PREFIX, WORKER_TOKEN_VARIABLE, Request, pack_message, request_head

START_TIMEOUT_S = 60.0
"""A worker that has not called by then is given up; loading takes a second or two."""
SEND_BUFFER_BYTES = 1 << 20
ONE_THREAD_EACH = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")

log = logging.getLogger(__name__)


class WorkerLost(Exception):
    """The worker ended, closed its socket or broke the protocol."""


class WorkerProcess:
    """A started worker. `ready` waits until it has loaded; then `send` and `replies` talk to it.

    Args:
        command: what to run; the socket's address is added to it as `--socket ADDRESS`.
    """

    def __init__(self, command: Sequence[str]) -> None:
        self._token = secrets.token_hex(16)
        self._sending = threading.Lock()
        self._connection: socket.socket | None = None
        self._folder = tempfile.TemporaryDirectory(prefix="emotion-")  # mode 0700: nobody else can connect
        self._listener, address = _listen(Path(self._folder.name))
        self._process = subprocess.Popen(
            [*command, "--socket", address],
            stdin=subprocess.DEVNULL,
            env=os.environ | ONE_THREAD_EACH | {WORKER_TOKEN_VARIABLE: self._token},
        )

    @property
    def pid(self) -> int:
        return self._process.pid

    def ready(self) -> Mapping[str, Any]:
        """Wait until the worker has loaded and says so; return what it tells of its model.

        Raises:
            WorkerLost: it ended or stayed silent instead.
        """
        give_up_s = time.monotonic() + START_TIMEOUT_S
        self._listener.settimeout(0.2)
        while self._connection is None:
            if self._process.poll() is not None:
                raise WorkerLost(f"expected a worker to start, its process ended with {self._process.returncode}")
            if time.monotonic() > give_up_s:
                raise WorkerLost(f"expected a worker to start within {START_TIMEOUT_S:.0f} s, it did not connect")
            with contextlib.suppress(TimeoutError):
                self._connection, _ = self._listener.accept()
        self._listener.close()
        self._folder.cleanup()
        self._connection.settimeout(None)
        self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        hello = next(self.replies())
        if not secrets.compare_digest(str(hello.get("token")), self._token):
            raise WorkerLost("expected the worker's own token, received another: who is calling?")
        return hello["model"]

    def send(self, request_id: int, request: Request) -> None:
        """Hand a picture over. The bytes go from the caller's buffer to the kernel, uncopied.

        Raises:
            WorkerLost: the socket is closed.
        """
        head = pack_message(request_head(request, request_id), len(request.image))
        try:
            with self._sending:
                assert self._connection is not None
                self._connection.sendall(head)
                self._connection.sendall(request.image)
        except OSError as error:
            raise WorkerLost(f"expected to write to the worker, received: {error}") from error

    def replies(self) -> Iterator[dict[str, Any]]:
        """The worker's messages as they come.

        Raises:
            WorkerLost: the socket ended or carried nonsense.
        """
        assert self._connection is not None
        buffer = bytearray()
        while True:
            while len(buffer) < PREFIX.size:
                buffer += self._receive()
            head_length, body_length = PREFIX.unpack_from(buffer)
            if head_length > MAX_HEAD_BYTES or body_length:
                raise WorkerLost(f"expected a short head and no body, received {head_length} and {body_length} bytes")
            end = PREFIX.size + head_length
            while len(buffer) < end:
                buffer += self._receive()
            yield json.loads(buffer[PREFIX.size : end])
            del buffer[:end]

    def _receive(self) -> bytes:
        assert self._connection is not None
        try:
            data = self._connection.recv(65536)
        except OSError as error:
            raise WorkerLost(f"expected an answer, received: {error}") from error
        if not data:
            raise WorkerLost("the worker closed its socket")
        return data

    def kill(self) -> None:
        """End the process at once, whatever it does."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()

    def close(self, patience_s: float = 2.0) -> None:
        """Close the socket, which is the worker's cue to go; kill it if it stays."""
        for end in (self._listener, self._connection):
            if end is not None:
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
                end.close()
        self._folder.cleanup()
        try:
            self._process.wait(patience_s if self._connection is not None else 0)
        except subprocess.TimeoutExpired:
            self.kill()
            self._process.wait()


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
