"""The id of each request: in its answer as `X-Request-ID`, in every log line about it."""

from __future__ import annotations

import logging
import re
import secrets
import time

from flask import Flask, Response, g, request

from ml.inference.log_lines import JsonFormatter, request_id, start_logging
from webapp.settings import Settings

HEADER = "X-Request-ID"
GIVEN = re.compile(r"[A-Za-z0-9._-]{1,64}")

log = logging.getLogger(__name__)


def add_request_ids(app: Flask, believes_header: bool, writes_lines: bool) -> None:
    """Give every request an id.

    Args:
        believes_header: take the id that a trusted proxy sends.
        writes_lines: log one line for each request: no address, no query, nothing of the body.
    """

    @app.before_request
    def begin() -> None:
        given = request.headers.get(HEADER, "")
        g.began_s = time.monotonic()
        request_id.set(given if believes_header and GIVEN.fullmatch(given) else secrets.token_hex(8))

    @app.after_request
    def end(response: Response) -> Response:
        response.headers[HEADER] = request_id.get()
        if writes_lines:
            duration_ms = round((time.monotonic() - g.began_s) * 1000, 1) if "began_s" in g else None
            fields = {"method": request.method, "path": request.path[:200], "status": response.status_code}
            log.info("request", extra={"fields": fields | {"duration_ms": duration_ms}})
        return response

    @app.teardown_request
    def forget(error: BaseException | None) -> None:
        request_id.set("")


def write_json(logger: logging.Logger) -> None:
    """Let a logger that has handlers of its own write JSON."""
    for handler in logger.handlers:
        handler.setFormatter(JsonFormatter())


def announce(line: str, settings: Settings) -> None:
    """Print a line for whoever starts the server; where programs read the log, as a line of the log."""
    if settings.log_format == "text":
        print(line, flush=True)
        return
    start_logging(settings.log_format, settings.log_level)
    log.info(line)
