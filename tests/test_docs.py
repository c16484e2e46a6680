"""Every command, option, target, file and link that the documentation names exists."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest

from ml import arguments
from ml.training.presets import PRESETS

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])

MODULE = re.compile(r"python(?:3)? -m ([a-z_]+(?:\.[a-z_]+)*)([^\n`|]*)")
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]+")
TARGET = re.compile(r"(?:^|`|\$ )make ([a-z][a-z-]*)", re.MULTILINE)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)|<img[^>]+src=\"([^\"]+)\"")
OURS = {"ml", "webapp", "tests"}


def each(pattern: re.Pattern[str]) -> list[tuple[str, re.Match[str]]]:
    return [(page.name, hit) for page in PAGES for hit in pattern.finditer(page.read_text("utf-8"))]


def source_of(module: str) -> str:
    """The text of a module, or of a package's every module, for it may hand its arguments on."""
    path = ROOT / Path(*module.split("."))
    if path.is_dir():
        assert (path / "__main__.py").is_file(), f"`python -m {module}` needs {path / '__main__.py'}"
        return "\n".join(file.read_text("utf-8") for file in sorted(path.glob("*.py")))
    assert path.with_suffix(".py").is_file(), f"`python -m {module}` names no module here"
    text = path.with_suffix(".py").read_text("utf-8")
    options = getattr(arguments, f"{path.name}_arguments", None)
    if options is None:
        return text
    parts = [inspect.getsource(part) for part in (options, arguments.add_detector_options)]
    return text + parts[0] + (parts[1] if "add_detector_options" in parts[0] else "")


def test_there_is_something_to_check() -> None:
    assert (ROOT / "README.md") in PAGES
    assert len(each(MODULE)) >= 5
    assert len(each(LINK)) >= 3


@pytest.mark.parametrize(
    ("page", "hit"), [pytest.param(page, hit, id=f"{page}: {hit[1]}") for page, hit in each(MODULE)]
)
def test_every_module_and_option_named_exists(page: str, hit: re.Match[str]) -> None:
    module, arguments = hit.groups()
    if module.partition(".")[0] not in OURS:
        return
    source = source_of(module)
    missing = [option for option in OPTION.findall(arguments) if f'"{option}"' not in source]
    assert missing == [], f"{page}: python -m {module} knows no {missing}"


def test_every_preset_named_exists() -> None:
    named = [(page, hit[1]) for page, hit in each(re.compile(r"--preset ([a-z0-9-]+)"))]
    assert ("README.md", "best") in named
    assert [(page, preset) for page, preset in named if preset not in PRESETS] == []


def test_every_make_target_named_exists() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    known = {name for line in re.findall(r"^([a-z][a-z -]*):", makefile, re.MULTILINE) for name in line.split()}
    named = {hit[1] for _, hit in each(TARGET)}
    assert {"run", "test"} <= named
    assert named <= known


def test_every_relative_link_leads_somewhere() -> None:
    dead = []
    for page in PAGES:
        for hit in LINK.finditer(page.read_text("utf-8")):
            target = (hit[1] or hit[2]).partition("#")[0]
            if target and not target.startswith(("http://", "https://", "mailto:")):
                path = page.parent / target
                if not path.exists():
                    dead.append(f"{page.name}: {target}")
    assert dead == []


def test_every_anchor_names_a_heading() -> None:
    dead = []
    for page in PAGES:
        for hit in LINK.finditer(page.read_text("utf-8")):
            target, _, anchor = (hit[1] or hit[2]).partition("#")
            other = page.parent / target if target else page
            if anchor and other.suffix == ".md" and other.is_file():
                headings = re.findall(r"^#+ (.+)$", other.read_text("utf-8"), re.MULTILINE)
                slugs = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
                if anchor not in slugs:
                    dead.append(f"{page.name}: {target}#{anchor}")
    assert dead == []


def mapped() -> list[tuple[str, Path]]:
    """Every name in the table "Where is …?" with its path; a bare name lies in the folder of the name before it."""
    page = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    found = []
    for row in page[page.index("## Where is") : page.index("## The life")].splitlines():
        folder = ROOT
        for name in re.findall(r"`([\w./-]+)`", row.rpartition(" | ")[2]):
            path = (ROOT if "/" in name else folder) / name
            path = path if path.exists() else ROOT / name
            folder = path if name.endswith("/") else path.parent
            if "." in name or "/" in name:
                found.append((name, path))
    return found


def test_every_file_of_the_map_exists_and_every_module_is_in_it() -> None:
    places = mapped()
    assert [name for name, path in places if not path.exists()] == []
    inside = {file for _, path in places for file in (path.rglob("*") if path.is_dir() else [path])}
    modules = [ROOT / "wsgi.py", ROOT / "gunicorn.conf.py"]
    modules += [*(ROOT / "ml").rglob("*.py"), *(ROOT / "webapp").rglob("*.py"), *(ROOT / "static" / "js").rglob("*.js")]
    absent = {str(path.relative_to(ROOT)) for path in modules if path not in inside and path.name != "__init__.py"}
    assert absent == set()
