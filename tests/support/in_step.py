"""`python -m tests.support.in_step HOST:PORT PROCESSES INDEX [JOIN_S]`: meets the others again and again."""

from __future__ import annotations

import sys

from ml.data import DataError
from ml.training import processes

PROGRAM = "tests.support.in_step"

if __name__ == "__main__":
    if len(sys.argv) > 4:
        processes.JOIN_S = int(sys.argv[4])
    try:
        place = processes.join(*sys.argv[1:4], program=PROGRAM)
        while True:
            place.wait("a moment")
            print("met", flush=True)
    except DataError as error:
        sys.exit(f"{PROGRAM}: {error}")
    except (RuntimeError, ValueError) as error:
        if place.is_end_of_another(error):
            processes.end_with_another(PROGRAM)
        raise
