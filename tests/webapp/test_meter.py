"""What one connection may send: a camera is never refused, a flood is."""

from __future__ import annotations

import pytest

from webapp.meter import Allowance, Meter, Refused

ALLOWANCE = Allowance.of(frames_per_second=30, max_frame_bytes=100_000)


def send(meter: Meter, messages: int, size_bytes: int = 0) -> None:
    for _ in range(messages):
        meter.take(size_bytes)


class Clock:
    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def test_nothing_sent_is_always_allowed() -> None:
    Meter(ALLOWANCE, Clock()).take(0)


def test_a_camera_at_full_rate_is_never_refused() -> None:
    clock = Clock()
    meter = Meter(ALLOWANCE, clock)
    for _ in range(30 * 60):
        for size_bytes in (60, 100_000, 2):  # the event, its picture, and more pongs than there are
            meter.take(size_bytes)
        clock.now_s += 1 / 30


@pytest.mark.parametrize("size_bytes", [0, 1])
def test_a_flood_of_small_messages_is_refused_within_a_second_of_allowance(size_bytes: int) -> None:
    meter = Meter(ALLOWANCE, Clock())
    with pytest.raises(Refused, match="messages a second") as refusal:
        send(meter, int(ALLOWANCE.messages) + 1, size_bytes)
    assert refusal.value.reason == "flood"


def test_a_flood_of_large_messages_is_refused() -> None:
    meter = Meter(ALLOWANCE, Clock())
    with pytest.raises(Refused, match="MB a second"):
        send(meter, 40, 100_000)


def test_waiting_restores_at_most_a_second_of_allowance() -> None:
    clock = Clock()
    meter = Meter(ALLOWANCE, clock)
    clock.now_s = 3600.0
    with pytest.raises(Refused):
        send(meter, int(ALLOWANCE.messages) + 1)
    clock.now_s += 1.0
    meter.take(0)
