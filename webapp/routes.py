"""Pages, health and metrics."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

from flask import Blueprint, Response, jsonify, make_response, render_template, request
from werkzeug.exceptions import HTTPException, NotFound

from ml.inference.contract import NotReady
from webapp.access import MAX_FORM_BYTES, Access
from webapp.assets import eager_modules
from webapp.catalogue import LANGUAGES, load_catalogues
from webapp.errors import ERRORS, HTTP_STATUS, error_response
from webapp.guesses import WINDOW_S
from webapp.metrics import Metrics
from webapp.pool.pool import AnalyzerPool

PANELS = {"camera": "/", "video": "/video", "photo": "/photo"}
"""The panels of the one page and their addresses; each has a template `_{name}.html` and an entry in main.js."""

WITHOUT_TOKEN = {"pages.token", "pages.healthz", "pages.readyz", "pages.measures"}
"""Endpoints that ask for no token: where it is typed, and what machines watch."""

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
PROBE = "img/favicon.svg"
"""A static file that other origins may load: a page over http finds out with it whether https answers."""
A_YEAR_S = 365 * 24 * 3600


def create_pages(pool: AnalyzerPool, metrics: Metrics, facts: Mapping[str, Any], access: Access) -> Blueprint:
    """The pages, health checks and metrics.

    Args:
        facts: values for every page: `limits` and `page_version`.
    """
    pages = Blueprint("pages", __name__)
    catalogues = load_catalogues()
    preload = eager_modules("main.js")

    def page(template: str, panel: str, status: int = 200, **more: object) -> Response:
        language = choose_language()
        catalogue = catalogues[language]
        model = dict(pool.model)
        text = render_template(
            template,
            panel=panel,
            panels=PANELS,
            language=language,
            languages=LANGUAGES,
            strings=catalogue.all,
            config_json=catalogue.config_json(panel, model=model, **facts),
            preload=preload,
            errors=[(code, int(status)) for code, status in ERRORS],
            needs_token=access.asks,
            model=model,
            **facts,
            **more,
        )
        response = make_response(text, status)
        response.headers["Cache-Control"] = "no-cache"  # stored, but never shown without asking whether it still holds
        response.vary.update(("Accept-Language", "Cookie"))
        response.add_etag()
        return response

    def show_panel(panel: str) -> Callable[[], Response]:
        return lambda: page("app.html", panel)

    def ask(is_wrong: bool) -> Response:
        """The page where a person types the token; after many wrong ones, that they have to wait."""
        if is_wrong and access.must_wait():
            response = page("token.html", "", HTTPStatus.TOO_MANY_REQUESTS, problem="many")
            response.headers["Retry-After"] = str(round(WINDOW_S))
            return response
        return page("token.html", "", HTTPStatus.UNAUTHORIZED, problem="wrong" if is_wrong else "")

    @pages.before_request
    def ask_for_token() -> Response | None:
        """Let people in who come with the token in the address; show the others where to type it."""
        if request.endpoint in WITHOUT_TOKEN:
            return None
        shown = request.args.get("token")
        entered = None if shown is None else access.entered(shown, request.path)
        if entered or access.is_granted_to_person:
            return entered
        return ask(is_wrong=shown is not None)

    @pages.post("/token")
    def token() -> Response:
        request.max_content_length = MAX_FORM_BYTES
        entered = access.entered(request.form.get("token", ""), "/")
        return entered or ask(is_wrong=True)

    for name, path in PANELS.items():
        pages.add_url_rule(path, name, show_panel(name))

    @pages.get("/api")
    def api() -> Response:
        return page("api.html", "api")

    @pages.app_errorhandler(404)
    def missing(error: NotFound) -> Response | HTTPException:
        in_shape = error_response(error)
        return page("missing.html", "", 404) if in_shape is error else in_shape

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


def choose_language() -> str:
    """The visitor's choice in the menu, else what the browser prefers, else English."""
    chosen = request.cookies.get("language", "")
    return chosen if chosen in LANGUAGES else request.accept_languages.best_match(LANGUAGES, "en")


def with_headers(response: Response) -> Response:
    """Add the security headers; static files, whose address holds their version, may be kept for ever."""
    if request.endpoint == "static" and (request.view_args or {}).get("filename") == PROBE:
        response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
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
