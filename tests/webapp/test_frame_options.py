"""The options of a frame, and what is refused."""

from __future__ import annotations

import math
from typing import Any

import pytest

from ml.inference.contract import BadImage, Region
from ml.inference.tracks import Sight
from webapp.frame_options import MAX_KNOWN_FACES, FrameOptions, parse_frame_options

LABELS = ("sad", "happy")
FACE: dict[str, Any] = {"id": 2, "box": [64, 48, 128, 96], "time_s": 1.5, "smoothed": {"happy": 0.75, "sad": 0.25}}
IMAGE = {"width": 640, "height": 480}
REGION = Region(0.1, 0.1, 0.2, 0.2)


def recorded(known: object) -> dict[str, Any]:
    return {"lane": "recording", "time_s": 2.0, "known": known}


@pytest.mark.parametrize("given", [None, {}, {"seq": 7}, {"lane": "live", "time_s": "unread"}])
def test_a_frame_is_live_unless_told_otherwise(given: object) -> None:
    assert parse_frame_options(given, LABELS) == FrameOptions("live", 0.0, None)


def test_a_recording_has_a_time_and_may_begin_anew() -> None:
    assert parse_frame_options({"lane": "recording", "time_s": 7}, LABELS) == FrameOptions("recording", 7.0, None)
    assert parse_frame_options(recorded({"faces": []}), LABELS).known == ()


def test_known_faces_carry_what_the_client_remembers() -> None:
    bare = {"id": 3, "box": [64, 48, 128, 96]}
    options = parse_frame_options(recorded({"image": IMAGE, "faces": [FACE, bare]}), LABELS)
    assert options.known == (Sight(2, REGION, 1.5, (0.25, 0.75)), Sight(3, REGION))
    assert options.next_id == 1
    assert parse_frame_options(recorded({"faces": [], "next_id": 7}), LABELS).next_id == 7
    live = parse_frame_options({"known": {"image": IMAGE, "faces": [FACE]}}, LABELS)
    assert live.known == (Sight(2, REGION, -math.inf, (0.25, 0.75)),)


@pytest.mark.parametrize(
    "given",
    [
        "recording",
        [],
        7,
        {"lane": "photo"},
        {"lane": None},
        {"lane": ["recording"]},
        {"lane": "recording"},
        {"lane": "recording", "time_s": "1"},
        {"lane": "recording", "time_s": True},
        {"lane": "recording", "time_s": -1},
        {"lane": "recording", "time_s": math.nan},
        {"lane": "recording", "time_s": math.inf},
        recorded([]),
        recorded({}),
        recorded({"faces": {}}),
        recorded({"faces": [], "next_id": 0}),
        recorded({"faces": [], "next_id": "7"}),
        recorded({"faces": [FACE]}),
        recorded({"faces": [FACE], "image": {"width": 0, "height": 480}}),
        recorded({"faces": [FACE], "image": {"width": 640}}),
        recorded({"faces": [7], "image": IMAGE}),
        recorded({"faces": [FACE, FACE], "image": IMAGE}),
        recorded({"faces": [FACE | {"id": n} for n in range(1, MAX_KNOWN_FACES + 2)], "image": IMAGE}),
        *(
            recorded({"faces": [FACE | wrong], "image": IMAGE})
            for wrong in (
                {"id": 0},
                {"id": 10**9},
                {"id": None},
                {"box": None},
                {"box": [1, 2, 3]},
                {"box": [1, 2, 0, 4]},
                {"box": [1, 2, math.nan, 4]},
                {"box": [1, 2, "3", 4]},
                {"time_s": -1},
                {"smoothed": [0.5, 0.5]},
                {"smoothed": {"happy": 1.0}},
                {"smoothed": {"happy": 2.0, "sad": 0.0}},
            )
        ),
    ],
)
def test_what_cannot_be_used_is_refused_in_one_sentence(given: object) -> None:
    with pytest.raises(BadImage, match=r"^expected .*, received .*$"):
        parse_frame_options(given, LABELS)
