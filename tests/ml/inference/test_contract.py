"""Labels, values and errors."""

from __future__ import annotations

from ml.inference import contract
from ml.inference.contract import (
    DIGITS,
    DISPLAY_NAMES,
    EMOTIONS,
    Analysis,
    AnalysisError,
    BadImage,
    Box,
    Face,
    InternalError,
    Region,
)

HAPPY = (0.05, 0.0, 0.05, 0.7, 0.0, 0.1, 0.1)


def test_no_face_is_a_result() -> None:
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


def test_probabilities_are_rounded_for_display_only() -> None:
    third = 1 / 3
    face = Face(Box(1, 2, 3, 4), (third, third, third, 0.0, 0.0, 0.0, 0.0), True, smoothed=(third,) * 7)
    assert face.emotions[0] == third
    assert face.to_dict()["emotions"]["angry"] == face.to_dict()["smoothed"]["sad"] == round(third, DIGITS)


def test_times_are_rounded_for_display_only() -> None:
    analysis = Analysis(640, 480, (), timing_ms={"decode": 0.6249, "total": 67.5})
    assert analysis.timing_ms["decode"] == 0.6249
    assert analysis.to_dict()["timing_ms"] == {"decode": 0.62, "total": 67.5}


def test_a_region_does_not_depend_on_the_resolution() -> None:
    assert Region.of(Box(64, 48, 128, 96), 640, 480) == Region.of(Box(32, 24, 64, 48), 320, 240)


def test_an_unknown_error_code_is_an_internal_error() -> None:
    assert isinstance(AnalysisError.from_dict({"code": "new", "message": "?"}), InternalError)


def test_each_error_has_a_code_of_its_own_that_is_documented() -> None:
    kinds = AnalysisError.__subclasses__()
    assert len({kind.code for kind in kinds}) == len(kinds)
    assert BadImage("no").to_dict() == {"ok": False, "code": "bad_image", "message": "no"}
    assert all(f" {kind.code} " in (contract.__doc__ or "") for kind in kinds)
