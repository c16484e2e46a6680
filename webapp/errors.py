"""Errors of the HTTP interface: the code and the status of each.

The API's page, its description and `docs/clients.md` list the same errors; `static/locales` has a sentence for each.
"""

from __future__ import annotations

from http import HTTPStatus

from flask import Response, jsonify, request
from werkzeug.exceptions import HTTPException

from ml.inference.contract import AnalysisError, BadImage, Busy, InternalError, NotAnImage, NotReady, TooLarge

HTTP_STATUS: dict[type[AnalysisError], HTTPStatus] = {
    BadImage: HTTPStatus.BAD_REQUEST,
    TooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    NotAnImage: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    Busy: HTTPStatus.TOO_MANY_REQUESTS,
    NotReady: HTTPStatus.SERVICE_UNAVAILABLE,
    InternalError: HTTPStatus.INTERNAL_SERVER_ERROR,
}
"""The status of each kind of error of an analysis."""

CODES: dict[HTTPStatus, str] = {
    HTTPStatus.BAD_REQUEST: "bad_request",
    HTTPStatus.UNAUTHORIZED: "unauthorized",
    HTTPStatus.NOT_FOUND: "not_found",
    HTTPStatus.METHOD_NOT_ALLOWED: "method_not_allowed",
    HTTPStatus.REQUEST_TIMEOUT: "request_timeout",
    HTTPStatus.INTERNAL_SERVER_ERROR: InternalError.code,
}
"""The code of each error of the protocol by its status."""

BAD_HOST = "bad_host"

ERRORS: tuple[tuple[str, HTTPStatus], ...] = tuple(
    sorted(
        {
            *((kind.code, status) for kind, status in HTTP_STATUS.items()),
            *((code, status) for status, code in CODES.items()),
            (BAD_HOST, HTTPStatus.BAD_REQUEST),
        },
        key=lambda error: (error[1], error[0]),
    )
)
"""Every error: its code and its status, in the order of the statuses."""


def error_response(error: HTTPException) -> Response | HTTPException:
    """An HTTP error in the format of all errors, for paths under `/api/`."""
    if not request.path.startswith("/api/"):
        return error
    status = HTTPStatus(error.code or HTTPStatus.INTERNAL_SERVER_ERROR)
    code = CODES.get(status) or status.phrase.lower().replace(" ", "_")
    message, allowed = error.description or code, error.get_response(request.environ).headers.get("Allow")
    if status is HTTPStatus.NOT_FOUND:
        message = f"expected an address that /api/openapi.json lists, received {ascii(request.path)[1:-1]}"
    elif status is HTTPStatus.METHOD_NOT_ALLOWED:
        message = f"expected {allowed} for {request.path}, received {request.method}"
    response = jsonify({"ok": False, "code": code, "message": message})
    response.status_code = status
    if allowed:
        response.headers["Allow"] = allowed
    return response
