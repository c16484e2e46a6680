"""A real server in a child process, as tests and benchmarks need it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

import psutil
import requests

ROOT = Path(__file__).resolve().parent.parent.parent
FAKE = "tests.support.fake_app:app"
"""The application over fake workers."""
START_TIMEOUT_S = 60.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _kind(process: psutil.Process) -> str:
    """`web`, `worker` or `ended`."""
    try:
        return "worker" if "worker" in " ".join(process.cmdline()[1:4]) else "web"
    except psutil.Error:
        return "ended"


class Server:
    """`gunicorn APP` on a free port; a context manager that ends it and everything it started.

    Args:
        app: the application's import path.
        settings: environment variables to add.
        log: file for what it prints; without one it prints where the tests do.
        host: where the tests reach it.
    """

    program = "gunicorn"
    process_group: int | None = None
    """0 gives it a process group of its own, so that a signal to the group of the caller does not reach it."""

    def __init__(
        self, app: str = "wsgi:app", log: Path | None = None, host: str = "127.0.0.1", **settings: str
    ) -> None:
        self.port = free_port()
        self._host = host
        self._app = app
        self._log = log
        self._settings = settings
        self.started_s = 0.0

    @property
    def url(self) -> str:
        return f"http://{self._host}:{self.port}"

    def __enter__(self) -> Server:
        foreign = {key for key in os.environ if key.startswith("EMOTION_") and key != "EMOTION_MODEL"}
        environment = {key: value for key, value in os.environ.items() if key not in foreign}
        environment |= {"PORT": str(self.port), "PYTHONPATH": str(ROOT)} | self._settings
        output = self._log.open("w") if self._log else None
        self.started_s = time.monotonic()
        self.process = subprocess.Popen(
            [sys.executable, "-m", self.program, self._app],
            cwd=ROOT,
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT if output else None,
            process_group=self.process_group,
        )
        if output:
            output.close()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        family = [self.process, *self.descendants()]
        self.process.terminate()
        try:
            self.process.wait(60)
        finally:
            for process in family:
                if isinstance(process, psutil.Process) and process.is_running():
                    process.kill()
            if self.process.poll() is None:
                self.process.kill()
                self.process.wait()

    def wait_until_ready(self, workers: int = 1) -> float:
        """Wait for `/readyz` and this many workers, a minute from now at most; return the seconds since the start."""
        give_up_s = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < give_up_s:
            if self.process.poll() is not None:
                raise RuntimeError(f"expected a running server, it ended with {self.process.returncode}: {self.log()}")
            try:
                reply = requests.get(f"{self.url}/readyz", timeout=5)
            except (requests.ConnectionError, requests.Timeout):
                time.sleep(0.02)
                continue
            if reply.ok and reply.json()["workers"]["ready"] >= workers:
                return time.monotonic() - self.started_s
            time.sleep(0.02)
        raise RuntimeError(f"expected a ready server within {START_TIMEOUT_S:.0f} s: {self.log()}")

    def log(self) -> str:
        return self._log.read_text() if self._log else ""

    def descendants(self) -> list[psutil.Process]:
        try:
            return psutil.Process(self.process.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            return []

    def web(self) -> psutil.Process:
        """The process that carries the connections."""
        return next(child for child in self.descendants() if _kind(child) == "web")

    def workers(self) -> list[psutil.Process]:
        """The analyzer processes."""
        return [child for child in self.descendants() if _kind(child) == "worker"]

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def metrics(self) -> Mapping[str, float]:
        """What `/metrics` says, by series: name and labels as printed."""
        text = requests.get(f"{self.url}/metrics", timeout=5).text
        lines = (line.rpartition(" ") for line in text.splitlines() if not line.startswith("#"))
        return {name: float(value) for name, _, value in lines}
