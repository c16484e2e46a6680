"""Every imported package is a requirement of its own, not only a dependency of another package."""

from __future__ import annotations

import ast
import re
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
OURS = {"ml", "webapp", "wsgi", "tests"}
OPTIONAL = {"torch", "fer"}
"""Used where somebody has it: another backend for training, the package that benchmarks compare with."""

SERVING = [ROOT / "wsgi.py", ROOT / "gunicorn.conf.py", *(ROOT / "webapp").rglob("*.py")]
SERVING += (ROOT / "ml" / "inference").rglob("*.py")
EVERYTHING = [*SERVING, *(ROOT / "ml").rglob("*.py"), *(ROOT / "tests").rglob("*.py")]


def required(path: Path) -> set[str]:
    """Distributions that a requirements file and the files it includes name, in normal form."""
    names: set[str] = set()
    for line in path.read_text("utf-8").splitlines():
        if line.startswith("-r "):
            names |= required(path.parent / line[3:].strip())
        elif name := re.match(r"[A-Za-z0-9._-]+", line):
            names.add(normal(name[0]))
    return names


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def imported(paths: list[Path]) -> set[str]:
    """Top-level names that any import statement of these files names, without the standard library and our own."""
    names: set[str] = set()
    for path in paths:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                names.add(node.module.partition(".")[0])
    return names - set(sys.stdlib_module_names) - OURS - OPTIONAL


@pytest.mark.parametrize(
    ("paths", "requirements"),
    [
        pytest.param(SERVING, "webapp/requirements.txt", id="serving"),
        pytest.param(EVERYTHING, "requirements.txt", id="everything"),
    ],
)
def test_every_import_is_required_by_name(paths: list[Path], requirements: str) -> None:
    known = required(ROOT / requirements)
    providers = packages_distributions()
    missing = {
        name: providers.get(name)
        for name in imported(paths)
        if not known & {normal(distribution) for distribution in providers.get(name, [])}
    }
    assert missing == {}
