"""Analysis of photographs over HTTP: `POST /api/analyze`."""

from __future__ import annotations

from http import HTTPStatus
from io import BytesIO
from typing import Any

from flask import Blueprint, Request, Response, jsonify, request
from flask_limiter import Limiter
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from ml.inference.contract import AnalysisError, BadImage, Busy, InternalError, NotAnImage, NotReady, TooLarge
from webapp.pool.pool import AnalyzerPool
from webapp.settings import Settings

FIELDS = ("image", "img", "file")
MULTIPART_OVERHEAD_BYTES = 64 * 1024
RAW_BODIES = {"application/octet-stream", "application/x-www-form-urlencoded"}
"""Types of a raw body that name no picture, as programs send that were told none, curl among them: the bytes decide."""
READ_OFF_BYTES = 256 * 1024 * 1024

HTTP_STATUS: dict[type[AnalysisError], HTTPStatus] = {
    BadImage: HTTPStatus.BAD_REQUEST,
    TooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    NotAnImage: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    Busy: HTTPStatus.TOO_MANY_REQUESTS,
    NotReady: HTTPStatus.SERVICE_UNAVAILABLE,
    InternalError: HTTPStatus.INTERNAL_SERVER_ERROR,
}
"""The status of each kind of error."""


class InMemoryRequest(Request):
    """A request whose uploads never touch a disk: pictures are read in memory and thrown away."""

    def _get_file_stream(self, *arguments: Any, **options: Any) -> BytesIO:  # type: ignore[override]
        return BytesIO()


def create_api(pool: AnalyzerPool, settings: Settings, limiter: Limiter) -> Blueprint:
    api = Blueprint("api", __name__, url_prefix="/api")

    @api.post("/analyze")
    @limiter.limit(f"{settings.api_per_minute} per minute")
    def analyze() -> Response:
        image = _picture()
        if len(image) > settings.max_upload_bytes:
            raise TooLarge(f"expected at most {settings.max_upload_bytes} bytes, received {len(image)}")
        return jsonify(pool.photo(image).to_dict())

    @api.errorhandler(AnalysisError)
    def analysis_error(error: AnalysisError) -> Response:
        response = jsonify(error.to_dict())
        response.status_code = HTTP_STATUS[type(error)]
        if isinstance(error, Busy | NotReady):
            response.headers["Retry-After"] = str(max(1, round(pool.retry_after_ms / 1000)))
        return response

    @api.errorhandler(RequestEntityTooLarge)
    def too_large(error: RequestEntityTooLarge) -> Response:
        _read_off()
        length = request.content_length
        received = "more" if length is None else f"{length} in the whole request"
        return analysis_error(
            TooLarge(f"expected a picture of at most {settings.max_upload_bytes} bytes, received {received}")
        )

    @api.errorhandler(HTTPStatus.TOO_MANY_REQUESTS)
    def too_many(error: HTTPException) -> Response:
        return analysis_error(
            Busy(f"expected at most {settings.api_per_minute} pictures a minute from one address, received more")
        )

    return api


def _picture() -> bytes:
    """The picture's bytes, from a form's file field or as the whole body."""
    kind = request.mimetype
    if kind == "multipart/form-data":
        upload = next((request.files[name] for name in FIELDS if name in request.files), None)
        if upload is None:
            texts = (f"{name} as text" for name in request.form)
            received = ", ".join([*request.files, *texts]) or "no field at all"
            raise BadImage(f"expected a file in the field {' or '.join(FIELDS)}, received {received}")
        image = upload.read()
    elif kind.startswith("image/") or kind in RAW_BODIES:
        image = request.get_data(cache=False)
    else:
        raise NotAnImage(f"expected multipart/form-data or an image/* body, received {kind or 'no content type'}")
    if not image:
        raise BadImage("expected a picture, received no bytes")
    return image


def _read_off() -> None:
    """Read what the sender is still sending, within reason, or it would never get to read the answer."""
    stream, left = request.environ["wsgi.input"], min(request.content_length or 0, READ_OFF_BYTES)
    while left > 0 and (piece := stream.read(min(left, 1 << 16))):
        left -= len(piece)


def error_response(error: HTTPException) -> Response | HTTPException:
    """An HTTP error in the shape of every error, where a program asked."""
    if not request.path.startswith("/api/"):
        return error
    code = HTTPStatus(error.code or 500).phrase.lower().replace(" ", "_")
    response = jsonify({"ok": False, "code": code, "message": error.description or code})
    response.status_code = error.code or 500
    return response
