"""The photograph search of an earlier commit, for comparison: `python tests/bench/earlier.py` in a checkout of it.

Imports the `ml` of the current folder. Reads pictures from standard input, each a line with its number of bytes and
then a PNG, and answers each with a line of JSON: `{"ms": …, "found": [[x, y, side, roll_deg, score], …]}`.
"""

import json
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path.cwd()))

import cv2
import numpy as np

from ml.inference.faces import FaceDetector
from ml.inference.photos import PhotoDetector


def main() -> None:
    cv2.setNumThreads(1)
    detector = PhotoDetector(FaceDetector())
    while line := sys.stdin.buffer.readline():
        content = np.frombuffer(sys.stdin.buffer.read(int(line)), np.uint8)
        gray = cv2.imdecode(content, cv2.IMREAD_GRAYSCALE)
        started = time.process_time()
        found = detector.search(gray)
        elapsed_ms = (time.process_time() - started) * 1000
        windows = [(w.x, w.y, w.side, w.roll_deg, score) for w, score in ((f.window, float(f.score)) for f in found)]
        print(json.dumps({"ms": elapsed_ms, "found": windows}), flush=True)


if __name__ == "__main__":
    main()
