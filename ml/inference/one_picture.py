"""`from ml import analyze`: one picture to its faces and emotions, in the caller's own process."""

from __future__ import annotations

import os
import sys
import threading
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ml.inference.contract import Analysis, Request

if TYPE_CHECKING:
    import numpy as np

    from ml.inference.analyzer import Analyzer

BUDGET_MS = 120_000.0
"""A search ends after this long."""
THREAD_LIMITS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS")

_lock = threading.Lock()  # neither cascades nor interpreters can be used by two threads at a time


def analyze(
    picture: str | os.PathLike[str] | bytes | bytearray | memoryview | np.ndarray,
    *,
    channel_order: Literal["rgb", "bgr"] = "rgb",
    model: str | os.PathLike[str] | None = None,
) -> Analysis:
    """Find and read the faces of one picture, as `POST /api/analyze` does: the same search, the same `Analysis`.

    The first call loads the model (about 0.2 s). No TensorFlow is loaded, no server is needed, and no thread is left.

    Args:
        picture: path of a picture file in any format that the commands read; the bytes of one; or an array uint8,
            `(height, width)` grey, `(height, width, 3)` in colour or `(height, width, 4)` with an alpha channel, which
            is ignored.
        channel_order: of an array's colours. Pillow, imageio and scikit-image give RGB, `cv2.imread` gives BGR.
        model: a `.tflite` with its card beside it; None is the shipped one.

    Raises:
        OSError: the file can't be read.
        AnalysisError: it is no picture, or too large; the subclass says why.
        TypeError, ValueError: the argument is none of the above.
        ModelError: the model can't be used.
    """
    if channel_order not in {"rgb", "bgr"}:
        raise ValueError(f"expected channel_order 'rgb' or 'bgr', received {channel_order!r}")
    with _lock:
        analyzer = _analyzer(None if model is None else str(Path(model).resolve()))
        return analyzer.analyze(Request(_encoded(picture, channel_order), thorough=True, budget_ms=BUDGET_MS))


def _encoded(picture: Any, channel_order: str) -> bytes:
    """The picture as bytes that the analyzer decodes; an array becomes an uncompressed PNG."""
    import cv2
    import numpy as np

    from ml.inference.preprocess import as_served, encode_png

    if isinstance(picture, bytes | bytearray | memoryview):
        return as_served(bytes(picture))
    if isinstance(picture, str | os.PathLike):
        return as_served(Path(picture).read_bytes())
    if not isinstance(picture, np.ndarray):
        raise TypeError(f"expected a path, bytes or an array, received {type(picture).__name__}")
    channels = 1 if picture.ndim == 2 else picture.shape[-1] if picture.ndim == 3 else 0
    if picture.dtype != np.uint8 or channels not in {1, 3, 4} or not picture.size:
        expected = "an array uint8 of shape (height, width), (height, width, 3) or (height, width, 4)"
        raise ValueError(f"expected {expected}, received {picture.dtype} {picture.shape}")
    if channels == 1:
        gray = picture.reshape(picture.shape[:2])
    else:
        to_gray = cv2.COLOR_RGB2GRAY if channel_order == "rgb" else cv2.COLOR_BGR2GRAY
        gray = cv2.cvtColor(np.ascontiguousarray(picture[..., :3]), to_gray)
    return encode_png(gray)


@cache
def _analyzer(model: str | None) -> Analyzer:
    """Load a model. Libraries that are loaded for it here start no threads; those loaded before stay as they are."""
    ours = [name for name in THREAD_LIMITS if name not in os.environ and "numpy" not in sys.modules]
    os.environ.update(dict.fromkeys(ours, "1"))
    try:
        from ml.inference.analyzer import Analyzer
        from ml.inference.classifier import SHIPPED_MODEL, Classifier

        analyzer = Analyzer(Classifier(model or SHIPPED_MODEL))
        analyzer.warm_up()
    finally:
        for name in ours:
            del os.environ[name]
    return analyzer
