"""Recordings that stand in for a webcam: Chromium plays a file of JPEGs, one after the other, in a loop."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import cv2
import numpy as np
from skimage import data as pictures

SIZE_WH = (640, 480)
FRAMES = 60
FPS = 30
SPEED_PX_S = 240


def write_mjpeg(frames: Iterable[np.ndarray], path: Path) -> Path:
    """Write `(height, width, 3)` uint8 BGR frames as the concatenated JPEGs that Chromium's fake camera reads."""
    with path.open("wb") as file:
        for frame in frames:
            file.write(cv2.imencode(".jpg", frame, [cv2.IMWRITE_JPEG_QUALITY, 90])[1].tobytes())
    return path


def recorded(video: Path) -> list[np.ndarray]:
    """The frames of a recording.

    Raises:
        ValueError: the file holds no frame that can be read.
    """
    capture = cv2.VideoCapture(str(video))
    frames = []
    while True:
        more, frame = capture.read()
        if not more:
            break
        frames.append(frame)
    if not frames:
        raise ValueError(f"expected a video with frames, received none from {video}")
    return frames


def portrait(face_px: int = 160, count: int = 1, sway_px: int = 12) -> list[np.ndarray]:
    """Frames with scikit-image's astronaut before a plain wall, swaying a little.

    Args:
        face_px: about how wide each face is.
        count: how many people stand beside each other.
        sway_px: how far they move to either side.
    """
    picture = cv2.cvtColor(pictures.astronaut(), cv2.COLOR_RGB2BGR)[0:300, 80:380]
    side = round(300 * face_px / 100)  # the face takes about a third of the crop
    picture = cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA)
    width, height = SIZE_WH
    visible = min(side, height)
    frames = []
    for index in range(FRAMES):
        frame = np.full((height, width, 3), (180, 190, 195), np.uint8)
        sway = round(sway_px * np.sin(2 * np.pi * index / FRAMES))
        for person in range(count):
            centre = round(width * (person + 1) / (count + 1)) + sway
            left = max(0, centre - side // 2)
            right = min(width, left + side)
            frame[height - visible :, left:right] = picture[:visible, : right - left]
        frames.append(frame)
    return frames


def changing(photos: Sequence[Path], hold: int = 12, fade: int = 6) -> list[np.ndarray]:
    """One place in the picture where face after face appears, each fading into the next: expressions that change.

    Args:
        photos: square pictures of one face each; without any, the same face turns light and dark.
        hold: frames that each is shown.
        fade: frames from one to the next.
    """
    faces = [cv2.resize(cv2.imread(str(path)), (350, 350)) for path in photos]
    if not faces:
        face = cv2.cvtColor(pictures.astronaut(), cv2.COLOR_RGB2BGR)[0:300, 80:380]
        faces = [cv2.convertScaleAbs(cv2.resize(face, (350, 350)), alpha=light) for light in (1, 0.4, 1.4, 0.6)]
    width, height = SIZE_WH
    top, left = (height - 350) // 2, (width - 350) // 2
    frames = []
    for face, following in zip(faces, [*faces[1:], faces[0]], strict=True):
        for step in [0.0] * hold + [(index + 1) / (fade + 1) for index in range(fade)]:
            frame = np.full((height, width, 3), (180, 190, 195), np.uint8)
            frame[top : top + 350, left : left + 350] = cv2.addWeighted(face, 1 - step, following, step, 0)
            frames.append(frame)
    return frames


CROSSING_SIDE_PX = 330


def crossing_lefts() -> list[int]:
    """Left edge of the moving picture in each frame of `crossing`."""
    steps = range(0, SIZE_WH[0] - CROSSING_SIDE_PX, SPEED_PX_S // FPS)
    return [*steps, *reversed(steps)]


def crossing() -> list[np.ndarray]:
    """A smiling face that goes to the right and back at SPEED_PX_S, about 110 px wide."""
    picture = cv2.cvtColor(pictures.astronaut(), cv2.COLOR_RGB2BGR)[0:300, 80:380]
    side = CROSSING_SIDE_PX
    picture = cv2.resize(picture, (side, side))
    width, height = SIZE_WH
    frames = []
    for left in crossing_lefts():
        frame = np.full((height, width, 3), (180, 190, 195), np.uint8)
        frame[height - side :, left : left + side] = picture
        frames.append(frame)
    return frames


def empty_room() -> list[np.ndarray]:
    """A lit wall, nobody in view."""
    ramp = np.linspace(150, 210, SIZE_WH[0]).astype(np.uint8)
    return [np.dstack([np.tile(ramp, (SIZE_WH[1], 1))] * 3)] * FRAMES


def darkness() -> list[np.ndarray]:
    """Almost no light."""
    return [np.full((SIZE_WH[1], SIZE_WH[0], 3), 12, np.uint8)] * FRAMES
