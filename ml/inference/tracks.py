"""Tracks faces from frame to frame: ids, smoothed emotions, next search. Pure Python, one `Tracker` per camera.

Ids are small numbers and are reused. A new face takes the free id that was last seen nearest to it; a new id is created
only if all others are in use. So a person who leaves and returns keeps the id, and the largest id is the largest number
of faces that were in view at the same time. A cut of a film ends every track: after it all ids are new.

Boxes are matched by tracking-by-detection as in SORT (Bewley et al. 2016, arXiv:1602.00763): predict each face by
constant velocity, then take the assignment of least total cost (Kuhn–Munkres). The cost is one minus distance-IoU
(Zheng et al. 2020, arXiv:1911.08287), which measures the distance even if boxes do not overlap.
Times are seconds of any monotonic clock; positions are fractions of the picture.
"""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from ml.inference.assignment import assign
from ml.inference.contract import Analysis, Face, Region

FORGET_AFTER_S = 1.0
"""The position of an unseen face is extrapolated for this long; then its track ends."""
RESERVED_S = 0.5
"""The id of an unseen face is reserved for this long; after that a face that appears elsewhere may take it."""
MAX_JUMP = 1.2
"""Largest distance of a face from its expected position, in face sizes."""
MAX_SCALE = 1.8
"""Largest factor by which a face may grow or shrink between two frames."""
VELOCITY_TAU_S = 0.15
STEADY_S = 0.3
COASTING_TAU_S = 0.5
"""A face unseen for longer than `STEADY_S` is expected to slow down with this time constant."""

FULL_SEARCH_S = 0.45
"""Interval of full searches while faces are in view; a new face is found within half a second."""
EMPTY_SEARCH_S = 0.25
"""Interval of full searches while no face is in view."""
LOST_SEARCH_S = 0.1
LOST_FOR_S = 0.3
"""Time after the loss of a face during which full searches run at `LOST_SEARCH_S`."""
HURRIED_EVERY = 4
"""While other pictures wait, at most one frame in this many gets a full search, which costs several times as much as a
tracked frame (`python -m tests.bench.analyzer`). With a fixed interval in time, an overloaded server would spend a
growing share of its frames on full searches and become even slower."""


@dataclass(frozen=True)
class Sight:
    """Where and when a face was last seen, as a client remembers it. `seen_s` may be unknown: minus infinity."""

    id: int
    region: Region
    seen_s: float = -math.inf
    smoothed: tuple[float, ...] = ()


@dataclass(frozen=True)
class _Track:
    id: int
    region: Region
    velocity_xy: tuple[float, float]
    seen_s: float
    smoothed: tuple[float, ...]

    def expected(self, now_s: float) -> Region:
        """The expected position of the face."""
        travel_s = now_s - self.seen_s
        if travel_s > STEADY_S:
            travel_s = STEADY_S + COASTING_TAU_S * (1 - math.exp((STEADY_S - travel_s) / COASTING_TAU_S))
        here, (right, down) = self.region, self.velocity_xy
        return Region(here.x + right * travel_s, here.y + down * travel_s, here.w, here.h)


class Tracker:
    """Follows the faces of one camera.

    Call `near`, `full_search_due` and `view` before a frame is analysed, and `update` with the result, in the order of
    the frames.

    Args:
        smoothing_s: time constant of the exponential mean of the seven probabilities; 0 switches it off.
        random_share: source of numbers from 0 to 1. It shortens the first interval between full searches, so that
            cameras that start at the same time do not always search at the same time.
        has_cuts: whether the frames may be those of a film that was cut. A camera's are not: there, ids are kept.
    """

    def __init__(
        self,
        smoothing_s: float = 0.3,
        random_share: Callable[[], float] = random.random,
        has_cuts: bool = False,
    ) -> None:
        self._smoothing_s = smoothing_s
        self._has_cuts = has_cuts
        self._view = ""
        self._first_id = 1
        self._tracks: list[_Track] = []
        self._last_regions: dict[int, Region] = {}  # by id, for every id that was ever given
        self._updated_s = -math.inf
        self._searched_s = -math.inf
        self._sketch = ""
        self._head_start_s = FULL_SEARCH_S * random_share()
        self._tracked_frames = HURRIED_EVERY

    def resume(self, sights: Iterable[Sight], next_id: int = 1) -> None:
        """Continue the work of another tracker of the same camera or film; its faces keep their ids.

        Faces with a time and smoothed emotions are tracked again; of the others only id and position are kept.
        A cut just before the next frame is missed, because there is no view to compare that frame with: the frame that
        was read last is read once more.

        Args:
            sights: of a film, those since its last cut.
            next_id: of a film, least id of the next new face; ids from before a cut are below it.
        """
        for sight in sights:
            self._last_regions[sight.id] = sight.region
            if sight.seen_s > -math.inf and sight.smoothed:
                self._tracks.append(_Track(sight.id, sight.region, (0.0, 0.0), sight.seen_s, sight.smoothed))
                self._updated_s = max(self._updated_s, sight.seen_s)
        if self._has_cuts:
            self._first_id = max(next_id, self._next_id())

    def near(self, now_s: float) -> tuple[Region, ...]:
        """Expected positions of the faces of the last frame, for `Request.near`."""
        return tuple(
            visible
            for track in self._tracks
            if track.seen_s == self._updated_s and (visible := _inside(track.expected(now_s))) is not None
        )

    def full_search_due(self, now_s: float, hurried: bool = False) -> bool | str:
        """Whether the next frame needs a search, for `Request.full_search`; `hurried`: other pictures are waiting.

        While every face is in view, a search of what has changed is enough.
        """
        search: bool | str = True
        if hurried and self._tracked_frames + 1 < HURRIED_EVERY:
            return False
        if any(0 < self._updated_s - track.seen_s <= LOST_FOR_S for track in self._tracks):
            wait_s = LOST_SEARCH_S
        elif any(track.seen_s == self._updated_s for track in self._tracks):
            wait_s = FULL_SEARCH_S - self._head_start_s
            search = self._sketch or True
        else:
            wait_s = EMPTY_SEARCH_S
        return search if now_s - self._searched_s >= wait_s else False

    @property
    def view(self) -> bool | str:
        """What the analysis needs to recognise a cut, for `Request.view`."""
        return self._has_cuts and (self._view or True)

    def update(self, analysis: Analysis, now_s: float) -> tuple[Face, ...]:
        """Update the tracks with the faces of the frame at `now_s`; returns them with `id` and `smoothed`, in order."""
        if analysis.full_search:
            if self._searched_s > -math.inf:
                self._head_start_s = 0.0
            self._searched_s = now_s
            self._sketch = analysis.sketch
            self._tracked_frames = 0
        else:
            self._tracked_frames += 1
        self._view = analysis.view
        if analysis.is_cut:
            self._first_id = max(self._first_id, self._next_id())
            self._tracks, self._last_regions = [], {}
        known = [track for track in self._tracks if now_s - track.seen_s <= FORGET_AFTER_S]
        regions = [Region.of(face.box, analysis.width, analysis.height) for face in analysis.faces]
        aspect = analysis.height / analysis.width
        matches = _match([track.expected(now_s) for track in known], regions, aspect)
        matched = set(matches.values())
        unseen = [track for index, track in enumerate(known) if index not in matched]
        unmatched = [index for index in range(len(regions)) if index not in matches]
        ids: dict[int, int] = {}
        if unmatched:
            in_use = {known[index].id for index in matches.values()}
            in_use |= {track.id for track in unseen if now_s - track.seen_s <= RESERVED_S}
            free = self._free_ids([regions[index] for index in unmatched], in_use, aspect)
            ids = dict(zip(unmatched, free, strict=True))
        seen = []
        for index, (face, region) in enumerate(zip(analysis.faces, regions, strict=True)):
            if index in matches:
                seen.append(self._moved(known[matches[index]], region, face.emotions, now_s))
            else:
                seen.append(_Track(ids[index], region, (0.0, 0.0), now_s, face.emotions))
        self._tracks = seen + [track for track in unseen if track.id not in ids.values()]
        self._last_regions |= {track.id: track.region for track in seen}
        self._updated_s = now_s
        return tuple(face.tracked(track.id, track.smoothed) for face, track in zip(analysis.faces, seen, strict=True))

    def _next_id(self) -> int:
        return max(self._last_regions, default=0) + 1

    def _free_ids(self, regions: Sequence[Region], in_use: set[int], aspect: float) -> list[int]:
        """An id for each untracked face: the free id that was last seen nearest to it, else the lowest new id."""
        free = sorted(self._last_regions.keys() - in_use)
        distances = [[_distance(region, self._last_regions[id_], aspect) for id_ in free] for region in regions]
        chosen = {row: free[column] for row, column in assign(distances)}
        unused = (number for number in itertools.count(self._first_id) if number not in self._last_regions)
        return [chosen[row] if row in chosen else next(unused) for row in range(len(regions))]

    def _moved(self, track: _Track, region: Region, emotions: tuple[float, ...], now_s: float) -> _Track:
        """The track, updated with a new box and new probabilities of its face."""
        elapsed_s = max(now_s - track.seen_s, 1e-3)
        keep = math.exp(-elapsed_s / VELOCITY_TAU_S)
        old_xy, new_xy = _centre(track.region), _centre(region)
        velocity_xy = tuple(
            keep * speed + (1 - keep) * (new - old) / elapsed_s
            for speed, old, new in zip(track.velocity_xy, old_xy, new_xy, strict=True)
        )
        keep = math.exp(-elapsed_s / self._smoothing_s) if self._smoothing_s > 0 else 0.0
        smoothed = tuple(keep * old + (1 - keep) * new for old, new in zip(track.smoothed, emotions, strict=True))
        return _Track(track.id, region, (velocity_xy[0], velocity_xy[1]), now_s, smoothed)


def _match(expected: Sequence[Region], found: Sequence[Region], aspect: float) -> dict[int, int]:
    """Index of the expected region for each found one that has any."""
    if not expected or not found:
        return {}
    far = 10.0
    cost = [[_cost(old, new, aspect, far) for old in expected] for new in found]
    return {row: column for row, column in assign(cost) if cost[row][column] < far}


def _cost(a: Region, b: Region, aspect: float, far: float) -> float:
    """One minus distance-IoU, 0 to 2; `far` if the two cannot be the same face. `aspect` is height over width."""
    distance = _distance(a, b, aspect)
    size_a, size_b = math.sqrt(a.w * a.h * aspect), math.sqrt(b.w * b.h * aspect)
    if min(size_a, size_b) <= 0 or distance > MAX_JUMP * (size_a + size_b) / 2:
        return far
    if max(size_a, size_b) > MAX_SCALE * min(size_a, size_b):
        return far
    left, right = min(a.x, b.x), max(a.x + a.w, b.x + b.w)
    top, bottom = min(a.y, b.y), max(a.y + a.h, b.y + b.h)
    overlap_w = max(0.0, a.w + b.w - (right - left))
    overlap_h = max(0.0, a.h + b.h - (bottom - top))
    overlap = min(overlap_w, a.w, b.w) * min(overlap_h, a.h, b.h)
    union = a.w * a.h + b.w * b.h - overlap
    diagonal = math.hypot(right - left, (bottom - top) * aspect)
    return 1 - overlap / union + (distance / diagonal) ** 2


def _distance(a: Region, b: Region, aspect: float) -> float:
    """Between two centres, in widths of the picture."""
    (ax, ay), (bx, by) = _centre(a), _centre(b)
    return math.hypot(ax - bx, (ay - by) * aspect)


def _centre(region: Region) -> tuple[float, float]:
    return region.x + region.w / 2, region.y + region.h / 2


def _inside(region: Region) -> Region | None:
    """The part of a region that lies in the picture, or none."""
    left, top = max(region.x, 0.0), max(region.y, 0.0)
    right, bottom = min(region.x + region.w, 1.0), min(region.y + region.h, 1.0)
    return Region(left, top, right - left, bottom - top) if right > left and bottom > top else None
