"""Labels, values, errors and the worker's wire format survive their way there and back."""

from __future__ import annotations

import json

import pytest

from ml.inference import contract
from ml.inference.contract import (
    DISPLAY_NAMES,
    EMOTIONS,
    PREFIX,
    Analysis,
    AnalysisError,
    BadImage,
    Box,
    Face,
    InternalError,
    Region,
    Request,
    analysis_from_head,
    pack_message,
    reply_head,
    request_from_head,
    request_head,
)

HAPPY = (0.05, 0.0, 0.05, 0.7, 0.0, 0.1, 0.1)


def test_nobody_found_is_a_result() -> None:
    assert Analysis(640, 480, ()).to_dict() == {
        "ok": True,
        "image": {"width": 640, "height": 480},
        "faces": [],
        "timing_ms": {},
        "model": {},
    }


def test_labels_have_one_order_and_a_name_each() -> None:
    assert EMOTIONS == ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
    assert tuple(DISPLAY_NAMES) == EMOTIONS


def test_a_face_says_its_dominant_emotion() -> None:
    face = Face(Box(1, 2, 30, 40), HAPPY, uncertain=False)
    assert (face.dominant_emotion, face.confidence) == ("happy", 0.7)
    assert face.to_dict()["box"] == [1, 2, 30, 40]
    assert list(face.to_dict()["emotions"]) == list(EMOTIONS)
    assert "id" not in face.to_dict()
    assert "smoothed" not in face.to_dict()


@pytest.mark.parametrize(
    "face", [Face(Box(1, 2, 3, 4), HAPPY, True), Face(Box(0, 0, 9, 9), HAPPY, False, 3, HAPPY[::-1])]
)
def test_a_face_survives_json(face: Face) -> None:
    assert Face.from_dict(json.loads(json.dumps(face.to_dict()))) == face


def test_a_region_is_free_of_resolution() -> None:
    assert Region.of(Box(64, 48, 128, 96), 640, 480) == Region.of(Box(32, 24, 64, 48), 320, 240)


def test_a_request_survives_the_wire() -> None:
    request = Request(b"jpeg", (Region(0.1, 0.2, 0.3, 0.4),), full_search=False, thorough=True, budget_ms=250.0)
    head = json.loads(json.dumps(request_head(request, 7)))
    assert head["id"] == 7
    assert request_from_head(head, b"jpeg") == request


def test_an_analysis_survives_the_wire() -> None:
    analysis = Analysis(
        640, 480, (Face(Box(1, 2, 3, 4), HAPPY, False),), {"total": 4.5}, {"name": "m"}, full_search=False
    )
    message = pack_message(reply_head(analysis, 7), body_length=0)
    head_length, body_length = PREFIX.unpack(message[: PREFIX.size])
    assert (head_length, body_length) == (len(message) - PREFIX.size, 0)
    assert analysis_from_head(json.loads(message[PREFIX.size :])) == analysis


@pytest.mark.parametrize("kind", AnalysisError.__subclasses__())
def test_an_error_survives_the_wire(kind: type[AnalysisError]) -> None:
    head = json.loads(json.dumps(reply_head(kind("expected a, received b"), 7)))
    with pytest.raises(kind, match="expected a, received b"):
        analysis_from_head(head)


def test_an_unknown_error_code_is_an_internal_error() -> None:
    assert isinstance(AnalysisError.from_dict({"code": "new", "message": "?"}), InternalError)


def test_errors_have_codes_and_http_statuses_of_their_own() -> None:
    kinds = AnalysisError.__subclasses__()
    assert len({kind.code for kind in kinds}) == len({kind.status for kind in kinds}) == len(kinds)
    assert BadImage("no").to_dict() == {"ok": False, "code": "bad_image", "message": "no"}
    assert all(f"{kind.code:<12}" in (contract.__doc__ or "") for kind in kinds)
