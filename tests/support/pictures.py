"""Photos and videos in files: with a face, without one, and broken ones."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from skimage import data


def portrait(side: int = 320) -> np.ndarray:
    """A face, `(side, side, 3)` uint8 BGR."""
    return cv2.resize(cv2.cvtColor(data.astronaut(), cv2.COLOR_RGB2BGR), (side, side), interpolation=cv2.INTER_AREA)


def encoded(picture: np.ndarray, suffix: str = ".jpg") -> bytes:
    return cv2.imencode(suffix, picture)[1].tobytes()


def write_video(path: Path, frames: int = 4, codec: str = "MJPG", fps: int = 10, side: int = 320) -> Path:
    """A portrait that moves by two pixels a frame."""
    video = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*codec), fps, (side, side))
    face = portrait(side)
    for frame in range(frames):
        video.write(np.roll(face, 2 * frame, axis=1))
    video.release()
    assert path.stat().st_size > 0
    return path
