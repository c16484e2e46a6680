"""gunicorn's worker over eventlet: one process, a green thread for each connection.

gunicorn 26 removed its eventlet worker. This one uses the base class of gunicorn's asynchronous workers. In addition,
it accepts connections again after a shortage of file descriptors, and it ends with its parent.
"""

from __future__ import annotations

import os
from typing import Any

import eventlet
import eventlet.wsgi
from eventlet import hubs
from gunicorn.sock import ssl_wrap_socket
from gunicorn.workers.base_async import AsyncWorker

from webapp.green_listener import PatientListener
from webapp.listener import NamelessErrors

TICK_S = 0.2
"""Interval at which the worker reports to its master and checks whether it should stop."""


class EventletWorker(NamelessErrors, AsyncWorker):
    """The worker class that `gunicorn.conf.py` names."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.cfg.set("sendfile", False)  # the system call would block every connection

    def init_process(self) -> None:
        hubs.use_hub()  # after the fork: a hub's descriptors do not survive one
        super().init_process()

    def timeout_ctx(self) -> eventlet.Timeout:
        return eventlet.Timeout(self.cfg.keepalive or None, False)

    def is_already_handled(self, respiter: Any) -> bool:
        if getattr(eventlet.wsgi.WSGI_LOCAL, "already_handled", False):
            raise StopIteration  # a WebSocket that has ended: there is no response to write
        return super().is_already_handled(respiter)

    def handle_quit(self, sig: int, frame: Any) -> None:
        eventlet.spawn(super().handle_quit, sig, frame)  # it sleeps, which a signal handler must not

    def handle_usr1(self, sig: int, frame: Any) -> None:
        eventlet.spawn(super().handle_usr1, sig, frame)

    def handle(self, listener: Any, client: Any, addr: Any) -> None:
        if self.cfg.is_ssl:
            client = ssl_wrap_socket(client, self.cfg)
        super().handle(listener, client, addr)

    alive: bool

    def run(self) -> None:
        connections = eventlet.GreenPool(self.worker_connections)
        acceptors = [eventlet.spawn(self._accept, PatientListener(end), connections) for end in self.sockets]
        while self.alive:
            self.notify()
            if os.getppid() != self.ppid:
                self.log.warning("the gunicorn master is gone: stopping")
                self.alive = False
            eventlet.sleep(TICK_S)
        for acceptor in acceptors:
            acceptor.kill()
        for end in self.sockets:
            end.close()
        with eventlet.Timeout(self.cfg.graceful_timeout, False):
            while connections.running():
                self.notify()
                eventlet.sleep(TICK_S / 4)

    def _accept(self, listener: PatientListener, connections: eventlet.GreenPool) -> None:
        while True:
            client, address = listener.accept()
            connections.spawn_n(self.handle, listener, client, address)
            del client, address  # a listener that waits must not keep the last connection open
