"""How fast pictures are analysed on one thread: `python -m tests.bench.analyzer --clip FILE [--json]`.

`full_fps` searches the whole picture in every frame. `tracked_fps` is the way of the live view: it follows known faces
and searches the whole picture when the tracker says so. `limit_fps` is what the bare operations allow: decode, one
region search, crop and network, called in a row with nothing round them. Speeds are per second of processor time, so
that other work on the machine hardly counts. The last line is JSON.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from skimage import data

from ml.inference.analyzer import Analyzer, crop_window
from ml.inference.classifier import SHIPPED_MODEL, Classifier
from ml.inference.contract import Region, Request
from ml.inference.faces import FaceDetector
from ml.inference.geometry import Window
from ml.inference.halves import Halves
from ml.inference.preprocess import decode_image
from tests.support.clips import encode, one_face, read_clip, run_full, run_tracked

ROUNDS = 3
"""Every way is timed this often, in turns, and the fastest round counts: the others were disturbed."""


def seconds(run: Callable[[], Any]) -> float:
    """Processor time of a call."""
    started = time.process_time()
    run()
    return time.process_time() - started


def clip_speed(analyzer: Analyzer, classifier: Classifier, clip: Path) -> dict[str, Any]:
    """The three speeds over a clip, their ratios, the share of frames with exactly one face, and a profile."""
    frames, times_s = read_clip(clip)
    detector = FaceDetector()
    analyses = run_tracked(analyzer, frames, times_s)
    windows = [Window.of(analysis.faces[0].box) if analysis.faces else None for analysis in analyses]

    def run_limit() -> None:
        for frame, window in zip(frames, windows, strict=True):
            gray = decode_image(frame)
            found = detector.follow(Halves(gray), window) if window else None
            classifier.predict([crop_window(gray, found.window if found else Window(320, 240, 80))])

    ways: dict[str, Callable[[], Any]] = {
        "full": lambda: run_full(analyzer, frames, times_s),
        "tracked": lambda: run_tracked(analyzer, frames, times_s),
        "limit": run_limit,
    }
    best = dict.fromkeys(ways, float("inf"))
    for _ in range(ROUNDS):
        for name, run in ways.items():
            best[name] = min(best[name], seconds(run))
    full = run_full(analyzer, frames, times_s)
    fps = {name: len(frames) / elapsed_s for name, elapsed_s in best.items()}
    return {
        "clip": clip.name,
        "frames": len(frames),
        "full_fps": fps["full"],
        "tracked_fps": fps["tracked"],
        "limit_fps": fps["limit"],
        "tracked_to_limit": fps["tracked"] / fps["limit"],
        "one_face": {"full": one_face(full), "tracked": one_face(analyses)},
        "full_searches": sum(analysis.full_search for analysis in analyses),
        "median_ms": {
            stage: float(np.median([analysis.timing_ms[stage] for analysis in analyses]))
            for stage in ("decode", "detect", "classify", "total")
        },
        "full_search_ms": float(np.median([analysis.timing_ms["detect"] for analysis in full])),
    }


def portrait(side: int) -> np.ndarray:
    """A face with its surroundings, `(side, side)` uint8."""
    astronaut = cv2.cvtColor(data.astronaut(), cv2.COLOR_RGB2GRAY)
    return cv2.resize(astronaut[0:220, 120:340], (side, side), interpolation=cv2.INTER_AREA)


def cost_of_faces(analyzer: Analyzer, counts: Sequence[int] = (1, 5, 20)) -> list[dict[str, Any]]:
    """Milliseconds for a 640×480 picture by number of faces, searched fully and followed."""
    rows = []
    for count in counts:
        picture = np.full((480, 640), 128, np.uint8)
        for index in range(count):
            row, column = divmod(index, 5)
            picture[row * 120 : row * 120 + 116, column * 128 + 6 : column * 128 + 122] = portrait(116)
        encoded = encode(picture)
        found = analyzer.analyze(Request(encoded))
        near = tuple(Region.of(face.box, 640, 480) for face in found.faces)
        rows.append(
            {
                "faces": count,
                "found": len(found.faces),
                "full_ms": best_ms(lambda: analyzer.analyze(Request(encoded))),  # noqa: B023
                "tracked_ms": best_ms(lambda: analyzer.analyze(Request(encoded, near, full_search=False))),  # noqa: B023
            }
        )
    return rows


def cost_of_size(analyzer: Analyzer, widths: Sequence[int] = (640, 1280, 2000, 4000)) -> list[dict[str, Any]]:
    """Milliseconds for one face in a 4:3 picture by its size: full search, followed, as a photograph, and thorough."""
    rows = []
    for width in widths:
        picture = np.full((480, 640), 128, np.uint8)
        picture[60:420, 140:500] = portrait(360)
        encoded = encode(cv2.resize(picture, (width, width * 3 // 4), interpolation=cv2.INTER_CUBIC))
        found = analyzer.analyze(Request(encoded))
        near = tuple(Region.of(face.box, found.width, found.height) for face in found.faces)
        rows.append(
            {
                "megapixels": width * width * 0.75 / 1e6,
                "found": len(found.faces),
                "full_ms": best_ms(lambda: analyzer.analyze(Request(encoded))),  # noqa: B023
                "tracked_ms": best_ms(lambda: analyzer.analyze(Request(encoded, near, full_search=False))),  # noqa: B023
                "photo_ms": best_ms(lambda: analyzer.analyze(Request(encoded, thorough=True)), 3),  # noqa: B023
                "thorough_ms": best_ms(lambda: analyzer.analyze(Request(encoded, thorough=True, exhaustive=True)), 1),  # noqa: B023
            }
        )
    return rows


def best_ms(run: Callable[[], Any], times: int = 5) -> float:
    return min(seconds(run) for _ in range(times)) * 1000


def peer_speed(python: str, clip: Path) -> dict[str, Any]:
    """What the package `fer` does with the same frames, in its own environment."""
    script = Path(__file__).with_name("peer.py")
    done = subprocess.run([python, str(script), str(clip)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"expected an interpreter with the package fer, received from {python}: {done.stderr[-300:]}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench.analyzer", description="Frames per second, one thread."
    )
    parser.add_argument("--clip", type=Path, required=True, help="a video with one face")
    parser.add_argument("--model", type=Path, default=SHIPPED_MODEL, help="a .tflite with its card beside it")
    parser.add_argument(
        "--peer", metavar="PYTHON", help="interpreter of an environment with the package fer, to compare"
    )
    parser.add_argument("--json", action="store_true", help="print nothing but the last line")
    options = parser.parse_args()
    classifier = Classifier(options.model)
    analyzer = Analyzer(classifier)
    analyzer.warm_up()
    report = clip_speed(analyzer, classifier, options.clip)
    report["by_faces"] = cost_of_faces(analyzer)
    report["by_size"] = cost_of_size(analyzer)
    if options.peer:
        peer = peer_speed(options.peer, options.clip)
        report["peer"] = peer | {"tracked_to_peer": report["tracked_fps"] / peer["fps"]}
    if not options.json:
        print(json.dumps(report, indent=1))
    print(json.dumps(report))


if __name__ == "__main__":
    main()
