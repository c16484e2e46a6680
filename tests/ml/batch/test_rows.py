"""The columns of the table, whatever the classes of a model are called."""

from __future__ import annotations

import pytest

from ml.batch.rows import COLUMNS, columns_for, row_of
from ml.inference.contract import EMOTIONS, Box, Face


def test_the_seven_emotions_keep_their_names() -> None:
    assert columns_for(EMOTIONS) == (*COLUMNS, *EMOTIONS)


@pytest.mark.parametrize(
    ("classes", "columns"),
    [
        (["confidence", "confident"], ["emotion_confidence", "confident"]),
        (["x", "source", "uncertain", "frame"], ["emotion_x", "emotion_source", "emotion_uncertain", "emotion_frame"]),
        (["x", "emotion_x"], ["emotion_emotion_x", "emotion_x"]),
        (["emotion_x", "x"], ["emotion_x", "emotion_emotion_x"]),
    ],
)
def test_a_class_named_like_a_column_gets_a_prefix(classes: list[str], columns: list[str]) -> None:
    assert columns_for(classes) == (*COLUMNS, *columns)
    assert len(set(columns_for(classes))) == len(COLUMNS) + len(classes)


def test_no_value_of_a_row_hides_another() -> None:
    face = Face(Box(1, 2, 3, 4), (0.389, 0.611), False, labels=("confidence", "x"))
    row = dict(zip(columns_for(face.labels), row_of(face, "a.jpg", 0, None), strict=True))
    assert (row["confidence"], row["emotion_confidence"], row["x"], row["emotion_x"]) == (0.611, 0.389, 1, 0.611)
