"""gunicorn's threaded worker, which survives a shortage of file descriptors and ends with its parent."""

from __future__ import annotations

import socket

from gunicorn.workers.gthread import ThreadWorker

from webapp.listener import AcceptErrors


class PatientThreadWorker(ThreadWorker):
    """The worker class that `gunicorn.conf.py` names for `EMOTION_ASYNC_MODE=threading`."""

    _errors = AcceptErrors()

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
