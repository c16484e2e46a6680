"""Facial emotion recognition: data, training, evaluation, export, and the inference code that serves the model.

    from ml import analyze
    analyze("photo.jpg").faces[0].dominant_emotion

Importing `ml` loads nothing else; `analyze` is loaded when it is asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ml.inference.one_picture import analyze as analyze

__all__ = ["analyze"]


def __getattr__(name: str) -> Any:
    if name == "analyze":
        from ml.inference.one_picture import analyze

        return analyze
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
