"""gunicorn's threaded worker, which survives a shortage of file descriptors and ends with its parent."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from typing import Any

from gunicorn.workers.gthread import ThreadWorker

from webapp.listener import AcceptErrors, NamelessErrors

HEAD_S = 8.0
"""The head of a request must arrive within this time; its connection occupies a thread meanwhile."""
SWEEP_EVERY_S = 0.5


class PatientThreadWorker(NamelessErrors, ThreadWorker):
    """The worker class that `gunicorn.conf.py` names for `EMOTION_ASYNC_MODE=threading`."""

    _errors = AcceptErrors()

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._heads: dict[Any, float] = {}
        """Since when which connection is in a thread without its head."""

    def run(self) -> None:
        threading.Thread(target=self._watch_heads, name="head-watch", daemon=True).start()
        super().run()

    def handle(self, conn: Any) -> Any:
        self._heads[conn] = time.monotonic()
        try:
            return super().handle(conn)
        finally:
            self._heads.pop(conn, None)

    def handle_request(self, req: Any, conn: Any) -> Any:
        self._heads.pop(conn, None)
        return super().handle_request(req, conn)

    def _watch_heads(self) -> None:
        while self.alive:
            time.sleep(SWEEP_EVERY_S)
            for conn, since_s in list(self._heads.items()):
                if time.monotonic() - since_s > HEAD_S:
                    with contextlib.suppress(OSError):
                        conn.sock.shutdown(socket.SHUT_RDWR)

    def accept(self, listener: socket.socket) -> None:
        try:
            super().accept(listener)
        except OSError as error:
            self._errors.survive(error)

    def is_parent_alive(self) -> bool:
        if super().is_parent_alive():
            return True
        self.alive = False  # what waits for the order to stop reads this
        return False
