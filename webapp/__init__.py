"""The web process: pages, the HTTP interface and live connections. Pictures are read by worker processes."""

from __future__ import annotations

from collections.abc import Sequence

from flask import Flask, request
from flask_limiter import Limiter
from flask_socketio import SocketIO
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.proxy_fix import ProxyFix

from ml.inference.contract import MAX_PIXELS
from ml.inference.log_lines import start_logging
from webapp.access import Access
from webapp.api import create_api
from webapp.assets import STATIC, TEMPLATES, page_version
from webapp.body import MIN_UPLOADS_IN_FLIGHT_BYTES, InMemoryRequest, UploadBudget, end_body
from webapp.connection import RECORDING_WINDOW_FRAMES
from webapp.errors import error_response
from webapp.events import Live
from webapp.gate import Gate, address_key, allowed_origins
from webapp.meter import MESSAGE_OVERHEAD_BYTES, Allowance
from webapp.metrics import Metrics
from webapp.pool.pool import ANALYZER_WORKER, AnalyzerPool
from webapp.request_log import add_request_ids
from webapp.routes import A_YEAR_S, create_pages, with_headers
from webapp.settings import Settings
from webapp.wire import OneAttachmentPacket, limit_messages

MAX_IN_FLIGHT = 8
"""Most frames that a page keeps in flight; a connection with a long delay needs several."""
PING_INTERVAL_S, PING_TIMEOUT_S = 15, 15


class WebApp(Flask):
    """The application and its parts that gunicorn and the tests need."""

    request_class = InMemoryRequest
    socketio: SocketIO
    live: Live
    analyzers: AnalyzerPool


def create_app(settings: Settings, analyzers: AnalyzerPool | None = None, metrics: Metrics | None = None) -> WebApp:
    """Put the parts together and start the workers.

    Args:
        settings: what the operator chose.
        analyzers: a pool to use instead of one made from the settings.
        metrics: the counters to use, where the given pool has them already.
    """
    start_logging(settings.log_format, settings.log_level)
    version = page_version()
    metrics = metrics or Metrics()
    pool = analyzers or create_pool(settings, metrics)
    limits = {
        "max_frame_bytes": settings.max_frame_bytes,
        "max_upload_bytes": settings.max_upload_bytes,
        "max_megapixels": MAX_PIXELS // 1_000_000,
        "max_in_flight": MAX_IN_FLIGHT,
        "max_recording_in_flight": RECORDING_WINDOW_FRAMES,
        "max_frames_per_second": settings.frames_per_second,
    }
    facts = {"page_version": version, "limits": limits}

    # The version is a folder of every static address, so that scripts that import each other inherit it.
    app = WebApp(__name__, template_folder=TEMPLATES, static_folder=STATIC, static_url_path=f"/static/{version}")
    app.config["MAX_CONTENT_LENGTH"] = settings.max_request_bytes
    app.config["SEND_FILE_MAX_AGE_DEFAULT"] = A_YEAR_S
    app.json.sort_keys = False  # type: ignore[attr-defined]

    add_request_ids(app, believes_header=settings.proxies > 0, writes_lines=settings.log_format == "json")
    limiter = Limiter(
        lambda: address_key(request.remote_addr or ""),
        app=app,
        storage_uri=settings.limits,
        in_memory_fallback_enabled=True,
    )
    most_bytes = max(MIN_UPLOADS_IN_FLIGHT_BYTES, settings.max_request_bytes)
    access = Access(settings.token)
    budget = UploadBudget(most_bytes, metrics.upload_bytes.set)
    app.register_blueprint(create_pages(pool, metrics, facts, access))
    app.register_blueprint(create_api(pool, settings, limiter, budget, access))
    app.register_error_handler(HTTPException, error_response)
    app.after_request(with_headers)
    app.after_request(end_body)

    app.socketio = SocketIO(
        app,
        async_mode=settings.async_mode,
        transports=["websocket"],
        allow_upgrades=False,
        serializer=OneAttachmentPacket,
        max_http_buffer_size=settings.max_frame_bytes + MESSAGE_OVERHEAD_BYTES,
        ping_interval=PING_INTERVAL_S,
        ping_timeout=PING_TIMEOUT_S,
        cors_allowed_origins=allowed_origins(settings),
    )
    allowance = Allowance.of(settings.frames_per_second, settings.max_frame_bytes)
    sockets = limit_messages(app.socketio.server, allowance, lambda reason: metrics.closed.labels(reason).inc())
    app.live = Live(pool, settings, metrics, facts, access)
    app.socketio.server.register_namespace(app.live)
    gate = Gate(app.wsgi_app, settings, lambda code: metrics.refused.labels(code).inc())
    app.wsgi_app = gate  # type: ignore[method-assign]
    if settings.proxies:
        trusted = settings.proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=trusted, x_proto=trusted, x_host=trusted)  # type: ignore[method-assign]

    app.analyzers = pool
    metrics.in_flight.set_function(lambda: pool.unanswered)
    pool.start()
    app.socketio.start_background_task(metrics.watch_lag, app.socketio.sleep)
    app.socketio.start_background_task(sockets.watch, app.socketio.sleep)
    return app


def create_pool(settings: Settings, metrics: Metrics, command: Sequence[str] = ANALYZER_WORKER) -> AnalyzerPool:
    """The workers that the settings ask for, not yet started."""
    model = ["--model", settings.model] if settings.model else []
    return AnalyzerPool(
        size=settings.worker_count,
        observer=metrics,
        command=[*command, "--log-format", settings.log_format, *model],
        frame_deadline_s=settings.frame_deadline_ms / 1000,
        photo_deadline_s=settings.photo_deadline_ms / 1000,
        photo_queue=settings.photo_queue,
    )
