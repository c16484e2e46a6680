"""Pages, health and metrics."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flask import Blueprint, Response, jsonify, make_response, render_template
from werkzeug.exceptions import HTTPException, NotFound

from ml.inference.contract import NotReady
from webapp.api import HTTP_STATUS, error_response
from webapp.metrics import Metrics
from webapp.pool.pool import AnalyzerPool

ROOT = Path(__file__).resolve().parent.parent
TEMPLATES = ROOT / "templates"
STATIC = ROOT / "static"
STRINGS = STATIC / "locales" / "en.json"

SECURITY_HEADERS = {
    "Content-Security-Policy": "; ".join(
        [
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "connect-src 'self'",
            "img-src 'self' blob:",
            "media-src 'self' blob:",
            "worker-src 'self'",
            "base-uri 'none'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        ]
    ),
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
A_YEAR_S = 365 * 24 * 3600


def page_version() -> str:
    """Twelve hexadecimal digits that change whenever a page, script, style or picture does."""
    digest = hashlib.sha256()
    for path in sorted(path for folder in (TEMPLATES, STATIC) for path in folder.rglob("*") if path.is_file()):
        digest.update(str(path.relative_to(ROOT)).encode() + b"\0")
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:12]


def create_pages(pool: AnalyzerPool, metrics: Metrics, facts: Mapping[str, Any]) -> Blueprint:
    """The pages and what watches the server.

    Args:
        facts: what every page is rendered with: `limits` and `page_version`.
    """
    pages = Blueprint("pages", __name__)
    strings = json.loads(STRINGS.read_text(encoding="utf-8"))

    def page(template: str, status: int = 200) -> Response:
        response = make_response(render_template(template, strings=strings, model=dict(pool.model), **facts), status)
        response.headers["Cache-Control"] = "no-cache"  # stored, but never shown without asking whether it still holds
        response.add_etag()
        return response

    @pages.get("/")
    def live() -> Response:
        return page("live.html")

    @pages.get("/photo")
    def photo() -> Response:
        return page("photo.html")

    @pages.app_errorhandler(404)
    def missing(error: NotFound) -> Response | HTTPException:
        in_shape = error_response(error)
        return page("missing.html", 404) if in_shape is error else in_shape

    @pages.get("/healthz")
    def healthz() -> Response:
        return _uncached(jsonify(ok=True))

    @pages.get("/readyz")
    def readyz() -> Response:
        if not pool.ready:
            response = jsonify(NotReady(f"expected a ready analyzer, received 0 of {pool.size}").to_dict())
            response.status_code = HTTP_STATUS[NotReady]
            response.headers["Retry-After"] = "1"
            return _uncached(response)
        return _uncached(jsonify(ok=True, workers={"ready": pool.ready, "all": pool.size}, model=dict(pool.model)))

    @pages.get("/metrics")
    def measures() -> Response:
        return _uncached(Response(metrics.text(), content_type="text/plain; version=0.0.4; charset=utf-8"))

    return pages


def with_headers(response: Response) -> Response:
    """Add the security headers; static files, whose address holds their version, may be kept for ever."""
    for name, value in SECURITY_HEADERS.items():
        response.headers.setdefault(name, value)
    if response.cache_control.max_age == A_YEAR_S:
        response.cache_control.immutable = True
    elif not response.headers.get("Cache-Control"):
        response.headers["Cache-Control"] = "no-store"
    return response


def _uncached(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    return response
