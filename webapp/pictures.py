"""The pictures of a request: files of a form, a raw body, or JSON with data URLs. Their type is read from the bytes."""

from __future__ import annotations

import base64
import binascii
import json
import string
from collections.abc import Sequence
from typing import Any

from ml.inference.contract import AnalysisError, BadImage, NotAnImage, TooLarge
from webapp.body import InMemoryRequest

FIELDS = ("image", "img", "file")
MAX_PICTURES = 64
"""Pictures in one request."""
MAX_JSON_VALUES = 4096
"""Values in a JSON body, counted by its commas and opening brackets: millions of them take seconds to read."""
RAW_TYPES = {"", "application/octet-stream", "application/x-www-form-urlencoded"}
"""Content types that are accepted for a raw body, besides `image/*`: programs such as curl send these by default."""

WHITESPACE = string.whitespace.encode()

Picture = bytes | AnalysisError
"""A picture's bytes, or the error for this picture."""


def pictures_of(request: InMemoryRequest, max_bytes: int) -> tuple[list[Picture], bool]:
    """The pictures in the order in which they were sent, and whether the sender expects a list of results.

    Args:
        max_bytes: of one picture.

    Raises:
        AnalysisError: the request holds no picture at all, or too many.
    """
    kind = request.mimetype
    if kind == "multipart/form-data":
        found = _of_form(request)
    elif kind == "application/json":
        found, wants_list = _of_json(request)
        return [_within(picture, max_bytes) for picture in _few(found)], wants_list
    elif kind.startswith("image/") or kind in RAW_TYPES:
        found = [request.get_data(cache=False)]
    else:
        raise NotAnImage(f"expected multipart/form-data, application/json or an image/* body, received {kind}")
    return [_within(picture, max_bytes) for picture in _few(found)], len(found) > 1


def _few(found: Sequence[Picture]) -> Sequence[Picture]:
    if len(found) > MAX_PICTURES:
        raise BadImage(f"expected at most {MAX_PICTURES} pictures in one request, received {len(found)}")
    if not found:
        raise BadImage("expected at least one picture, received an empty list")
    if len(found) == 1 and isinstance(found[0], AnalysisError):
        raise found[0]
    return found


def _within(picture: Picture, max_bytes: int) -> Picture:
    if isinstance(picture, AnalysisError):
        return picture
    if not picture:
        return BadImage("expected a picture, received no bytes")
    if len(picture) > max_bytes:
        return TooLarge(f"expected a picture of at most {max_bytes} bytes, received {len(picture)}")
    return picture


def _of_form(request: InMemoryRequest) -> list[Picture]:
    files = {id(upload.stream): (name, upload) for name, upload in request.files.items(multi=True)}
    in_order = [files[id(stream)] for stream in request.uploads_in_order if id(stream) in files]
    if not any(name in FIELDS for name, _ in in_order):
        texts = (f"{name or 'one without a name'} as text" for name in request.form)
        received = ", ".join([*(name or "one without a name" for name, _ in in_order), *texts]) or "no field at all"
        raise BadImage(f"expected a file in the field {' or '.join(FIELDS)}, received {received}")
    return [
        upload.read()
        if name in FIELDS
        else BadImage(
            f"expected a file in the field {' or '.join(FIELDS)}, received one in the field {name or 'without a name'}"
        )
        for name, upload in in_order
    ]


def _of_json(request: InMemoryRequest) -> tuple[list[Picture], bool]:
    data = request.get_data(cache=False)
    values = sum(data.count(mark) for mark in (b",", b"[", b"{"))
    if values > MAX_JSON_VALUES:
        raise BadImage(f"expected JSON with at most {MAX_JSON_VALUES} values, received about {values}")
    try:
        given: Any = json.loads(data)
    except ValueError as error:
        raise BadImage("expected JSON, received another body") from error
    except RecursionError:
        raise BadImage("expected JSON with few levels of nesting, received too many") from None
    names = [name for name in given if name in FIELDS] if isinstance(given, dict) else []
    if not names:
        received = ", ".join(map(str, given))[:80] if isinstance(given, dict) else type(given).__name__
        raise BadImage(f"expected an object with {' or '.join(FIELDS)}, received {received or 'an empty one'}")
    lists = [given[name] if isinstance(given[name], list) else [given[name]] for name in names]
    wants_list = len(names) > 1 or isinstance(given[names[0]], list)
    return [_decoded(one) for one_list in lists for one in one_list], wants_list


def _decoded(text: object) -> Picture:
    """The bytes of a data URL, or of base64 without its head."""
    if not isinstance(text, str):
        return BadImage(f"expected a data URL as text, received {type(text).__name__}")
    if text.startswith(("http:", "https:", "file:", "/")) and "," not in text:
        return BadImage("expected a data URL that contains the picture, received an address; the server fetches none")
    head, comma, encoded = text.rpartition(",")
    if comma and not (head.startswith("data:") and head.endswith(";base64")):
        return BadImage(f"expected a data URL that begins with data:image/…;base64, received {head[:40]!r}")
    try:
        return base64.b64decode(encoded.encode().translate(None, WHITESPACE), validate=True)
    except (binascii.Error, ValueError):
        return BadImage("expected base64 in the data URL, received other characters")
