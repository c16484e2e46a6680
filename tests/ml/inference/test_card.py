"""A card that does not fit its model, or this program, is refused in one sentence."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ml.inference.align import SHIPPED_ALIGNER, FaceAligner
from ml.inference.card import ModelCard, load_card, read_checked_card
from ml.inference.classifier import SHIPPED_MODEL, Classifier
from ml.inference.contract import EMOTIONS, ModelError
from ml.inference.scan import SHIPPED_SCANNER, FaceScanner

MODEL = b"not a graph, which a card does not ask"
CARD: dict[str, Any] = {
    "name": "mine",
    "sha256": hashlib.sha256(MODEL).hexdigest(),
    "labels": ["asleep", "awake"],
    "outputs": ["served"],
    "input": {"shape": [48, 48, 1], "type": "float32", "range": [0, 255], "color": "grey"},
    "uncertain_below": 0.4,
}


def write(folder: Path, card: object, model: bytes = MODEL) -> Path:
    path = folder / "mine.tflite"
    path.write_bytes(model)
    path.with_suffix(".json").write_text(card if isinstance(card, str) else json.dumps(card))
    return path


def test_the_shipped_card_is_whole() -> None:
    card = load_card(SHIPPED_MODEL)
    assert card.labels == EMOTIONS
    assert card.version == card.sha256[:8]
    assert card.parity["pictures"] > 0
    assert card.metrics["n"] > 0
    assert card.calibration
    assert card.training


def test_a_card_needs_six_fields_and_fields_of_other_exports_are_left_out(tmp_path: Path) -> None:
    card = load_card(write(tmp_path, CARD | {"crop": {"margin": 0}, "metrics": None}))
    assert card == ModelCard(**CARD | {"labels": ("asleep", "awake"), "outputs": ("served",)})
    assert (card.parameters, card.metrics) == (0, {})


@pytest.mark.parametrize("missing", sorted(CARD))
def test_a_card_without_a_needed_field_is_refused(tmp_path: Path, missing: str) -> None:
    with pytest.raises(ModelError, match=r"expected a .*card with .*received .*mine"):
        load_card(write(tmp_path, {name: value for name, value in CARD.items() if name != missing}))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"labels": []}, "expected labels"),
        ({"labels": ["a", "a"]}, "expected labels"),
        ({"labels": [1, 2]}, "expected labels"),
        ({"labels": 7}, "mine.json"),
        ({"outputs": ["original"]}, "expected an output named served, received original"),
        ({"outputs": []}, "expected an output named served, received none"),
        ({"input": {"shape": [64, 64, 1], "type": "float32"}}, "expected an input of shape"),
        ({"input": {"shape": [48, 48, 1], "type": "uint8"}}, "float32, received .*uint8"),
        ({"input": {}}, "expected an input of shape"),
        ({"input": []}, "mine.json"),
        ({"uncertain_below": 1.5}, "from 0 to 1, received 1.5"),
        ({"uncertain_below": "much"}, "from 0 to 1, received 'much'"),
        ({"sha256": "0" * 64}, "expected the model with sha256 0000"),
    ],
)
def test_a_field_that_cannot_be_used_is_named(tmp_path: Path, change: dict[str, Any], reason: str) -> None:
    with pytest.raises(ModelError, match=reason):
        load_card(write(tmp_path, CARD | change))


@pytest.mark.parametrize("text", ["", "no JSON", "[]", "7", "null"])
def test_what_is_no_card_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(ModelError, match="expected a"):
        read_checked_card(write(tmp_path, text))


def test_a_missing_model_or_card_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"there is no .*mine.tflite"):
        load_card(tmp_path / "mine.tflite")
    with pytest.raises(ModelError, match=r"there is no x+"):
        load_card(Path("x" * 300))
    path = write(tmp_path, CARD)
    path.with_suffix(".json").unlink()
    with pytest.raises(ModelError, match=r"there is no .*mine.json"):
        load_card(path)


def shipped_with(folder: Path, **change: object) -> Path:
    """The shipped model beside a changed card."""
    card = json.loads(SHIPPED_MODEL.with_suffix(".json").read_text())
    return write(folder, card | change, SHIPPED_MODEL.read_bytes())


def test_labels_must_be_as_many_as_the_graph_gives(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"a value for each of the 6 labels of the card .*, received .*7"):
        Classifier(shipped_with(tmp_path, labels=list(EMOTIONS[:6])))


def test_outputs_must_be_those_of_the_graph(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="expected outputs"):
        Classifier(shipped_with(tmp_path, outputs=["served"]))


def test_pictures_must_be_of_the_size_that_the_graph_takes() -> None:
    card = load_card(SHIPPED_MODEL)
    with pytest.raises(ModelError, match=r"expected a model that takes \[48, 48, 1\], received \[64, 64, 1\]"):
        card.require_graph((64, 64, 1), dict.fromkeys(card.outputs, 7))


@pytest.mark.parametrize(("load", "shipped"), [(FaceAligner, SHIPPED_ALIGNER), (FaceScanner, SHIPPED_SCANNER)])
def test_a_network_of_the_detection_is_the_one_that_its_card_names(
    load: Callable[[Path], object], shipped: Path, tmp_path: Path
) -> None:
    path = tmp_path / shipped.name
    shutil.copy(shipped.with_suffix(".json"), tmp_path)
    path.write_bytes(shipped.read_bytes())
    load(path)
    path.write_bytes(shipped.read_bytes() + b"\0")
    with pytest.raises(ModelError, match="expected the model with sha256"):
        load(path)


@pytest.mark.parametrize("path", ["", ".", "/"])
def test_a_path_without_a_name_is_one_sentence(path: str) -> None:
    with pytest.raises(ModelError, match="expected a model"):
        load_card(Path(path))
