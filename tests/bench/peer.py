"""The same pictures through the package `fer`: run by an interpreter that has it, prints one line of JSON.

    python tests/bench/peer.py CLIP|FOLDER

Stands alone, because `fer` and this project want different releases of the same libraries: nothing of the project is
imported. One thread, like what it is compared with.
"""

import json
import os
import sys
import time
from pathlib import Path

os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", OMP_NUM_THREADS="1", TF_NUM_INTRAOP_THREADS="1", TF_NUM_INTEROP_THREADS="1")

import cv2
import numpy as np
from fer.fer import FER  # type: ignore[import-not-found]

JPEG_QUALITY = 85


def frames_of(clip: Path) -> list[np.ndarray]:
    """The frames of a video as JPEG files."""
    video = cv2.VideoCapture(str(clip))
    frames: list[np.ndarray] = []
    while True:
        read, picture = video.read()
        if not read:
            return frames
        frames.append(cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])[1])


def main() -> None:
    cv2.setNumThreads(1)
    source = Path(sys.argv[1])
    started = time.perf_counter()
    detector = FER(mtcnn=False)
    if source.is_dir():
        pictures = [np.frombuffer(path.read_bytes(), np.uint8) for path in sorted(source.glob("*.jpg"))]
    else:
        pictures = frames_of(source)
    detector.detect_emotions(cv2.imdecode(pictures[0], cv2.IMREAD_COLOR))
    ready_s = time.perf_counter() - started
    started = time.process_time()
    counts = [len(detector.detect_emotions(cv2.imdecode(picture, cv2.IMREAD_COLOR))) for picture in pictures]
    elapsed_s = time.process_time() - started
    figures = {
        "fps": len(pictures) / elapsed_s,
        "ms": elapsed_s * 1000 / len(pictures),
        "ready_s": ready_s,
        "somebody": sum(count > 0 for count in counts),
        "one_face": float(np.mean(np.array(counts) == 1)),
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
