"""Weights and whole networks as HDF5 files under any name, written whole or not at all.

HDF5 is encoded in memory and written by Python: a file that HDF5 itself can't finish, on a full disk, ends the process
with a segmentation fault.
"""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
from absl import logging as absl_logging

from ml.console import write_file


class _InMemoryFile(h5py.File):
    """An HDF5 file in memory that Keras, which looks at the suffix of a name, accepts as one on disk."""

    def __str__(self) -> str:
        return "memory.h5"


class _InMemoryWeights(io.BytesIO):
    """Bytes in memory that Keras, which looks at the suffix of a name, accepts as a file of weights."""

    def __str__(self) -> str:
        return "memory.weights.h5"


def save_weights(network: keras.Model, path: Path) -> None:
    """Write the weights to a file of any name; Keras accepts only names that end in `.weights.h5`.

    Raises:
        OSError: the disk is full, or the place can't be written; an older file is kept.
    """
    content = _InMemoryWeights()
    keras.saving.save_weights(network, content)
    write_file(path, content.getvalue())


def save_whole(network: keras.Model, path: Path) -> None:
    """Write a whole network as HDF5; Keras's warning about that format is suppressed.

    Raises:
        OSError: the disk is full, or the place can't be written; an older file is kept.
    """
    content = io.BytesIO()
    before = absl_logging.get_verbosity()
    absl_logging.set_verbosity(absl_logging.ERROR)
    try:
        with _InMemoryFile(content, "w") as file:
            keras.saving.save_model(network, file)
    finally:
        absl_logging.set_verbosity(before)
    write_file(path, content.getvalue())


def load_weights(network: keras.Model, path: Path) -> None:
    """Read weights from a file of any name; several processes may read the same file at once."""
    alias = path
    if not path.name.endswith(".weights.h5"):
        alias = path.with_name(f".{path.stem}-{os.getpid()}.weights.h5")
        alias.unlink(missing_ok=True)
        os.link(path, alias)
    try:
        network.load_weights(alias)
    finally:
        if alias != path:
            alias.unlink()


def save_checkpoint(network: keras.Model, path: Path) -> None:
    """Write the variables of a network and its optimizer, bit by bit.

    Raises:
        OSError: the disk is full, or the place can't be written; an older file is kept.
    """
    content = io.BytesIO()
    arrays: dict[str, Any] = {f"{i:04d}": keras.ops.convert_to_numpy(v) for i, v in enumerate(_variables(network))}
    np.savez(content, **arrays)
    write_file(path, content.getvalue())


def load_checkpoint(network: keras.Model, path: Path) -> None:
    """Read what `save_checkpoint` wrote into a compiled network of the same kind."""
    network.optimizer.build(network.trainable_variables)
    with np.load(path) as arrays:
        for variable, name in zip(_variables(network), sorted(arrays.files), strict=True):
            variable.assign(arrays[name])


def _variables(network: keras.Model) -> list[Any]:
    return [*network.variables, *network.optimizer.variables]
