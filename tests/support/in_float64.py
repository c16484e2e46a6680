"""`python -m tests.support.in_float64 …`: `tests.support.small_networks` with every calculation in float64, on JAX.

Needs `floatx: float64` in `keras.json` and `JAX_ENABLE_X64=1`. Keras calculates batch normalisation in
float32 even then; the entry of its table that says so is replaced.
"""

from __future__ import annotations

import runpy

from keras.src.backend.common import dtypes

if __name__ == "__main__":
    dtypes.BIT64_TO_BIT32_DTYPE["float64"] = "float64"
    runpy.run_module("tests.support.small_networks", run_name="__main__", alter_sys=True)
