"""The capacity simulation repeats the measured load tests."""

from __future__ import annotations

import pytest

from tests.support.capacity import GENERATOR_CORES, LOAD_TESTS, MEASURED_XEON, simulate


@pytest.mark.parametrize("clients", LOAD_TESTS)
def test_the_simulation_repeats_the_measurement(clients: int) -> None:
    frames_per_s, p50_ms, p95_ms = LOAD_TESTS[clients]
    found = simulate(MEASURED_XEON, clients, cores=2 - GENERATOR_CORES)
    assert found.frames_per_s == pytest.approx(frames_per_s, rel=0.15)
    assert found.p50_ms == pytest.approx(p50_ms, rel=0.15)
    assert found.p95_ms == pytest.approx(p95_ms, rel=0.15)
