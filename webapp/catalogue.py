"""The words of the pages, one catalogue per language.

`static/locales/{language}.json` contains the texts of the first view and is part of the page. The files in
`static/locales/{language}/` contain the texts of the templates (`pages.json`) and of the panels; a script loads the
file of its panel at the first use.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jinja2.utils import htmlsafe_json_dumps

from webapp.assets import STATIC

LANGUAGES = {"en": "English", "de": "Deutsch", "es": "Español", "zh": "中文"}
"""Codes and their own names, in the order of the menu."""

LOCALES = STATIC / "locales"


@dataclass(frozen=True)
class Catalogue:
    """`first`: the groups of the first view; `all`: every group, for the templates."""

    first: Mapping[str, Any]
    all: Mapping[str, Any]

    def config_json(self, panel: str = "", **facts: Any) -> str:
        """The page's configuration as JSON, marked as safe inside a script element.

        Args:
            panel: the words of this part travel with it, because the page shows the part at once.
        """
        strings = {**self.first, panel: self.all[panel]} if panel in self.all else self.first
        return htmlsafe_json_dumps({"strings": strings, **facts}, ensure_ascii=False, separators=(",", ":"))


def load_catalogues() -> dict[str, Catalogue]:
    """Every catalogue by its language."""
    return {language: load_catalogue(language) for language in LANGUAGES}


def load_catalogue(language: str) -> Catalogue:
    first = json.loads((LOCALES / f"{language}.json").read_text("utf-8"))
    merged = dict(first)
    for part in sorted((LOCALES / language).glob("*.json")):
        merged |= json.loads(part.read_text("utf-8"))
    return Catalogue(first, merged)
