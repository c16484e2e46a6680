"""`gunicorn tests.support.fake_app:app`: the real server over workers that need no model."""

import os

if os.environ.get("EMOTION_ASYNC_MODE", "eventlet") == "eventlet":
    import eventlet

    eventlet.monkey_patch()

import sys

from webapp import create_app, create_pool
from webapp.metrics import Metrics
from webapp.settings import Settings

settings = Settings.from_env(os.environ)
metrics = Metrics()
app = create_app(settings, create_pool(settings, metrics, [sys.executable, "-m", "tests.support.fake_worker"]), metrics)
