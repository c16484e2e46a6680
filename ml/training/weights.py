"""Weights and whole networks as HDF5 files, under any name."""

from __future__ import annotations

import os
from pathlib import Path

import keras
from absl import logging as absl_logging


def save_weights(network: keras.Model, path: Path) -> None:
    """Write weights under any name, all or nothing (Keras insists on names ending in `.weights.h5`)."""
    draft = path.with_name(f".{path.stem}.weights.h5")
    network.save_weights(draft)
    draft.replace(path)


def save_whole(network: keras.Model, path: Path) -> None:
    """Write a whole network as HDF5; Keras's warning about that format is suppressed."""
    before = absl_logging.get_verbosity()
    absl_logging.set_verbosity(absl_logging.ERROR)
    try:
        network.save(path)
    finally:
        absl_logging.set_verbosity(before)


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
