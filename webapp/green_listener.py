"""Sockets for green threads: a listener that continues after a shortage of file descriptors, and fair connections."""

from __future__ import annotations

import time
from typing import Any

import eventlet
from eventlet import hubs
from eventlet.greenio import GreenSocket

from webapp.listener import AcceptErrors

TURN_S = 0.002
"""A connection whose turn began longer ago lets others have theirs before it reads or sends."""


class FairSocket(GreenSocket):
    """A connection on which a client that always sends, or always reads, cannot keep the others waiting.

    eventlet lets others have their turn only when a call would block. A client that sends one request after the other,
    or a body in chunks of one byte, is read without a pause.
    """

    _turn_began_s = 0.0

    def recv(self, bufsize: int, flags: int = 0) -> bytes:
        self._let_others()
        return super().recv(bufsize, flags)

    def recv_into(self, buffer: Any, nbytes: int = 0, flags: int = 0) -> int:
        self._let_others()
        return super().recv_into(buffer, nbytes, flags)

    def send(self, data: Any, flags: int = 0) -> int:
        self._let_others()
        return super().send(data, flags)

    def _let_others(self) -> None:
        if time.monotonic() - self._turn_began_s > TURN_S:
            eventlet.sleep(0)
            self._turn_began_s = time.monotonic()


class PatientListener(GreenSocket):
    """A listening socket whose `accept` waits while no file descriptor is free; its connections are fair."""

    def __init__(self, listener: Any) -> None:
        super().__init__(listener)
        self._errors = AcceptErrors(eventlet.sleep)

    def accept(self) -> tuple[FairSocket, Any]:
        while True:
            try:
                client, address = self.fd.accept()
            except BlockingIOError:
                self._trampoline(self.fd, read=True)
            except OSError as error:
                self._errors.survive(error)
            else:
                hubs.notify_opened(client.fileno())
                return FairSocket(client), address
