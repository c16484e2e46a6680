"""Converts a float LiteRT file to one whose trunk calculates in 8-bit integers.

Convolutions, poolings and residual additions become integer operations, with a scale for each output channel. The
global mean, the heads and the calibration stay in float: the logarithms of the calibration do not survive 8 bits.
"""

from __future__ import annotations

import contextlib
import io
import logging
import re
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ml.inference.preprocess import to_batch

PICTURES = 512
"""Training faces whose activations decide the integer ranges."""
BATCH = 32
"""Faces a batch. The range of an activation is a moving average, over the batches, of its extremes in a batch. With
batches of one face the range would clip the larger values of many faces."""
RECIPE = {"bits": 8, "pictures": PICTURES, "float": ["mean", "heads", "calibration"]}
"""What a model's card says of its quantisation."""


def quantize(float_model: Path, out: Path, images: np.ndarray, network: str) -> None:
    """Write a quantised copy of an exported model.

    Args:
        float_model: a LiteRT file with the input `grey`. out: where the quantised file goes.
        images: `(n, 48, 48)` uint8 training faces; the first `PICTURES` are used.
        network: name of the trained network inside the graph, whose additions belong to the trunk.
    """
    # Only an export needs the quantiser; importing this module must not.
    from ai_edge_quantizer import qtyping, quantizer

    operations = qtyping.TFLOperationName
    trunk_only = rf".*{re.escape(network)}(_\d+)?/(add|re_lu).*"
    recipe = quantizer.Quantizer(str(float_model))
    for operation, outputs in (
        (operations.CONV_2D, ".*"),
        (operations.AVERAGE_POOL_2D, ".*"),
        (operations.PAD, ".*"),
        (operations.ADD, trunk_only),
    ):
        recipe.add_static_config(
            regex=outputs,
            operation_name=operation,
            activation_num_bits=8,
            weight_num_bits=8,
            weight_granularity=qtyping.QuantGranularity.CHANNELWISE,
        )
    chosen = to_batch(images[:PICTURES])
    batches = [{"grey": chosen[start : start + BATCH]} for start in range(0, len(chosen), BATCH)]
    with _quiet():
        ranges = recipe.calibrate({"serving_default": batches}, num_threads=1)
        recipe.quantize(ranges, enable_progress_bar=False).export_model(str(out), overwrite=True)
    out.chmod(0o644)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without the library's progress bars, size tables and advice."""
    level = logging.root.level
    logging.root.setLevel(logging.ERROR)
    try:
        with (
            warnings.catch_warnings(action="ignore"),
            contextlib.redirect_stdout(io.StringIO()),
            contextlib.redirect_stderr(io.StringIO()),
        ):
            yield
    finally:
        logging.root.setLevel(level)
