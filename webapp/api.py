"""Analysis of photographs over HTTP: `POST /api/analyze`."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import partial
from http import HTTPStatus
from typing import Any, cast

from flask import Blueprint, Response, g, jsonify, request
from flask_limiter import Limiter
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from ml.inference.contract import Analysis, AnalysisError, BadImage, Busy, InternalError, NotReady, Request, TooLarge
from ml.inference.log_lines import request_id
from webapp.access import Access
from webapp.body import InMemoryRequest, UploadBudget
from webapp.errors import HTTP_STATUS
from webapp.formats import FORMATS
from webapp.openapi import OPTIONS, SEARCHES, description
from webapp.parallel import in_parallel
from webapp.pictures import Picture, pictures_of
from webapp.pool.pool import AnalyzerPool
from webapp.settings import Settings

log = logging.getLogger(__name__)

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
    document = description(settings)

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
        most, length = settings.max_request_bytes, request.content_length
        if length is None:
            is_whole = cast(InMemoryRequest, request).body.received_bytes >= most
        else:
            is_whole = length > most
        if is_whole:
            return analysis_error(TooLarge(f"expected a request of at most {most} bytes, received {length or 'more'}"))
        expected = f"{request.max_form_parts} parts, with at most {request.max_form_memory_size} bytes of text in each"
        return analysis_error(TooLarge(f"expected a form of at most {expected} (pictures are files), received more"))

    @api.errorhandler(HTTPStatus.TOO_MANY_REQUESTS)
    def too_many(error: HTTPException) -> Response:
        return analysis_error(
            Busy(f"expected at most {settings.api_per_minute} pictures a minute from one address, received more")
        )

    @api.get("/openapi.json")
    def openapi() -> Response:
        return jsonify(document)

    return api


def _options() -> Options:
    """The options of the query.

    Raises:
        BadImage: an option or its value is unknown, or an option is given more than once.
    """
    for name, values in request.args.lists():
        if name not in OPTIONS:
            (nearest,) = get_close_matches(name, OPTIONS, 1) or [""]
            hint = f"; did you mean {nearest}?" if nearest else ""
            raise BadImage(f"expected the options {', '.join(OPTIONS)} in the query, received {name[:40]!r}{hint}")
        if len(values) > 1:
            raise BadImage(f"expected the option {name} once, received it {len(values)} times")
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
