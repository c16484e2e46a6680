"""How soon a second face is found beside a followed one: `python -m tests.bench.newcomers --clip FILE --data DIR`.

A face that the aligner never trained on is added to a recording of one person, in four ways. Two searches follow: one
that looks everywhere each time, and the live view's, which looks at what has changed. The last line is JSON.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from ml.inference.analyzer import Analyzer
from ml.inference.classifier import Classifier
from ml.inference.contract import Box
from ml.inference.geometry import Window, iou
from ml.inference.preprocess import decode_image
from ml.inference.tracks import Tracker
from tests.bench.scenes import face_files, paste_face
from tests.support.clips import read_clip

FRAMES_PER_S = 10
"""As a camera's pictures are sent."""
SECONDS = 5.0
KINDS = ("appears", "enters", "fades", "dark")
"""At once where it stays; from the side, for a second; slowly, in two seconds; at once in a dark room."""
FOUND_IOU = 0.4


@dataclass(frozen=True)
class Clip:
    """A recording, forwards and backwards in turn, ten frames a second, with noise and a newcomer."""

    kind: str
    room: list[np.ndarray]
    face: np.ndarray
    center_xy: tuple[float, float]
    side: float
    since_s: float
    seed: int

    @property
    def box(self) -> Box:
        """Where the newcomer stays."""
        return Window(*self.center_xy, self.side).box

    def frame(self, index: int) -> np.ndarray:
        """`(height, width)` uint8."""
        turns = abs(index % (2 * len(self.room) - 2))
        room = self.room[turns if turns < len(self.room) else 2 * len(self.room) - 2 - turns]
        picture, age_s = room.copy(), index / FRAMES_PER_S - self.since_s
        if age_s >= 0:
            away = max(0.0, 1 - age_s) * (self.center_xy[0] + self.side) if self.kind == "enters" else 0.0
            paste_face(picture, self.face, (self.center_xy[0] - away, self.center_xy[1]), self.side)
            share = min(1.0, age_s / 2) if self.kind == "fades" else 1.0
            picture = cv2.addWeighted(picture, share, room, 1 - share, 0)
        noise = np.random.default_rng([self.seed, index]).normal(0, 3, picture.shape)
        return np.clip(picture * (0.25 if self.kind == "dark" else 1.0) + noise, 0, 255).astype(np.uint8)


def compose(kind: str, room: list[np.ndarray], person: Window, face: np.ndarray, rng: np.random.Generator) -> Clip:
    """A clip whose newcomer stays apart from `person`."""
    height, width = room[0].shape
    while True:
        side = float(np.exp(rng.uniform(np.log(56), np.log(140))))
        x, y = rng.uniform(0.6 * side, width - 0.6 * side), rng.uniform(0.6 * side, height - 0.6 * side)
        if max(abs(x - person.x), abs(y - person.y)) > 0.6 * (side + person.side):
            return Clip(kind, room, face, (x, y), side, float(rng.uniform(1.0, 1.5)), int(rng.integers(1 << 30)))


def clips(kind: str, room: list[np.ndarray], person: Window, folder: Path, count: int, seed: int) -> Iterator[Clip]:
    rng = np.random.default_rng(seed)
    for path in face_files(folder, count, rng):
        yield compose(kind, room, person, decode_image(path.read_bytes()), rng)


def found_after(analyzer: Analyzer, clip: Clip, everywhere: bool, head_start: float) -> tuple[float, int, float]:
    """Seconds until the newcomer is found (infinite: never), false faces, and processor time in milliseconds."""
    tracker, delay_s, false = Tracker(random_share=lambda: head_start), float("inf"), 0
    started = time.process_time()
    for index in range(int(SECONDS * FRAMES_PER_S)):
        now_s = index / FRAMES_PER_S
        search = tracker.full_search_due(now_s)
        analysis = analyzer.analyze_gray(clip.frame(index), tracker.near(now_s), bool(search) if everywhere else search)
        tracker.update(analysis, now_s)
        hits = sum(iou(face.box, clip.box) >= FOUND_IOU for face in analysis.faces)
        if hits and now_s >= clip.since_s:
            delay_s = min(delay_s, now_s - clip.since_s)
        false += max(0, len(analysis.faces) - 1 - (now_s >= clip.since_s))
    return delay_s, false, (time.process_time() - started) * 1000


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench.newcomers", description="Seconds until a second face is found."
    )
    parser.add_argument("--clip", type=Path, required=True, help="a video with one face")
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="folder whose train/ holds 48×48 faces")
    parser.add_argument("--per-kind", type=int, default=40)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    analyzer = Analyzer(Classifier())
    analyzer.warm_up()
    room = [decode_image(frame) for frame in read_clip(options.clip)[0]][::3]
    person = Window.of(analyzer.analyze_gray(room[0]).faces[0].box)
    report = {}
    for kind in KINDS:
        rng = np.random.default_rng(options.seed)
        answers: dict[str, list[tuple[float, int, float]]] = {"everywhere": [], "changes": []}
        for clip in clips(kind, room, person, options.data / "train", options.per_kind, options.seed):
            head_start = rng.random()
            for name, rows in answers.items():
                rows.append(found_after(analyzer, clip, name == "everywhere", head_start))
        for name, rows in answers.items():
            delays = np.array([row[0] for row in rows])
            report[f"{kind}, {name}"] = figures = {
                "found": int(np.isfinite(delays).sum()),
                "of": len(rows),
                "within_half_a_second": int((delays <= 0.5).sum()),
                "mean_s": float(delays[np.isfinite(delays)].mean()),
                "p90_s": float(np.percentile(delays[np.isfinite(delays)], 90)),
                "false_faces": sum(row[1] for row in rows),
                "frame_ms": sum(row[2] for row in rows) / len(rows) / (SECONDS * FRAMES_PER_S),
            }
            print(f"{kind}, {name}:", "  ".join(f"{key} {value:.3g}" for key, value in figures.items()))
    print(json.dumps(report))


if __name__ == "__main__":
    main()
