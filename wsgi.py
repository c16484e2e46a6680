"""Where a server begins: `gunicorn wsgi:app`, or `python wsgi.py` where gunicorn does not run."""

import os
import warnings

if os.environ.get("EMOTION_ASYNC_MODE", "eventlet") == "eventlet":
    warnings.filterwarnings("ignore", message=r"\s*Eventlet is deprecated")
    import eventlet

    eventlet.monkey_patch()

import sys

from webapp import create_app
from webapp.address import invitation, require_free_port
from webapp.settings import Settings, SettingsError

try:
    settings = Settings.from_env(os.environ)
    if __name__ == "__main__":
        require_free_port(settings.host, settings.port)
except SettingsError as error:
    sys.exit(f"Settings: {error}")

app = create_app(settings)

if __name__ == "__main__":
    print(invitation(settings), flush=True)
    app.socketio.run(app, host=settings.host, port=settings.port, allow_unsafe_werkzeug=True)
