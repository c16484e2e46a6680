"""Analysis of photographs over HTTP: `POST /api/analyze`."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from http import HTTPStatus
from typing import Any, cast

from flask import Blueprint, Response, g, jsonify, request
from flask_limiter import Limiter
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from ml.inference.contract import (
    Analysis,
    AnalysisError,
    BadImage,
    Busy,
    InternalError,
    NotAnImage,
    NotReady,
    Request,
    TooLarge,
)
from ml.inference.log_lines import request_id
from webapp.access import Access
from webapp.body import InMemoryRequest, UploadBudget
from webapp.formats import FORMATS
from webapp.openapi import SEARCHES, description
from webapp.parallel import in_parallel
from webapp.pictures import Picture, pictures_of
from webapp.pool.pool import AnalyzerPool
from webapp.settings import Settings

log = logging.getLogger(__name__)

HTTP_STATUS: dict[type[AnalysisError], HTTPStatus] = {
    BadImage: HTTPStatus.BAD_REQUEST,
    TooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    NotAnImage: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    Busy: HTTPStatus.TOO_MANY_REQUESTS,
    NotReady: HTTPStatus.SERVICE_UNAVAILABLE,
    InternalError: HTTPStatus.INTERNAL_SERVER_ERROR,
}
"""The status of each kind of error."""


PARALLEL_PICTURES = 4
"""Pictures of one request that are analysed at a time."""


@dataclass(frozen=True)
class Options:
    """Options in the query of a request: format of the answer, heat maps, thorough search."""

    answer: Callable[[Analysis], Any]
    explain: bool = False
    exhaustive: bool = False


def create_api(
    pool: AnalyzerPool, settings: Settings, limiter: Limiter, budget: UploadBudget, access: Access
) -> Blueprint:
    api = Blueprint("api", __name__, url_prefix="/api")
    api.before_request(access.refuse)

    def answer(picture: Picture, options: Options) -> Any:
        """The answer for one picture, which may be an error. An error of one picture does not affect the others."""
        try:
            if isinstance(picture, AnalysisError):
                raise picture
            photo = Request(picture, thorough=True, exhaustive=options.exhaustive, explain=options.explain)
            return options.answer(pool.photo(replace(photo, log_id=request_id.get())))
        except AnalysisError as error:
            return error
        except Exception:
            log.exception("a picture could not be answered")
            return InternalError("The picture could not be analysed because of a fault in the server.")

    rate = partial(limiter.shared_limit, f"{settings.api_per_minute} per minute", scope="pictures")
    first, others = rate(), rate(cost=lambda: g.pictures - 1)

    @api.post("/analyze")
    def analyze() -> Response:
        options = _options()
        with first, budget.reserved(request.content_length or settings.max_request_bytes):
            pictures, wants_list = pictures_of(cast(InMemoryRequest, request), settings.max_upload_bytes)
            g.pictures = len(pictures)
            if len(pictures) > 1:
                with others:
                    pass
            answers = in_parallel(lambda picture: answer(picture, options), pictures, PARALLEL_PICTURES)
        if wants_list:
            return jsonify([one.to_dict() if isinstance(one, AnalysisError) else one for one in answers])
        if isinstance(answers[0], AnalysisError):
            raise answers[0]
        return jsonify(answers[0])

    @api.errorhandler(AnalysisError)
    def analysis_error(error: AnalysisError) -> Response:
        response = jsonify(error.to_dict())
        response.status_code = HTTP_STATUS[type(error)]
        if isinstance(error, Busy | NotReady):
            response.headers["Retry-After"] = str(max(1, round(pool.retry_after_ms / 1000)))
        return response

    @api.errorhandler(RequestEntityTooLarge)
    def too_large(error: RequestEntityTooLarge) -> Response:
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

    @api.get("/openapi.json")
    def openapi() -> Response:
        return jsonify(description(settings))

    return api


def _options() -> Options:
    shape = request.args.get("format", "emotion")
    if shape not in FORMATS:
        raise BadImage(f"expected the format {', '.join(FORMATS)}, received {shape[:40]!r}")
    explain = request.args.get("explain", "0")
    if explain not in ("0", "1"):
        raise BadImage(f"expected explain=0 or explain=1, received {explain[:40]!r}")
    if explain == "1" and shape != "emotion":
        raise BadImage(f"expected explain=1 without another format, received the format {shape}")
    search = request.args.get("search", SEARCHES[0])
    if search not in SEARCHES:
        raise BadImage(f"expected the search {' or '.join(SEARCHES)}, received {search[:40]!r}")
    return Options(FORMATS[shape], explain=explain == "1", exhaustive=search == "thorough")


def error_response(error: HTTPException) -> Response | HTTPException:
    """An HTTP error in the format of all errors, for paths under `/api/`."""
    if not request.path.startswith("/api/"):
        return error
    code = HTTPStatus(error.code or 500).phrase.lower().replace(" ", "_")
    response = jsonify({"ok": False, "code": code, "message": error.description or code})
    response.status_code = error.code or 500
    return response
