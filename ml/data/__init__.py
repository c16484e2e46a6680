"""Data sets: folders of pictures to arrays, votes, the data of a run; an importer for FER-2013 and an audit.

Importing `ml.data` loads nothing else; a name is loaded when it is asked for.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ml.data.folders import (
        FOLDER_NAMES as FOLDER_NAMES,
        VALIDATION_NAMES as VALIDATION_NAMES,
        DataError as DataError,
        Pictures as Pictures,
        class_folders as class_folders,
        discover_classes as discover_classes,
        find_split as find_split,
        load_pictures as load_pictures,
    )
    from ml.data.training_set import (
        TrainingSet as TrainingSet,
        fingerprints as fingerprints,
        split_validation as split_validation,
    )
    from ml.data.votes import Votes as Votes, load_votes as load_votes

MODULES = ("folders", "training_set", "votes")


def __getattr__(name: str) -> Any:
    if not name.startswith("_") and name not in MODULES:
        for module in map(importlib.import_module, (f"{__name__}.{module}" for module in MODULES)):
            if hasattr(module, name):
                return getattr(module, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
