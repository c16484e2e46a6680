"""Data sets: folders of pictures to arrays, votes, the data of a run; an importer for FER-2013 and an audit."""

from ml.data.folders import (
    FOLDER_NAMES,
    VALIDATION_NAMES,
    DataError,
    Pictures,
    class_folders,
    discover_classes,
    find_split,
    load_pictures,
)
from ml.data.training_set import TrainingSet, fingerprints, split_validation
from ml.data.votes import Votes, load_votes

__all__ = [
    "FOLDER_NAMES",
    "VALIDATION_NAMES",
    "DataError",
    "Pictures",
    "TrainingSet",
    "Votes",
    "class_folders",
    "discover_classes",
    "find_split",
    "fingerprints",
    "load_pictures",
    "load_votes",
    "split_validation",
]
