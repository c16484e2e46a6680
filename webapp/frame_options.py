"""Options of a frame: the second argument of the event `frame`."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ml.inference.contract import BadImage, Box, Region
from ml.inference.tracks import Sight
from webapp.pool.schedule import LIVE, RECORDING

MAX_KNOWN_FACES = 64
MAX_FACE_ID = 100_000
MAX_TIME_S = 1e7
"""Media times above this, 115 days, are refused."""
MAX_SIDE_PX = 100_000


@dataclass(frozen=True)
class FrameOptions:
    """Attributes:
    lane: `live` or `recording`. time_s: media time of a recording's frame.
    known: where faces were last seen; the tracker continues with their ids. None leaves the tracker unchanged.
    next_id: least id of a recording's next new face; 1 if the client does not tell.
    """

    lane: str = LIVE
    time_s: float = 0.0
    known: tuple[Sight, ...] | None = None
    next_id: int = 1


def parse_frame_options(given: object, labels: Sequence[str]) -> FrameOptions:
    """Check the options that a client sent; unknown names are ignored.

    Args:
        labels: of the model, in order.

    Raises:
        BadImage: a value can't be used.
    """
    if given is None:
        return FrameOptions()
    if not isinstance(given, dict):
        raise BadImage(f"expected an object as second argument, received {type(given).__name__}")
    lane = given.get("lane", LIVE)
    if lane not in (LIVE, RECORDING):
        raise BadImage(f"expected the lane {LIVE} or {RECORDING}, received {str(lane)[:40]!r}")
    known = given.get("known")
    return FrameOptions(
        lane=lane,
        time_s=_number("time_s", given.get("time_s"), 0, MAX_TIME_S) if lane == RECORDING else 0.0,
        known=None if known is None else _known(known, labels, with_times=lane == RECORDING),
        next_id=_next_id(known) if lane == RECORDING else 1,
    )


def _next_id(known: object) -> int:
    """One more than the highest id so far, which may be that of a face before a cut."""
    return (
        round(_number("known next_id", known.get("next_id", 1), 1, MAX_FACE_ID + 1)) if isinstance(known, dict) else 1
    )


def _known(given: object, labels: Sequence[str], with_times: bool) -> tuple[Sight, ...]:
    if not isinstance(given, dict) or not isinstance(given.get("faces"), list):
        raise BadImage('expected known as {"image": {"width", "height"}, "faces": [...]}, received something else')
    faces, image = given["faces"], given.get("image")
    if not faces:
        return ()
    if len(faces) > MAX_KNOWN_FACES:
        raise BadImage(f"expected at most {MAX_KNOWN_FACES} known faces, received {len(faces)}")
    if not isinstance(image, dict):
        raise BadImage("expected the size of the picture that the known boxes belong to, received none")
    width, height = (
        round(_number(f"known.image.{side}", image.get(side), 1, MAX_SIDE_PX)) for side in ("width", "height")
    )
    sights = tuple(_sight(face, width, height, labels, with_times) for face in faces)
    if len({sight.id for sight in sights}) < len(sights):
        raise BadImage("expected known faces with different ids, received two with the same")
    return sights


def _sight(given: object, width: int, height: int, labels: Sequence[str], with_times: bool) -> Sight:
    if not isinstance(given, dict):
        raise BadImage(f"expected a known face as an object, received {type(given).__name__}")
    box = given.get("box")
    if not isinstance(box, list) or len(box) != 4:
        raise BadImage("expected the box of a known face as [x, y, width, height], received something else")
    x, y, w, h = (round(_number("known box", value, -MAX_SIDE_PX, MAX_SIDE_PX)) for value in box)
    if w < 1 or h < 1:
        raise BadImage(f"expected a known box of at least 1×1 pixels, received {w}×{h}")
    time_s, smoothed = given.get("time_s"), given.get("smoothed")
    return Sight(
        id=round(_number("known id", given.get("id"), 1, MAX_FACE_ID)),
        region=Region.of(Box(x, y, w, h), width, height),
        seen_s=_number("known time_s", time_s, 0, MAX_TIME_S) if with_times and time_s is not None else -math.inf,
        smoothed=() if smoothed is None else _probabilities(smoothed, labels),
    )


def _probabilities(given: object, labels: Sequence[str]) -> tuple[float, ...]:
    if not isinstance(given, Mapping) or set(given) != set(labels):
        raise BadImage(f"expected smoothed with {', '.join(labels)}, received something else")
    return tuple(_number(label, given[label], 0, 1) for label in labels)


def _number(name: str, value: Any, least: float, most: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
        raise BadImage(f"expected {name} as a number from {least:g} to {most:g}, received {str(value)[:40]}")
    return float(value)
