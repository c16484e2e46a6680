"""The entry point of the server: `gunicorn wsgi:app`, or `python wsgi.py` on systems without gunicorn."""

import os
import warnings

if os.environ.get("EMOTION_ASYNC_MODE", "eventlet") == "eventlet":
    warnings.filterwarnings("ignore", message=r"\s*Eventlet is deprecated")
    import eventlet

    eventlet.monkey_patch()

import contextlib
import sys

from webapp import create_app
from webapp.address import bare_host, invitation, require_free_port
from webapp.listener import raise_descriptor_limit
from webapp.request_log import announce
from webapp.settings import Settings, SettingsError

HTTP_CONNECTIONS = 200

try:
    settings = Settings.from_env(os.environ)
    if __name__ == "__main__":
        require_free_port(settings.host, settings.port)
except SettingsError as error:
    sys.exit(f"Settings: {error}")

app = create_app(settings)


def serve() -> None:
    """Serve until Ctrl-C, then end the analyzer workers."""
    host, connections = bare_host(settings.host), settings.max_clients + HTTP_CONNECTIONS
    if complaint := raise_descriptor_limit(connections, settings.worker_count):
        print(complaint, file=sys.stderr, flush=True)
    announce(invitation(settings), settings)
    if settings.async_mode == "eventlet":
        import eventlet.wsgi

        from webapp.green_listener import PatientListener

        family = eventlet.green.socket.getaddrinfo(host, settings.port)[0][0]
        listener = eventlet.listen((host, settings.port), family)  # closes with the last reference
        eventlet.wsgi.server(PatientListener(listener.fd), app, max_size=connections, log_output=False)
    else:
        app.socketio.run(app, host=host, port=settings.port, allow_unsafe_werkzeug=True)


if __name__ == "__main__":
    try:
        with contextlib.suppress(KeyboardInterrupt):
            serve()
    finally:
        app.analyzers.stop()
