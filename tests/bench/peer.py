"""The same frames through the package `fer`: run by an interpreter that has it, prints one line of JSON.

    python tests/bench/peer.py CLIP

Stands alone, because `fer` and this project want different releases of the same libraries: nothing of the project is
imported. One thread, like what it is compared with.
"""

import json
import os
import sys
import time

os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", OMP_NUM_THREADS="1", TF_NUM_INTRAOP_THREADS="1", TF_NUM_INTEROP_THREADS="1")

import cv2
import numpy as np
from fer.fer import FER  # type: ignore[import-not-found]

JPEG_QUALITY = 85


def main() -> None:
    cv2.setNumThreads(1)
    started = time.perf_counter()
    detector = FER(mtcnn=False)
    video, frames = cv2.VideoCapture(sys.argv[1]), []
    while True:
        read, picture = video.read()
        if not read:
            break
        frames.append(cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])[1])
    detector.detect_emotions(cv2.imdecode(frames[0], cv2.IMREAD_COLOR))
    ready_s = time.perf_counter() - started
    started = time.process_time()
    counts = [len(detector.detect_emotions(cv2.imdecode(frame, cv2.IMREAD_COLOR))) for frame in frames]
    fps = len(frames) / (time.process_time() - started)
    print(json.dumps({"fps": fps, "ready_s": ready_s, "one_face": float(np.mean(np.array(counts) == 1))}))


if __name__ == "__main__":
    main()
