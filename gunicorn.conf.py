"""gunicorn's configuration, which `gunicorn wsgi:app` reads by itself.

One process serves all connections; the analyzer workers use the other cores.
"""

import os
import warnings

if os.environ.get("EMOTION_ASYNC_MODE", "eventlet") == "eventlet":
    warnings.filterwarnings("ignore", message=r"\s*Eventlet is deprecated")
    import eventlet

    eventlet.monkey_patch()

import gc
import sys
import threading
import time

from webapp.address import bind_address, invitation, require_free_port
from webapp.listener import raise_descriptor_limit
from webapp.request_log import announce, write_json
from webapp.settings import Settings, SettingsError

try:
    settings = Settings.from_env(os.environ)
except SettingsError as error:
    sys.exit(f"Settings: {error}")

HTTP_CONNECTIONS = 200
"""Connections for pages, photographs and newcomers, beside the live ones."""

is_eventlet = settings.async_mode == "eventlet"
bind = bind_address(settings.host, settings.port)
workers = 1
worker_class = "webapp.eventlet_worker.EventletWorker" if is_eventlet else "webapp.thread_worker.PatientThreadWorker"
worker_connections = settings.max_clients + HTTP_CONNECTIONS
threads = settings.max_clients + 32
timeout = 60
graceful_timeout = settings.drain_s
preload_app = False
control_socket_disable = True
forwarded_allow_ips = ""  # EMOTION_PROXIES alone says whose X-Forwarded headers are believed
loglevel = "warning" if settings.log_level == "info" else settings.log_level  # its start has one line: `when_ready`


def on_starting(server):
    """Report at once that the port is in use; gunicorn itself would retry for five seconds."""
    if is_eventlet:  # a queue of green threads would detect a signal up to a second late
        server.SIG_QUEUE = eventlet.patcher.original("queue").SimpleQueue()
    if settings.log_format == "json":
        write_json(server.log.error_log)
    if complaint := raise_descriptor_limit(worker_connections, settings.worker_count):
        print(complaint, file=sys.stderr, flush=True)
    if {"GUNICORN_FD", "LISTEN_FDS"} & os.environ.keys():
        return  # handed over by the process before this one, or by the system
    try:
        for address in server.cfg.address:
            if isinstance(address, tuple):
                require_free_port(*address[:2])
    except SettingsError as error:
        sys.exit(f"Settings: {error}")


def when_ready(server):
    announce(invitation(settings), settings)


def post_worker_init(worker):
    """Watch for the order to stop; otherwise open sockets would keep the process alive until it is killed."""
    gc.collect()
    gc.freeze()  # exempt the loaded code from garbage collection, which would pause every connection
    threading.Thread(target=_drain_when_told, args=(worker,), name="drain", daemon=True).start()


def _drain_when_told(worker):
    while worker.alive:
        time.sleep(0.1)
    worker.wsgi.live.drain()
    if not is_eventlet:  # the threaded worker closes idle connections only when something wakes it
        while worker.nr_conns:
            worker.method_queue.defer(lambda: None)
            time.sleep(0.2)


def worker_exit(server, worker):
    """End the analyzer workers with the process that feeds them."""
    app = getattr(worker, "wsgi", None)
    if app is not None:
        app.analyzers.stop()
    gc.freeze()


def on_exit(server):
    """Skip the last garbage collection of the process: over a thousand modules it takes a quarter of a second."""
    gc.freeze()
