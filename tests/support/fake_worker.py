"""A worker whose analyzer needs no model: what it finds, and what it does, is written in the picture.

The picture is JSON: {"faces": [[x, y, w, h], …], "emotion": "happy", "sleep_ms": 5, "do": DO}, where DO is `crash`,
`fail`, `hang`, `burn` (endless processor time) or `allocate` (the number `bytes`).
"""

from __future__ import annotations

import argparse
import json
import os
import time

from ml.inference.contract import EMOTIONS, Analysis, BadImage, Box, Face, Request
from ml.inference.limits import TimeLimited, limit_memory
from ml.inference.log_lines import FORMATS, start_logging
from ml.inference.process import end_with_parent
from ml.inference.worker import connect, serve

MODEL = {"name": "fake", "version": "00000000", "uncertain_below": 0.4, "ece": 0.01, "n": 7}


def script(**what: object) -> bytes:
    """A picture for the fake worker: `faces`, `emotion`, `sleep_ms`, `do`."""
    return json.dumps(what).encode()


class FakeAnalyzer:
    def analyze(self, request: Request) -> Analysis:
        started = time.perf_counter()
        try:
            script = json.loads(request.image)
        except ValueError:
            raise BadImage("expected a script, received something else") from None
        if script.get("do") == "crash":
            os.abort()
        if script.get("do") == "hang":
            time.sleep(3600)
        while script.get("do") == "burn":
            pass
        if script.get("do") == "allocate":
            bytearray(script["bytes"])
        if script.get("do") == "fail":
            raise RuntimeError("a bug")
        time.sleep(script.get("sleep_ms", 0) / 1000)
        likely = EMOTIONS.index(script.get("emotion", "happy"))
        emotions = tuple(0.7 if index == likely else 0.05 for index in range(len(EMOTIONS)))
        total_ms = (time.perf_counter() - started) * 1000
        return Analysis(
            width=640,
            height=480,
            faces=tuple(Face(Box(*box), emotions, uncertain=False) for box in script.get("faces", [])),
            timing_ms={"decode": 0.0, "detect": 0.0, "classify": 0.0, "total": total_ms},
            model={"name": "fake", "version": "00000000", "near": len(request.near)}
            | {"thorough": request.thorough, "exhaustive": request.exhaustive},
            full_search=bool(request.full_search),
        )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--socket", required=True)
    parser.add_argument("--log-format", choices=FORMATS, default="text")
    parser.add_argument("--fail-to-start", action="store_true")
    options = parser.parse_args()
    if options.fail_to_start:
        raise SystemExit(3)
    start_logging(options.log_format, "warning")
    end_with_parent()
    limit_memory()
    with connect(options.socket) as connection:
        serve(connection, TimeLimited(FakeAnalyzer()), MODEL)


if __name__ == "__main__":
    main()
