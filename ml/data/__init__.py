"""Data sets: folders of pictures to arrays, votes, splits; an importer for FER-2013 and an audit of any folder."""

from ml.data.folders import (
    FOLDER_NAMES,
    PICTURE_SUFFIXES,
    DataError,
    Pictures,
    Votes,
    class_folders,
    discover_classes,
    fingerprints,
    load_pictures,
    load_votes,
    split_validation,
)

__all__ = [
    "FOLDER_NAMES",
    "PICTURE_SUFFIXES",
    "DataError",
    "Pictures",
    "Votes",
    "class_folders",
    "discover_classes",
    "fingerprints",
    "load_pictures",
    "load_votes",
    "split_validation",
]
