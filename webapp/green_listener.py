"""A listening socket for green threads that continues after a shortage of file descriptors."""

from __future__ import annotations

from typing import Any

import eventlet
from eventlet import hubs
from eventlet.greenio import GreenSocket

from webapp.listener import AcceptErrors


class PatientListener(GreenSocket):
    """A listening socket whose `accept` waits while no file descriptor is free."""

    def __init__(self, listener: Any) -> None:
        super().__init__(listener)
        self._errors = AcceptErrors(eventlet.sleep)

    def accept(self) -> tuple[GreenSocket, Any]:
        while True:
            try:
                client, address = self.fd.accept()
            except BlockingIOError:
                self._trampoline(self.fd, read=True)
            except OSError as error:
                self._errors.survive(error)
            else:
                hubs.notify_opened(client.fileno())
                return GreenSocket(client), address
