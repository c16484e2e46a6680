"""Every sentence a page uses is in the catalogue, and every sentence in the catalogue is used."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from webapp.catalogue import load_catalogue


@pytest.fixture(scope="module")
def catalogue() -> dict[str, Any]:
    return dict(load_catalogue("en").all)


def test_no_name_in_a_template_hides_behind_a_method(root: Path) -> None:
    """`strings.keys` would be the dictionary's own method, and print what it is."""
    for template in sorted((root / "templates").glob("*.html")):
        used = re.findall(r"strings\.(\w+)(?:\.(\w+))?", template.read_text(encoding="utf-8"))
        assert not {name for names in used for name in names} & set(dir(dict)), template.name


def test_templates_name_what_exists(root: Path, catalogue: dict[str, Any]) -> None:
    for template in sorted((root / "templates").glob("*.html")):
        for group, name in re.findall(r"strings\.(\w+)\.(\w+)", template.read_text(encoding="utf-8")):
            assert name in catalogue.get(group, {}) or name == "replace", f"{template.name}: {group}.{name}"


def test_scripts_name_what_exists(root: Path, catalogue: dict[str, Any]) -> None:
    for script in sorted((root / "static" / "js").rglob("*.js")):
        for group, name in re.findall(r'\bt\([^)]*?"(\w+)\.([\w-]+)"', script.read_text(encoding="utf-8")):
            assert name in catalogue.get(group, {}), f"{script.name}: {group}.{name}"


COMPOSED = (
    *("emotion", "steps", "state", "action", "timeline", "meaning", "record", "summary", "photo", "reopen"),
    *("shortcuts", "settings", "numbers", "api", "found"),
)
"""Groups from which scripts and templates take names that they compose: `t(`state.${state}`)`."""


def test_nothing_in_the_catalogue_is_left_over(root: Path, catalogue: dict[str, Any]) -> None:
    files = [*(root / "templates").glob("*.html"), *(root / "static" / "js").rglob("*.js")]
    text = "\n".join(file.read_text(encoding="utf-8") for file in files)
    unused = [
        f"{group}.{name}"
        for group, names in catalogue.items()
        for name in names
        if group not in ("steps", "emotion")
        if not re.search(rf"(?<![\w-]){'' if group in COMPOSED else group + '[.]'}{re.escape(name)}(?![\w-])", text)
    ]
    # Composed in templates: "theme_" + name, "example_" + name + "_alt", the name of a panel.
    unused = [key for key in unused if not re.fullmatch(r"app\.(theme_\w+|camera|video|photo)|photo\.example_\w+", key)]
    assert not unused, unused
