"""The model card as a page: the words are in model_card.md.j2, every figure comes from a report or the model's card."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from ml.inference.card import ModelCard
from ml.inference.contract import DISPLAY_NAMES

LABEL_SETS = {"folder": "original labels", "people": "what most people see"}


def write_card(
    report: dict[str, Any], card: ModelCard, path: Path, groups: dict[str, dict[str, Any]] | None = None
) -> None:
    """Write the page.

    Args:
        report: that of `ml.evaluate`. card: that of the model file. groups: figures of `measure_groups`, if measured.
    """
    environment = Environment(  # noqa: S701 - Markdown, not HTML
        loader=FileSystemLoader(Path(__file__).parent), undefined=StrictUndefined, keep_trailing_newline=True
    )
    environment.filters["percent"] = lambda share, digits=1: f"{share:.{digits}%}"
    environment.filters["interval"] = lambda cell: "–" if cell is None else "{:.3f} ({:.2f}–{:.2f})".format(*cell)
    environment.filters["display"] = lambda name: DISPLAY_NAMES.get(name, name)
    template = environment.get_template("model_card.md.j2")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        template.render(
            report={"robustness": None, "views": None} | report, card=card, label_sets=LABEL_SETS, groups=groups
        )
    )
