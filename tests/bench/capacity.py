"""How many machines a number of viewers needs: `python -m tests.bench.capacity`."""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Sequence

from tests.support.capacity import (
    GENERATOR_CORES,
    LOAD_TESTS,
    MEASURED_EPYC,
    MEASURED_XEON,
    REPLICAS_OF_A_MACHINE,
    most_viewers,
    replicas_for,
    simulate,
)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.capacity", description=__doc__.splitlines()[0])
    parser.add_argument("--rate", type=float, default=10.0, help="frames a second of each viewer")
    parser.add_argument("--viewers", type=int, nargs="+", default=[100, 10_000, 1_000_000])
    options = parser.parse_args(arguments)
    print("measured load tests: clients, then frames/s, p50 ms, p95 ms as simulated (measured)")
    for clients, (frames, p50, p95) in LOAD_TESTS.items():
        found = simulate(MEASURED_XEON, clients, cores=2 - GENERATOR_CORES)
        print(f"{clients}  {found.frames_per_s:.0f} ({frames})  {found.p50_ms:.0f} ({p50})  {found.p95_ms:.0f} ({p95})")
    for name, costs in (("Xeon, float network", MEASURED_XEON), ("EPYC, 8-bit network", MEASURED_EPYC)):
        each = most_viewers(costs, rate=options.rate)
        found = simulate(costs, each, rate=options.rate)
        print(f"{name}: {each} viewers on a replica, p95 {found.p95_ms:.0f} ms, {found.in_flight:.1f} frames in flight")
        for viewers in options.viewers:
            replicas = replicas_for(viewers, each)
            machines = math.ceil(replicas / REPLICAS_OF_A_MACHINE)
            print(f"  {viewers:>9,} viewers: {replicas:>7,} replicas, {machines:>6,} machines")


if __name__ == "__main__":
    main(sys.argv[1:])
