"""Which script may import which: entry → live, session, video, photo → faces → shared; siblings never each other."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).resolve().parent.parent / "static" / "js"
SOURCES = ("live", "session", "video", "photo")

MAY_IMPORT = {
    "": (*SOURCES, "faces", "shared"),
    **{source: (source, "faces", "shared") for source in SOURCES},
    "faces": ("faces", "shared"),
    "shared": ("shared",),
}
"""The folder of a script, "" for an entry, and the folders it may import from."""

TOUCHED_BY_ONE = {
    r"navigator\.mediaDevices": ["live/camera.js"],
    r"\bio\(": ["live/socket.js"],
}
"""Parts of the browser and libraries that one file alone may touch."""


def scripts() -> list[str]:
    return sorted(str(path.relative_to(SCRIPTS)) for path in SCRIPTS.rglob("*.js"))


def imports_of(script: str) -> Iterator[Path]:
    """Paths of everything a script imports from this project, when it starts or later."""
    text = (SCRIPTS / script).read_text("utf-8")
    for name in re.findall(r"""(?:^(?:import|export)\b[^;"]*?|\bimport\()["'](\.[^"']+)["']""", text, re.MULTILINE):
        yield ((SCRIPTS / script).parent / name).resolve()


def folder_of(path: Path) -> str:
    relative = path.relative_to(SCRIPTS)
    return relative.parts[0] if len(relative.parts) > 1 else ""


@pytest.mark.parametrize("script", scripts())
def test_imports_point_the_right_way(script: str) -> None:
    allowed = MAY_IMPORT[folder_of(SCRIPTS / script)]
    for path in imports_of(script):
        assert path.is_file(), f"{script} imports {path}, which does not exist"
        if SCRIPTS in path.parents:
            assert folder_of(path) in allowed, f"{script} must not import {path.relative_to(SCRIPTS)}"
        else:
            assert path.parent.name == "vendor", f"{script} must not import {path}"


def test_imports_are_seen_at_all() -> None:
    found = {str(path.relative_to(SCRIPTS)) for path in imports_of("main.js")}
    assert {"live/live.js", "photo/panel.js"} <= found, "one is a statement, the other is loaded later"


@pytest.mark.parametrize("pattern", TOUCHED_BY_ONE)
def test_one_file_alone_touches(pattern: str) -> None:
    touching = [name for name in scripts() if re.search(pattern, (SCRIPTS / name).read_text("utf-8"))]
    assert touching == TOUCHED_BY_ONE[pattern]


def test_no_export_can_be_reassigned() -> None:
    """An exported `let` is state that every importer shares."""
    assert [name for name in scripts() if re.search(r"^export let\b", (SCRIPTS / name).read_text("utf-8"), re.M)] == []
