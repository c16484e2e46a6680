"""Ids and smoothing on scripted scenes: faces are centre and side in 640×480, frames a tenth of a second."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Sequence
from dataclasses import replace

import pytest

from ml.inference.contract import EMOTIONS, Analysis, Box, Face, Region
from ml.inference.tracks import FULL_SEARCH_S, Sight, Tracker

HAPPY = tuple(1.0 if name == "happy" else 0.0 for name in EMOTIONS)
SAD = tuple(1.0 if name == "sad" else 0.0 for name in EMOTIONS)


def seen(*faces: tuple[float, float, float], emotions: tuple[float, ...] = HAPPY, full: bool = True) -> Analysis:
    """An analysis that found faces at (centre x, centre y, side)."""
    boxes = [Box(round(x - side / 2), round(y - side / 2), round(side), round(side)) for x, y, side in faces]
    return Analysis(640, 480, tuple(Face(box, emotions, False) for box in boxes), full_search=full)


def ids(faces: Sequence[Face]) -> list[int | None]:
    return [face.id for face in faces]


def tracker(smoothing_s: float = 0.3, has_cuts: bool = False) -> Tracker:
    return Tracker(smoothing_s, random_share=lambda: 0.0, has_cuts=has_cuts)


def test_no_faces_give_no_tracks() -> None:
    follower = tracker()
    assert follower.near(0.0) == ()
    assert follower.full_search_due(0.0)
    assert follower.update(seen(), 0.0) == ()


def test_a_face_keeps_its_id_and_people_count_from_one() -> None:
    follower = tracker()
    assert ids(follower.update(seen((100, 200, 80)), 0.0)) == [1]
    assert ids(follower.update(seen((110, 205, 84), (400, 200, 60)), 0.1)) == [1, 2]
    assert ids(follower.update(seen((400, 200, 60), (120, 210, 80)), 0.2)) == [2, 1]


def test_a_fast_face_is_followed_where_boxes_no_longer_overlap() -> None:
    follower = tracker()
    found = [follower.update(seen((100 + 75 * step, 240, 80)), step / 10)[0].id for step in range(7)]
    assert found == [1] * 7


def test_a_face_far_away_gets_a_new_id() -> None:
    follower = tracker()
    follower.update(seen((100, 240, 80)), 0.0)
    assert ids(follower.update(seen((400, 240, 80)), 0.1)) == [2]


def test_a_much_larger_face_in_the_same_place_gets_a_new_id() -> None:
    follower = tracker()
    follower.update(seen((320, 240, 60)), 0.0)
    assert ids(follower.update(seen((320, 240, 180)), 0.1)) == [2]


@pytest.mark.parametrize("rate", [5, 10, 30])
@pytest.mark.parametrize("jitter_px", [0, 3])
def test_two_people_cross_in_two_seconds_and_keep_their_ids(rate: int, jitter_px: int) -> None:
    """One walks in front of the other: for the time their faces overlap by half, only the nearer one is found."""
    noise = random.Random(3)
    follower = tracker()
    for step in range(2 * rate + 1):
        moment = step / rate

        def spot(x: float, y: float, side: float) -> tuple[float, float, float]:
            return tuple(value + noise.uniform(-jitter_px, jitter_px) for value in (x, y, side))  # type: ignore[return-value]

        right, left = spot(100 + 220 * moment, 235, 100), spot(540 - 220 * moment, 245, 84)
        hidden = abs(right[0] - left[0]) < 46
        result = follower.update(seen(right) if hidden else seen(right, left), moment)
        assert ids(result) == ([1] if hidden else [1, 2])


def test_a_person_who_leaves_and_returns_five_times_in_a_minute_keeps_one_id() -> None:
    """Wherever the person comes back, after however long; smoothing begins anew after a long absence."""
    chance = random.Random(11)
    for rate in (4, 10, 30):
        follower, found, frame_s = tracker(), set(), 0.0
        for _ in range(6):
            x, y, side = chance.uniform(60, 580), chance.uniform(60, 420), chance.uniform(40, 110)
            for _ in range(4 * rate):
                found |= set(ids(follower.update(seen((x, y, side)), frame_s)))
                frame_s += 1 / rate
            for _ in range(round(chance.uniform(0.6, 6) * rate)):
                follower.update(seen(), frame_s)
                frame_s += 1 / rate
        assert found == {1}


@pytest.mark.parametrize("pause_s", [0.3, 2.0, 3600.0])
def test_ids_survive_a_pause(pause_s: float) -> None:
    """No frames come for a while, then all faces are a little elsewhere, in another order."""
    follower = tracker()
    follower.update(seen((100, 200, 80), (320, 200, 70), (540, 220, 60)), 0.0)
    for pause in range(1, 4):
        moved = seen((545, 230, 64), (110, 190, 76), (330, 210, 72))
        assert ids(follower.update(moved, pause * pause_s)) == [3, 1, 2]


def test_a_newcomer_takes_the_free_number_that_was_seen_nearest() -> None:
    follower = tracker()
    follower.update(seen((100, 240, 80), (320, 240, 80), (540, 240, 80)), 0.0)
    follower.update(seen((320, 240, 80)), 0.1)
    follower.update(seen((320, 240, 80)), 1.2)
    assert ids(follower.update(seen((320, 240, 80), (600, 100, 50)), 1.3)) == [2, 3]
    assert ids(follower.update(seen((320, 240, 80), (600, 100, 50), (640, 400, 50)), 1.4)) == [2, 3, 1]
    assert ids(follower.update(seen((320, 240, 80), (600, 100, 50), (640, 400, 50), (60, 400, 50)), 1.5)) == [
        2,
        3,
        1,
        4,
    ]


def test_the_number_of_a_face_that_was_just_lost_is_kept_for_it() -> None:
    follower = tracker()
    follower.update(seen((100, 240, 80)), 0.0)
    assert ids(follower.update(seen((500, 240, 80)), 0.1)) == [2]
    assert ids(follower.update(seen((500, 240, 80), (102, 240, 80)), 0.3)) == [2, 1]


def test_a_tracker_continues_where_another_stopped() -> None:
    """What a client remembers is enough: faces in view are followed on, those who left get their number back."""
    first = tracker(smoothing_s=0.3)
    first.update(seen((100, 240, 80), (500, 240, 80)), 0.0)
    faces = first.update(seen((100, 240, 80), emotions=SAD), 2.0)
    second = tracker(smoothing_s=0.3)
    here, gone = Region.of(Box(60, 200, 80, 80), 640, 480), Region.of(Box(460, 200, 80, 80), 640, 480)
    second.resume([Sight(1, here, 2.0, faces[0].smoothed or ()), Sight(2, gone)])
    assert len(second.near(2.04)) == 1
    assert second.full_search_due(2.04)
    frame = seen((104, 240, 80), (480, 200, 70))
    assert second.update(frame, 2.04)[0].smoothed == first.update(frame, 2.04)[0].smoothed
    assert ids(second.update(frame, 2.08)) == [1, 2]


def test_smoothing_depends_on_time_and_not_on_the_number_of_frames() -> None:
    for rate in (5, 10, 30):
        follower = tracker(smoothing_s=0.3)
        follower.update(seen((320, 240, 80), emotions=HAPPY), 0.0)
        for step in range(1, rate + 1):
            face = follower.update(seen((320, 240, 80), emotions=SAD), step / rate)[0]
        assert face.smoothed is not None
        assert face.smoothed[EMOTIONS.index("happy")] == pytest.approx(math.exp(-1 / 0.3))
        assert sum(face.smoothed) == pytest.approx(1.0)
        assert face.emotions == SAD


def test_smoothing_can_be_off_and_never_mixes_two_people() -> None:
    follower = tracker(smoothing_s=0.0)
    follower.update(seen((320, 240, 80), emotions=HAPPY), 0.0)
    assert follower.update(seen((320, 240, 80), emotions=SAD), 0.1)[0].smoothed == SAD
    follower = tracker(smoothing_s=10.0)
    follower.update(seen((100, 240, 80), emotions=HAPPY), 0.0)
    assert follower.update(seen((500, 240, 80), emotions=SAD), 0.1)[0].smoothed == SAD


def test_smoothing_restarts_after_a_second_of_absence() -> None:
    follower = tracker(smoothing_s=10.0)
    follower.update(seen((320, 240, 80), emotions=HAPPY), 0.0)
    assert follower.update(seen((320, 240, 80), emotions=SAD), 1.5)[0].smoothed == SAD


def test_a_cut_ends_every_track_and_begins_new_ids() -> None:
    follower = tracker(smoothing_s=10.0, has_cuts=True)
    assert follower.view is True
    follower.update(replace(seen((100, 240, 80), (500, 240, 80)), view="a"), 0.0)
    assert follower.view == "a"
    (face,) = follower.update(replace(seen((100, 240, 80), emotions=SAD), view="b", is_cut=True), 0.1)
    assert (face.id, face.smoothed, follower.view) == (3, SAD, "b")
    assert ids(follower.update(seen((100, 240, 80), (500, 240, 80)), 0.2)) == [3, 4]
    assert not tracker().view  # of a camera, whose ids are kept


@pytest.mark.parametrize("faces_after_cut", [1, 0])
def test_after_a_cut_a_tracker_that_continues_gives_the_ids_of_an_uninterrupted_one(faces_after_cut: int) -> None:
    """A client remembers the faces since the cut and the highest id; scenes without a face change nothing."""
    first, person, newcomer = tracker(has_cuts=True), (300, 100, 80), (100, 240, 80)
    first.update(replace(seen((100, 240, 80), (500, 240, 80)), view="a"), 0.0)
    first.update(replace(seen(), view="b", is_cut=True), 0.1)
    remembered = first.update(replace(seen(*[person] * faces_after_cut), view="c", is_cut=True), 0.2)
    assert ids(remembered) == [3] * faces_after_cut
    second = tracker(has_cuts=True)
    sights = [Sight(face.id or 0, Region.of(face.box, 640, 480), 0.2, face.smoothed or ()) for face in remembered]
    second.resume(sights, next_id=3 + faces_after_cut)
    frame = seen(person, newcomer)
    assert ids(second.update(frame, 0.3)) == ids(first.update(frame, 0.3)) == [3, 4]


def test_near_is_where_the_face_will_be() -> None:
    follower = tracker()
    for step in range(10):
        follower.update(seen((100 + 20 * step, 240, 80)), step / 10)
    (region,) = follower.near(1.0)
    assert (region.x + region.w / 2) * 640 == pytest.approx(300, abs=5)


def test_near_stays_inside_the_picture_and_leaves_out_who_walked_away() -> None:
    follower = tracker()
    for step in range(7):
        follower.update(seen((500 + 20 * step, 240, 40)), step / 10)
    (region,) = follower.near(0.65)
    assert 0 <= region.x <= region.x + region.w <= 1
    assert follower.near(2.0) == ()


def test_a_lost_face_is_not_searched_for_near_but_soon_everywhere() -> None:
    follower = tracker()
    follower.update(seen((320, 240, 80)), 0.0)
    follower.update(seen(), 0.1)  # a worker that loses a face has searched everywhere at once
    assert follower.near(0.2) == ()
    assert follower.full_search_due(0.2)


def test_full_searches_follow_the_clock_and_newcomers_are_found_within_half_a_second() -> None:
    for seed, rate in itertools.product(range(5), (8, 10, 30)):
        follower, searches = Tracker(random_share=random.Random(seed).random), []
        for step in range(10 * rate):
            moment = step / rate
            full = bool(follower.full_search_due(moment))
            searches += [moment] if full else []
            follower.update(seen((320, 240, 80), full=full), moment)
        gaps = [b - a for a, b in itertools.pairwise(searches)]
        assert max(gaps) <= FULL_SEARCH_S + 1 / rate + 1e-9
        assert len(searches) <= 10 / FULL_SEARCH_S + 2


def test_what_has_changed_is_searched_only_while_every_face_is_in_view() -> None:
    follower, two = tracker(), ((320, 240, 80), (100, 240, 80))
    follower.update(replace(seen(*two), sketch="a"), 0.0)
    assert follower.full_search_due(1.0) == "a"
    follower.update(seen(*two, full=False), 1.0)
    assert follower.full_search_due(1.01) == "a"
    follower.update(seen(two[0]), 1.05)
    assert follower.full_search_due(1.2) is True
    follower.update(replace(seen(two[0]), sketch="b"), 1.2)
    assert follower.full_search_due(1.35) is True  # the other face was in view a moment ago
    follower.update(replace(seen(two[0]), sketch="c"), 5.0)
    assert follower.full_search_due(6.0) == "c"
    follower.update(replace(seen(), sketch="d"), 6.0)
    assert follower.full_search_due(7.0) is True


def test_an_overloaded_server_does_not_search_every_frame_fully() -> None:
    """At two frames a second each frame is due by time; three of four are tracked nevertheless while others wait."""
    follower, due = tracker(), []
    for step in range(20):
        due.append(bool(follower.full_search_due(step / 2, hurried=True)))
        follower.update(seen((320, 240, 80), full=due[-1]), step / 2)
    assert due == [True, False, False, False] * 5
    assert follower.full_search_due(10.0)


def test_cameras_that_start_together_do_not_search_together_for_long() -> None:
    shares = random.Random(5).random
    followers = [Tracker(random_share=shares) for _ in range(24)]
    busiest = 0
    for step in range(100):
        moment = step / 10
        due = [bool(follower.full_search_due(moment)) for follower in followers]
        if moment > 3:
            busiest = max(busiest, sum(due))
        for follower, full in zip(followers, due, strict=True):
            follower.update(seen((320, 240, 80), full=full), moment)
    assert busiest <= 14
