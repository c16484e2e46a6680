"""The aligner: a small network that decides whether a window holds a face, and moves the window onto it.

It brings every window to the framing of the training pictures, including roll, so that the classifier sees upright
faces of one size. Trained by `python -m ml.align`.
"""

from __future__ import annotations

import zlib
from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from ml.inference.card import read_checked_card
from ml.inference.geometry import Window, cut_window
from ml.inference.process import without_native_lines

PATCH_SIZE = 32
"""Side of the network's square grey input, in pixels."""
PATCH_SHARE = 0.8
"""Share of a window's side that the network sees: the inner face without its surroundings."""
SHIPPED_ALIGNER = Path(__file__).parent.parent / "artifacts" / "align.tflite"


def held_out(path: Path) -> bool:
    """Whether a picture is held out from training this network, for measuring it; depends only on the file's name."""
    return zlib.crc32(path.name.encode()) % 10 == 0


class FaceAligner:
    """The loaded network. One per process or thread: a LiteRT interpreter is not safe to share.

    Raises:
        ModelError: the file is missing, or is not the one that its card names.
    """

    def __init__(self, model_path: str | Path = SHIPPED_ALIGNER) -> None:
        read_checked_card(Path(model_path))
        with without_native_lines():
            self._interpreter = Interpreter(model_path=str(model_path), num_threads=1)
            self._interpreter.allocate_tensors()
        self._input = self._interpreter.get_input_details()[0]["index"]
        self._output = self._interpreter.get_output_details()[0]["index"]

    def look(self, gray: np.ndarray, window: Window) -> tuple[float, Window]:
        """Probability that the window is roughly on a face, and the window moved onto the face.

        Args:
            gray: `(height, width)` uint8.
        """
        patch = cut_window(gray, window, PATCH_SIZE, PATCH_SHARE)
        self._interpreter.set_tensor(self._input, patch[np.newaxis, :, :, np.newaxis].astype(np.float32))
        self._interpreter.invoke()
        face, right, down, log_scale, turn_rad = self._interpreter.get_tensor(self._output)[0].tolist()
        return face, window.moved(right, down, log_scale, turn_rad)

    def align(self, gray: np.ndarray, window: Window, steps: int) -> tuple[float, Window]:
        """Move a window onto its face in a few steps; returns the probability of a face at the final window."""
        for _ in range(steps):
            _, window = self.look(gray, window)
        return self.look(gray, window)[0], window
