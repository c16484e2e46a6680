"""The description of the HTTP interface, OpenAPI 3.1: `GET /api/openapi.json`."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from ml.inference.contract import EMOTIONS
from webapp.catalogue import load_catalogue
from webapp.errors import ERRORS
from webapp.formats import FORMATS
from webapp.pictures import FIELDS, MAX_PICTURES
from webapp.settings import Settings

PROBABILITY = {"type": "number", "minimum": 0, "maximum": 1}
PER_CENT = {"type": "number", "minimum": 0, "maximum": 100}
BOX = {
    "type": "array",
    "items": {"type": "integer"},
    "minItems": 4,
    "maxItems": 4,
    "description": "Left, top, width, height in pixels of the upright picture.",
}
BY_LABEL = {
    "type": "object",
    "additionalProperties": PROBABILITY,
    "description": f"A number for each label of the model: {', '.join(EMOTIONS)}, or a model's own.",
}
SEARCHES = ("auto", "thorough")
OPTIONS: dict[str, tuple[dict[str, Any], str]] = {
    "format": (
        {"type": "string", "enum": list(FORMATS), "default": next(iter(FORMATS))},
        "The format of the answer: this project's own, that of the package fer, or that of deepface.",
    ),
    "explain": (
        {"type": "string", "enum": ["0", "1"], "default": "0"},
        "1 adds a heat map to each face: the parts that its dominant emotion rests on. About 0.1 s a face.",
    ),
    "search": (
        {"type": "string", "enum": list(SEARCHES), "default": SEARCHES[0]},
        "thorough finds more faces and takes about twenty times as long.",
    ),
}
"""Options in the query of a request: schema and meaning of each."""


def description(settings: Settings) -> dict[str, Any]:
    """The document; limits are those of the settings."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Facial emotion recognition",
            "version": "1",
            "summary": "Finds the faces in photographs and gives the probabilities of seven emotions for each.",
            "description": (
                f"Pictures are JPEG, PNG or WebP of at most {settings.max_upload_mb} MiB. They are analysed in memory "
                f"and discarded. At most {settings.api_per_minute} pictures a minute from one address."
            ),
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "paths": {
            "/api/analyze": {"post": _analyze(settings)},
            "/api/openapi.json": {"get": _get("This document.", "openapi", {"type": "object"})},
            "/healthz": {"get": _get("Whether the web process answers.", "healthz", _ref("Health"))},
            "/readyz": {
                "get": _get("Whether pictures can be analysed.", "readyz", _ref("Ready"))
                | {"responses": {"200": _json("Ready.", _ref("Ready")), "503": _error(HTTPStatus.SERVICE_UNAVAILABLE)}}
            },
        },
        "components": {"schemas": _schemas()}
        | ({"securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}} if settings.token else {}),
    } | ({"security": [{"token": []}]} if settings.token else {})


def _analyze(settings: Settings) -> dict[str, Any]:
    file = {"type": "string", "format": "binary", "contentMediaType": "application/octet-stream"}
    url = {"type": "string", "description": "data:image/jpeg;base64,… with the picture in it."}
    one_or_more = {"oneOf": [url, {"type": "array", "items": url, "minItems": 1, "maxItems": MAX_PICTURES}]}
    answers = [_ref("Result"), _ref("FerFaces"), _ref("DeepfaceFaces"), _ref("Several")]
    files = {"oneOf": [file, {"type": "array", "items": file}]}
    form = {"type": "object", "properties": dict.fromkeys(FIELDS, files)}
    data = {"type": "object", "properties": dict.fromkeys(FIELDS, one_or_more)}
    raw = {"schema": {"type": "string", "format": "binary"}}
    never = {HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED}
    if not settings.token:
        never.add(HTTPStatus.UNAUTHORIZED)
    statuses = {status: None for _, status in ERRORS if status not in never}
    return {
        "operationId": "analyze",
        "summary": "Analyse one photograph or several.",
        "description": (
            f"A form with several files, or a list of data URLs, may have at most {MAX_PICTURES} pictures. The answer "
            "is a list in the same order, with a result or an error for each. A picture without a face is a result too."
        ),
        "parameters": [_query(name, schema, meaning) for name, (schema, meaning) in OPTIONS.items()],
        "requestBody": {
            "required": True,
            "content": {
                "multipart/form-data": {"schema": form},
                "application/json": {"schema": data},
                "image/jpeg": raw,
                "image/png": raw,
                "image/webp": raw,
                "application/octet-stream": raw,
            },
        },
        "responses": {"200": _json("The faces, largest first.", {"anyOf": answers})}
        | {str(int(status)): _error(status) for status in statuses},
    }


def _schemas() -> dict[str, Any]:
    counts = {"ready": {"type": "integer"}, "all": {"type": "integer"}}
    return {
        "Health": _object({"ok": {"const": True}}),
        "Ready": _object({"ok": {"const": True}, "workers": _object(counts), "model": {"type": "object"}}),
        "Error": _object({"ok": {"const": False}, "code": {"type": "string"}, "message": {"type": "string"}}),
        "Face": _object(
            {
                "box": BOX,
                "emotions": BY_LABEL,
                "dominant_emotion": {"type": "string"},
                "confidence": PROBABILITY,
                "uncertain": {"type": "boolean", "description": "The confidence is too low for an answer."},
            },
            heat={
                "type": "array",
                "items": {"type": "array", "items": {"type": "number", "minimum": -1, "maximum": 1}},
                "description": "How much each part of the face adds to the dominant emotion: rows from the top.",
            },
        ),
        "Result": _object(
            {
                "ok": {"const": True},
                "image": _object({"width": {"type": "integer"}, "height": {"type": "integer"}}),
                "faces": {"type": "array", "items": _ref("Face")},
                "timing_ms": {"type": "object", "additionalProperties": {"type": "number"}},
                "model": {"type": "object"},
            }
        ),
        "FerFaces": {"type": "array", "items": _object({"box": BOX, "emotions": BY_LABEL})},
        "DeepfaceFaces": {
            "type": "array",
            "items": _object(
                {
                    "emotion": {
                        "type": "object",
                        "additionalProperties": PER_CENT,
                    },
                    "dominant_emotion": {"type": "string"},
                    "region": _object(
                        {name: {"type": "integer"} for name in "xywh"}
                        | {name: {"type": "null"} for name in ("left_eye", "right_eye")}
                    ),
                    "face_confidence": PROBABILITY,
                }
            ),
        },
        "Several": {
            "type": "array",
            "items": {"anyOf": [_ref("Result"), _ref("Error"), _ref("FerFaces"), _ref("DeepfaceFaces")]},
        },
    }


def _object(required: dict[str, Any], **optional: Any) -> dict[str, Any]:
    return {"type": "object", "required": list(required), "properties": required | optional}


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def _query(name: str, schema: dict[str, Any], meaning: str) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": False, "schema": schema, "description": meaning}


def _json(meaning: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"description": meaning, "content": {"application/json": {"schema": schema}}}


def _error(status: HTTPStatus) -> dict[str, Any]:
    """Every error with this status, in the words of the API's page."""
    words = load_catalogue("en").all["api"]["errors"]
    return _json(" ".join(f"{code}: {words[code]}" for code, its in ERRORS if its == status), _ref("Error"))


def _get(summary: str, name: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"operationId": name, "summary": summary, "responses": {"200": _json(summary, schema)}}
