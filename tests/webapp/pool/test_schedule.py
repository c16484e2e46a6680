"""Which picture is next, without threads or clocks."""

from __future__ import annotations

import math

import pytest

from ml.inference.contract import Request
from webapp.pool.schedule import LIVE, PHOTO, RECORDING, Job, Schedule


@pytest.fixture
def schedule() -> Schedule:
    return Schedule(photo_queue=2)


def dropped(schedule: Schedule) -> list[tuple[str, str]]:
    """What was dropped since the last call, as (image, reason)."""
    return [(job.request.image.decode(), reason) for job, reason in schedule.take_dropped()]


def frame(client: str, image: str = "", expires_s: float = 1.0) -> Job:
    return Job(LIVE, client, Request((image or client).encode()), created_s=0.0, expires_s=expires_s)


def photo(image: str, expires_s: float = 10.0) -> Job:
    return Job(PHOTO, "", Request(image.encode(), thorough=True), created_s=0.0, expires_s=expires_s)


def recorded(client: str, time_s: float) -> Job:
    image = f"{client}{time_s:g}".encode()
    return Job(RECORDING, client, Request(image), created_s=0.0, expires_s=math.inf, order=time_s)


def taken(schedule: Schedule, now_s: float = 0.0, photos: bool = True, recordings: bool = True) -> str | None:
    """Take the next job and finish it; its image."""
    job = schedule.take(now_s, photos, recordings)
    if job is None:
        return None
    schedule.finished(job)
    return job.request.image.decode()


def test_nothing_waits_at_first(schedule: Schedule) -> None:
    assert len(schedule) == 0
    assert schedule.take(0.0, photos=True, recordings=True) is None


def test_clients_take_turns(schedule: Schedule) -> None:
    order = []
    for client in "abc":
        schedule.put(frame(client))
    for _ in range(6):
        order.append(taken(schedule))
        schedule.put(frame(str(order[-1])))
    assert order == list("abcabc")


def test_the_newest_frame_wins_and_keeps_the_turn(schedule: Schedule) -> None:
    schedule.put(frame("a", "a1"))
    schedule.put(frame("b", "b1"))
    schedule.put(frame("a", "a2"))
    assert dropped(schedule) == [("a1", "superseded")]
    assert [taken(schedule), taken(schedule), taken(schedule)] == ["a2", "b1", None]


def test_one_frame_of_a_client_is_read_at_a_time(schedule: Schedule) -> None:
    schedule.put(frame("a", "a1"))
    running = schedule.take(0.0, photos=True, recordings=True)
    assert running is not None
    schedule.put(frame("a", "a2"))
    assert schedule.take(0.0, photos=True, recordings=True) is None
    schedule.put(frame("b", "b1"))
    assert taken(schedule) == "b1"
    schedule.finished(running)
    assert taken(schedule) == "a2"


def test_what_waited_too_long_is_dropped_unread(schedule: Schedule) -> None:
    schedule.put(frame("a", expires_s=1.0))
    schedule.put(photo("p", expires_s=1.0))
    schedule.put(frame("b", expires_s=2.0))
    assert taken(schedule, now_s=1.5) == "b"
    assert sorted(dropped(schedule)) == [("a", "expired"), ("p", "expired")]


def test_photos_are_read_in_order_and_their_queue_is_bounded(schedule: Schedule) -> None:
    for image in ("p1", "p2", "p3"):
        schedule.put(photo(image))
    assert dropped(schedule) == [("p3", "queue_full")]
    assert taken(schedule, photos=False) is None
    assert [taken(schedule), taken(schedule)] == ["p1", "p2"]


def test_the_lanes_share_the_time_not_the_turns(schedule: Schedule) -> None:
    """Photos take 1 s, frames 0.01 s, and both lanes always have work: each gets about half of the time."""
    used_s, photos = {LIVE: 0.0, PHOTO: 0.0}, 0
    for step in range(1000):
        schedule.put(frame(f"client {step}", expires_s=1e9))
        if photos < 2:
            schedule.put(photo("p", expires_s=1e9))
            photos += 1
        job = schedule.take(0.0, photos=True, recordings=True)
        assert job is not None
        cost_s = 1.0 if job.lane == PHOTO else 0.01
        photos -= job.lane == PHOTO
        used_s[job.lane] += cost_s
        schedule.finished(job, cost_s)
    assert used_s[PHOTO] == pytest.approx(used_s[LIVE], abs=1.1)


def test_an_idle_lane_gains_no_credit(schedule: Schedule) -> None:
    for step in range(100):
        schedule.put(frame(f"client {step}"))
        job = schedule.take(0.0, photos=True, recordings=True)
        assert job is not None
        schedule.finished(job, 1.0)
    lanes = []
    for step in range(6):
        schedule.put(frame(f"client {step}"))
        schedule.put(photo("p"))
        job = schedule.take(0.0, photos=True, recordings=True)
        assert job is not None
        lanes.append(job.lane)
        schedule.finished(job, 1.0)
    assert lanes.count(LIVE) == lanes.count(PHOTO)


def test_what_a_lost_worker_had_not_begun_comes_first_again(schedule: Schedule) -> None:
    job = frame("a", "a1")
    schedule.put(job)
    schedule.put(frame("b"))
    assert schedule.take(0.0, photos=True, recordings=True) is job
    schedule.finished(job)
    schedule.put_back(job)
    assert [taken(schedule), taken(schedule)] == ["a1", "b"]
    schedule.put(frame("a", "a2"))
    schedule.put_back(job)
    assert dropped(schedule) == [("a1", "superseded")]
    assert taken(schedule) == "a2"


def test_clients_that_leave_are_forgotten_and_an_end_drops_all(schedule: Schedule) -> None:
    schedule.forget("nobody")
    schedule.put(frame("a"))
    schedule.forget("a")
    assert dropped(schedule) == [("a", "disconnected")]
    schedule.put(frame("b"))
    schedule.put(photo("p"))
    schedule.clear("stopping")
    assert dropped(schedule) == [("b", "stopping"), ("p", "stopping")]
    assert len(schedule) == 0


def test_every_frame_of_a_recording_is_read_in_the_order_of_its_media_time(schedule: Schedule) -> None:
    for time_s in (1, 3, 2, 4):
        schedule.put(recorded("a", time_s))
    assert [taken(schedule, now_s=1e6) for _ in range(5)] == ["a1", "a2", "a3", "a4", None]
    assert dropped(schedule) == []


def test_recordings_take_turns_and_one_frame_of_each_is_read_at_a_time(schedule: Schedule) -> None:
    for time_s in (1, 2):
        schedule.put(recorded("a", time_s))
        schedule.put(recorded("b", time_s))
    first, second = (schedule.take(0.0, photos=True, recordings=True) for _ in range(2))
    assert first is not None
    assert second is not None
    assert [job.request.image for job in (first, second)] == [b"a1", b"b1"]
    assert taken(schedule) is None
    schedule.finished(second)
    assert taken(schedule) == "b2"


def test_a_recording_waits_while_a_live_frame_does(schedule: Schedule) -> None:
    for time_s in (1, 2, 3):
        schedule.put(recorded("a", time_s))
    order = []
    for client in "xyz":
        schedule.put(frame(client))
    order += [taken(schedule) for _ in range(4)]
    schedule.put(frame("x"))
    order += [taken(schedule) for _ in range(3)]
    assert order == ["x", "y", "z", "a1", "x", "a2", "a3"]
    schedule.put(recorded("a", 4))
    assert taken(schedule, recordings=False) is None


def test_recordings_and_photos_take_turns(schedule: Schedule) -> None:
    for time_s in (1, 2, 3):
        schedule.put(recorded("a", time_s))
    schedule.put(photo("p1"))
    schedule.put(photo("p2"))
    assert [taken(schedule) for _ in range(5)] == ["p1", "a1", "p2", "a2", "a3"]


def test_a_frame_of_a_recording_that_a_lost_worker_had_comes_first_again(schedule: Schedule) -> None:
    for time_s in (1, 2):
        schedule.put(recorded("a", time_s))
    job = schedule.take(0.0, photos=True, recordings=True)
    assert job is not None
    schedule.finished(job)
    schedule.put_back(job)
    assert [taken(schedule), taken(schedule)] == ["a1", "a2"]


def test_the_frames_of_a_recording_go_with_their_client_and_at_the_end(schedule: Schedule) -> None:
    for client in "ab":
        schedule.put(recorded(client, 1))
        schedule.put(recorded(client, 2))
    schedule.forget("a")
    assert dropped(schedule) == [("a1", "disconnected"), ("a2", "disconnected")]
    assert len(schedule) == 2
    schedule.clear("stopping")
    assert dropped(schedule) == [("b1", "stopping"), ("b2", "stopping")]
    assert len(schedule) == 0
