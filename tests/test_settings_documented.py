"""The README's settings table is the settings: same keys, defaults, units and meanings."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

from webapp.settings import Settings

README = Path(__file__).resolve().parent.parent / "README.md"


def settings_table() -> str:
    """The table as the README holds it, from the settings' own defaults and descriptions."""
    rows = ["| variable | default | meaning |", "|---|---|---|"]
    for setting in fields(Settings):
        default = f"`{setting.default}`" if setting.default not in ("", ()) else "–"
        unit = setting.metadata["unit"]
        rows.append(f"| `{setting.metadata['key']}` | {default}{unit and f' {unit}'} | {setting.metadata['meaning']} |")
    return "\n".join(rows)


def test_the_readme_holds_the_table_of_all_settings() -> None:
    expected = settings_table()
    assert expected in README.read_text("utf-8"), f"expected this table in the README:\n{expected}"
