"""Networks with every kind of layer of the real ones and few filters, for tests of what happens round a network.

`python -m tests.support.small_networks …` takes the arguments of `ml.train` and trains such networks.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import keras
import pytest

from ml.console import run
from ml.evaluation import plots
from ml.inference.contract import EMOTIONS
from ml.model import document_network, residual_network
from ml.train import advice, main
from ml.training import presets

ONE_BLOCK = ((32, 2),)
"""Blocks of a network that is made and trained in little time."""
TWO_BLOCKS = ((24, 2), (48, 2))
"""Blocks of a network that learns."""


def small_residual(classes: int = len(EMOTIONS), blocks: tuple[tuple[int, int], ...] = ONE_BLOCK) -> keras.Model:
    return residual_network("best", classes, 16, blocks)


small_document = partial(document_network, width=4)


def install(patch: pytest.MonkeyPatch, drawn: bool = False, blocks: tuple[tuple[int, int], ...] = ONE_BLOCK) -> None:
    """Let every preset train a small network, and draw nothing unless asked: drawing takes a second an epoch."""
    residual = partial(small_residual, blocks=blocks)
    if not drawn:
        draw_nothing(patch)
    for name, preset in presets.PRESETS.items():
        if preset.network is not None:
            small = small_document if name == "document" else residual
            patch.setitem(presets.PRESETS, name, replace(preset, network=small))


def draw_nothing(patch: pytest.MonkeyPatch) -> None:
    for figure in ("training_curves", "confusion_matrices", "reliability_diagram", "contact_sheet"):
        patch.setattr(plots, figure, lambda *_: None)


if __name__ == "__main__":
    with pytest.MonkeyPatch.context() as patch:
        install(patch)
        run("ml.train", main, advice)
